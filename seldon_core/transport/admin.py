"""The admin port: metrics, health, the models' states and the log levels, on loopback unless told
else.

A page in a browser on this machine can reach loopback too. So a request whose Host or Origin is not
this machine is refused: a foreign page cannot read the port through its own scripts, nor through a
name of its own that resolves to 127.0.0.1 (DNS rebinding). A port that is open to the network may
be called by any name; pages of others are refused there, too.

It is served by the data port's own HTTP: aiohttp, which would do as well, costs 100 ms of every
start and 11 MiB (`perf.bench P11`).
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from difflib import get_close_matches
from typing import Protocol

from seldon_core.config.settings import AdminSettings
from seldon_core.config.values import is_loopback
from seldon_core.errors import ConfigError
from seldon_core.observability.exposition import CONTENT_TYPE
from seldon_core.observability.logs import ROOT, levels, set_levels
from seldon_core.observability.metrics import Metrics
from seldon_core.protocol.inference import Buffer
from seldon_core.protocol.status import UNIMPLEMENTED
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.conversations import TalkRules
from seldon_core.transport.exchange import HttpAnswer, HttpRequest
from seldon_core.transport.listener import listen
from seldon_core.transport.locality import foreign_name
from seldon_core.transport.rpc import RpcAnswer
from seldon_core.transport.settings import KIB, MIB, ListenerSettings
from seldon_core.transport.tls import ServerKeys

HOST = "127.0.0.1"
_CLOSE_TIMEOUT_S = 1.0  # a scrape under way ends well within it; idle connections need nothing

_TEXT, _JSON = "text/plain; charset=utf-8", "application/json; charset=utf-8"

_LEVELS_WANTED = 'levels by component, such as {"seldon_core.agent": "debug"}'

_logger = logging.getLogger(__name__)


class ProcessState(Protocol):
    """What the admin port asks of the process."""

    def not_ready(self) -> Sequence[str]:
        """Return what is not ready, one sentence each; nothing when the process is."""

    def status(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each model: name, version, state, replicas …, as JSON values."""


Merge = Callable[[str], Awaitable[str]]
"""Returns this process's metrics with those of others merged into them; raises nothing."""


@asynccontextmanager
async def open_admin(
    settings: AdminSettings,
    metrics: Metrics,
    state: ProcessState,
    host: str = HOST,
    keys: ServerKeys | None = None,
    merge: Merge | None = None,
) -> AsyncIterator[int]:
    """Serve the admin port on `host` for the length of a block; yields its number.

    With `keys` it speaks TLS, with `merge` it tells the metrics of other processes too. Raises
    ConfigError if the port is taken.
    """
    # Enough for a few scrapers and people, and for the one body there is, a table of levels.
    limits = ListenerSettings(
        host, settings.port, connections=100, body_bytes=64 * KIB, in_flight_bytes=MIB
    )
    listening = listen(
        limits,
        AdminFront(metrics, state, merge, is_open=not is_loopback(host)),
        NoRpcFront(),
        InFlightBytes(limits.in_flight_bytes),
        keys=keys,
    )
    async with AsyncExitStack() as stack:
        try:
            listener = await stack.enter_async_context(listening)
        except ConfigError as error:
            raise ConfigError(f"admin.port: {error}") from error
        stack.push_async_callback(listener.drain, _CLOSE_TIMEOUT_S)
        yield listener.port


class AdminFront:
    """Answers what is asked of the admin port; implements `HttpFront`.

    `is_open`: other machines may ask, by whatever name they have for this one.
    """

    def __init__(
        self,
        metrics: Metrics,
        state: ProcessState,
        merge: Merge | None = None,
        *,
        is_open: bool = False,
    ) -> None:
        self._metrics = metrics
        self._merge = merge
        self._is_open = is_open
        self._state = state
        self._routes: dict[str, dict[bytes, _Handle]] = {
            "/metrics": {b"GET": self._show_metrics},
            "/livez": {b"GET": self._show_live},
            "/readyz": {b"GET": self._show_ready},
            "/status": {b"GET": self._show_status},
            "/log/levels": {b"GET": self._show_levels, b"PUT": self._change_levels},
        }

    def for_peer(self, peer: str) -> "AdminFront":
        """Return this: who asks makes no difference."""
        return self

    async def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer; raises nothing, errors become answers."""
        try:
            return self._refuse_foreigner(request) or await self._route(request)
        except Exception:
            _logger.exception("an admin request failed by a bug")
            return _error(500, "internal error")

    def _refuse_foreigner(self, request: HttpRequest) -> HttpAnswer | None:
        headers = request.headers
        if self._is_open:  # what a script sends tells where its page is from
            headers = {name: value for name, value in headers.items() if name == b"origin"}
        named = foreign_name(headers)
        if named is None:
            return None
        header, value = named
        return _error(
            403,
            f"the admin port answers only to this machine, and {header.title()} is {value!r}; "
            "use http://localhost, or a proxy that sets Host to localhost",
        )

    async def _route(self, request: HttpRequest) -> HttpAnswer:
        path = request.target.partition(b"?")[0].decode("latin-1")
        methods = self._routes.get(path)
        if methods is None:
            return _error(404, f"there is no {path}; there are {', '.join(self._routes)}")
        # The framing leaves the body of an answer to HEAD away.
        handle = methods.get(b"GET" if request.method == b"HEAD" else request.method)
        if handle is None:
            refusal = _error(405, f"{path} does not take {request.method.decode('latin-1')}")
            refusal.headers.append((b"allow", b", ".join(methods)))
            return refusal
        return await handle(request)

    async def _show_metrics(self, request: HttpRequest) -> HttpAnswer:
        text = self._metrics.exposition()
        if self._merge is not None:
            text = await self._merge(text)
        return _answer(200, CONTENT_TYPE, text)

    async def _show_live(self, request: HttpRequest) -> HttpAnswer:
        return _answer(200, _TEXT, "live\n")

    async def _show_ready(self, request: HttpRequest) -> HttpAnswer:
        reasons = self._state.not_ready()
        if reasons:
            return _answer(503, _TEXT, "".join(f"{reason}\n" for reason in reasons))
        return _answer(200, _TEXT, "ready\n")

    async def _show_status(self, request: HttpRequest) -> HttpAnswer:
        return _answer(200, _JSON, json.dumps({"models": list(self._state.status())}))

    async def _show_levels(self, request: HttpRequest) -> HttpAnswer:
        return _answer(200, _JSON, json.dumps(dict(levels())))

    async def _change_levels(self, request: HttpRequest) -> HttpAnswer:
        """Take `{"seldon_core.agent": "debug"}`; answer with all levels, 400 if one is wrong.

        A component that logs nothing is more likely a slip than a wish, so it is refused.
        """
        try:
            changes = json.loads(bytes(request.body))
        except (ValueError, RecursionError) as error:  # no JSON, or no text
            return _error(400, f"the body is no JSON: {error}")
        if not isinstance(changes, dict):
            return _error(400, f"wanted {_LEVELS_WANTED}")
        try:
            set_levels({name: _level(name, level) for name, level in changes.items()})
        except ConfigError as error:
            return _error(400, str(error))
        return await self._show_levels(request)


_Handle = Callable[[HttpRequest], Awaitable[HttpAnswer]]


class NoRpcFront:
    """Refuses every gRPC call, for a port that has only HTTP."""

    rules = TalkRules()

    def for_peer(self, peer: str) -> "NoRpcFront":
        """Return this: everybody is refused."""
        return self

    def conversation(self, path: bytes) -> None:
        """Return None: there are none."""

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> RpcAnswer:
        """Answer UNIMPLEMENTED."""
        return RpcAnswer(UNIMPLEMENTED, "this port answers no gRPC calls")


def _level(component: str, level: object) -> str:
    """Return the name of a level for `set_levels`. Raises ConfigError if nothing can be meant."""
    known = logging.Logger.manager.loggerDict  # packages too, above the loggers of their modules
    if component not in known:
        ours = [name for name in known if name.startswith(ROOT)]
        near = get_close_matches(component, ours, n=1, cutoff=0.0)
        raise ConfigError(f"there is no component {component!r}; the nearest name is {near[0]!r}")
    if level is None:
        raise ConfigError(f'null is no level; "" resets {component}')
    if not isinstance(level, str):
        raise ConfigError(f"wanted {_LEVELS_WANTED}")
    return level.lower()


def _answer(status: int, content_type: str, body: str) -> HttpAnswer:
    return HttpAnswer(status, [(b"content-type", content_type.encode())], (body.encode(),))


def _error(status: int, message: str) -> HttpAnswer:
    return _answer(status, _JSON, json.dumps({"error": message}))

"""The admin port: metrics, health, the models' states and the log levels, on loopback only.

A page in a browser on this machine can reach loopback too. So a request whose Host or Origin is not
this machine is refused: a foreign page cannot read the port through its own scripts, nor through a
name of its own that resolves to 127.0.0.1 (DNS rebinding).
"""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from seldon_core.config.settings import AdminSettings
from seldon_core.errors import ConfigError
from seldon_core.observability.exposition import CONTENT_TYPE
from seldon_core.observability.logs import levels, set_levels
from seldon_core.observability.metrics import Metrics

HOST = "127.0.0.1"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_CLOSE_TIMEOUT_S = 1.0  # a scrape under way ends well within it; idle connections need nothing


class ProcessState(Protocol):
    """What the admin port asks of the process."""

    def not_ready(self) -> Sequence[str]:
        """Return what is not ready, one sentence each; nothing when the process is."""

    def status(self) -> Sequence[Mapping[str, object]]:
        """Return a row for each model: name, version, state, replicas …, as JSON values."""


@asynccontextmanager
async def open_admin(
    settings: AdminSettings, metrics: Metrics, state: ProcessState
) -> AsyncIterator[int]:
    """Serve the admin port for the length of a block; yields its number.

    Raises ConfigError if the port is taken.
    """
    runner = web.AppRunner(
        _application(metrics, state), access_log=None, shutdown_timeout=_CLOSE_TIMEOUT_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, settings.port)
        try:
            await site.start()
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise ConfigError(
                f"admin.port: cannot listen on {HOST}:{settings.port}: {reason}"
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _application(metrics: Metrics, state: ProcessState) -> web.Application:
    async def show_metrics(request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.exposition().encode(), headers={"content-type": CONTENT_TYPE}
        )

    async def live(request: web.Request) -> web.Response:
        return web.Response(text="live\n")

    async def ready(request: web.Request) -> web.Response:
        reasons = state.not_ready()
        if reasons:
            return web.Response(status=503, text="".join(f"{reason}\n" for reason in reasons))
        return web.Response(text="ready\n")

    async def status(request: web.Request) -> web.Response:
        return web.json_response({"models": list(state.status())})

    application = web.Application(middlewares=[_refuse_foreigners])
    application.add_routes(
        [
            web.get("/metrics", show_metrics),
            web.get("/livez", live),
            web.get("/readyz", ready),
            web.get("/status", status),
            web.get("/log/levels", _show_levels),
            web.put("/log/levels", _change_levels),
        ]
    )
    return application


async def _show_levels(request: web.Request) -> web.Response:
    return web.json_response(dict(levels()))


async def _change_levels(request: web.Request) -> web.Response:
    """Take `{"seldon_core.agent": "debug"}`; answer with all levels, 400 if one is wrong."""
    try:
        changes = await request.json()
    except json.JSONDecodeError as error:
        return _error(400, f"the body is no JSON: {error}")
    if not isinstance(changes, dict) or not all(isinstance(v, str) for v in changes.values()):
        return _error(400, 'wanted levels by component, such as {"seldon_core.agent": "debug"}')
    try:
        set_levels(changes)
    except ConfigError as error:
        return _error(400, str(error))
    return await _show_levels(request)


@web.middleware
async def _refuse_foreigners(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    for header, prefix in (("Host", "//"), ("Origin", "")):
        value = request.headers.get(header)
        if value is not None and _host_of(prefix + value) not in _LOCAL:
            return _error(
                403,
                f"the admin port answers only to this machine, and {header} is {value!r}; "
                "use http://localhost, or a proxy that sets Host to localhost",
            )
    return await handler(request)


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)

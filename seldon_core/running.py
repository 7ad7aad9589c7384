"""What processes have in common, whatever their roles: where they listen, what is said of them."""

import os
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from seldon_core import __version__
from seldon_core.aio.supervise import open_tasks
from seldon_core.config.settings import AgentSettings, ScalingSettings, Settings
from seldon_core.config.values import is_everywhere, is_loopback
from seldon_core.errors import SeldonError
from seldon_core.protocol.inference import ModelMetadata, ServerMetadata
from seldon_core.reloading import Reloadable
from seldon_core.router.waking import WakeLimits, Waking
from seldon_core.transport.control import ReplicaAddress
from seldon_core.transport.listener import Listener
from seldon_core.transport.settings import ListenerSettings

if TYPE_CHECKING:  # a process that has no scheduler does not import one
    from seldon_core.scheduler.status import ModelStatus

EXTENSIONS = (
    "classification",
    "model_repository",
    "model_repository(unload_dependents)",
    "model_configuration",
    "binary_tensor_data",
    "parameters",
    "statistics",
    "trace",
    "logging",
)
"""What works of what Triton names so, in its order, where every role is in one process.

tests/system/test_triton_surface.py tries each.
"""

_OF_THE_SCHEDULER = ("model_repository", "model_repository(unload_dependents)")
_OF_THE_AGENT = ("trace",)


MAX_LOADS_WAITING = 100_000
"""A pool of models starts no more than one load for each that is registered."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the process listens: the real numbers, also where 0 was asked for.

    One that its roles do not have is None. `control_host` is the address of all but `data`.
    """

    host: str
    data: int | None
    scheduler: int | None
    agent: int | None
    admin: int
    control_host: str = "127.0.0.1"


class Reporter(Protocol):
    """Tells the person who started the process how it goes."""

    def opened(self, ports: Ports, settings: Settings) -> None:
        """Every port is open."""

    def refused(self, name: str, error: SeldonError) -> None:
        """A model was not even accepted, of which the log says nothing."""

    def loaded(
        self, models: "Sequence[ModelStatus]", refused: int, example: ModelMetadata | None
    ) -> None:
        """Every model is settled, none of `models` deleted; so many more were not even accepted.

        `example` is one that can be called, None if there is none.
        """

    def draining(self, timeout_s: float) -> None:
        """The process was told to stop: requests under way have so long to end."""


class Scaled(Protocol):
    """What scales, or says how much models are called."""

    def change(self, rules: ScalingSettings) -> None:
        """Follow other settings from now on."""


def follow_limits(reloadable: Reloadable, listener: Listener) -> None:
    """Have the data port follow the limits of the settings."""
    reloadable.follow(lambda settings: listener.change(listener_settings(settings)))


def follow_scaling(reloadable: Reloadable, scaled: Scaled) -> None:
    """Have a part follow the settings of scaling."""
    reloadable.follow(lambda settings: scaled.change(settings.scaling))


def wake_limits(settings: ScalingSettings) -> WakeLimits:
    """Return how calls wait for what is scaled to zero."""
    return WakeLimits(settings.wake_timeout_s, settings.wake_queue)


def follow_waking(reloadable: Reloadable, waking: Waking) -> None:
    """Have calls that wait from then on follow the limits of the settings."""

    def follow(settings: Settings) -> None:
        waking.limits = wake_limits(settings.scaling)

    reloadable.follow(follow)


class Running(Protocol):
    """A process whose ports are open. `reloadable` is what of it can follow new settings."""

    @property
    def reloadable(self) -> Reloadable:
        """What follows new settings."""

    async def begin(self) -> None:
        """Do what there is to do at start; may end when that is done."""

    async def drain(self, timeout_s: float) -> None:
        """Take no more requests and answer those under way, for `timeout_s` at most."""


class Drains(Protocol):
    """A data port, or several."""

    async def drain(self, timeout_s: float) -> None:
        """Take no more requests and answer those under way, for `timeout_s` at most."""


async def drain_all(ports: Sequence[Drains], timeout_s: float) -> None:
    """Drain all at once: those after a slow one would have no time left."""
    async with open_tasks("drain") as tasks:
        drains = [tasks.start(each.drain(timeout_s), name="port") for each in ports]
        for each in drains:
            await each


def server_metadata(*, has_scheduler: bool, has_agent: bool) -> ServerMetadata:
    """Return what the data port of a process with these roles says of the server."""
    missing: list[str] = []
    if not has_scheduler:
        missing += _OF_THE_SCHEDULER
    if not has_agent:
        missing += _OF_THE_AGENT
    extensions = tuple(name for name in EXTENSIONS if name not in missing)
    return ServerMetadata("seldon-core", __version__, extensions)


def worker_count(settings: AgentSettings) -> int:
    """Return how many worker processes there may be for models."""
    return settings.workers or max(1, (os.cpu_count() or 1) - 1)


def address_of(settings: Settings, port: int) -> ReplicaAddress:
    """Return where routers find a replica whose data port is `port`."""
    host = settings.agent.host or settings.listener.host
    if is_everywhere(host):
        host = _address_towards(settings.scheduler.host) or socket.gethostname()
    return ReplicaAddress(host, port, port, is_ours=True)


def _address_towards(host: str) -> str:
    """Return this machine's address on its way to `host`; nothing is sent.

    "" if that is this machine itself, or nobody knows the way.
    """
    try:
        family, kind, _, _, there = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as one:
            one.connect(there)
            found = str(one.getsockname()[0])
    except OSError:
        return ""
    return "" if is_loopback(found) else found


def listener_settings(settings: Settings) -> ListenerSettings:
    """Return what the data port is to be."""
    given = asdict(settings.listener)
    del given["drain_timeout_s"]  # the process's own
    return ListenerSettings(**given, in_flight_bytes=settings.payload.in_flight_bytes)

"""The composition root: which process the roles make, and how one runs from start to stop.

The process's parts are in `scheduler_process`, `router_process` and `agent_process`, of which only
the first knows more than one role.
"""

import asyncio
import gc
import logging
import os
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from seldon_core.aio.signals import stop_on_signals
from seldon_core.aio.supervise import open_tasks
from seldon_core.config.settings import Settings
from seldon_core.reloading import ReadSettings, Reloader
from seldon_core.resources.model import FoundModels
from seldon_core.roles import Role
from seldon_core.running import Reporter, Running

if TYPE_CHECKING:  # a process imports what its roles need, and no more
    from seldon_core.agent.loading import Loader
    from seldon_core.scheduler.repository import Search

_log = logging.getLogger(__name__)

_YOUNG_OBJECTS = 20_000
"""New objects between two collections of garbage. With Python's 700, each looks at thousands of
requests that wait and are no garbage: with 2,000 connections a request took 50 µs instead of 41."""

_END_TIMEOUT_S = 10.0
"""Once the requests are answered, what still runs has so long to end."""


async def serve(
    settings: Settings,
    data_folder: Path,
    found: FoundModels,
    reporter: Reporter,
    search: "Search" = FoundModels,
    load: "Loader | None" = None,
    roles: Collection[Role] = frozenset(Role),
    read_settings: ReadSettings | None = None,
    settings_files: Sequence[Path] = (),
) -> None:
    """Run the process with its roles until a signal ends it; a second one does at once.

    SIGHUP has certificates read again, and settings by `read_settings`; so has a change of their
    files, which for the settings are `settings_files`.

    `data_folder` exists and, with the scheduler, is this process's alone. `search` finds what there
    is to be served by now, as `found` is at start. What was begun may end first: requests for the
    drain time-out, then the rest for 10 s. `load` stands in for the runtimes in measurements.

    Raises ConfigError if a port is taken, StoreError if the data folder cannot be used, and
    whatever a background loop fails with.
    """
    reloader = Reloader(settings, read_settings, settings_files)
    stop = stop_on_signals(reloader.want)
    opening = _open(settings, data_folder, found, reporter, search, load, frozenset(roles))
    async with opening as running:
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        async with open_tasks("process") as tasks:
            tasks.start(running.begin(), name="begin")
            tasks.start(reloader.run(running.reloadable), name="reload")
            await stop.wait()
        drain_timeout_s = reloader.settings.listener.drain_timeout_s
        reporter.draining(drain_timeout_s)
        await running.drain(drain_timeout_s)
        last_resort = asyncio.get_running_loop().call_later(_END_TIMEOUT_S, _end_at_once)
    last_resort.cancel()


def _end_at_once() -> None:
    """End a process that waits in vain: a run or a load on a thread cannot be stopped otherwise."""
    _log.error("a model's run or load does not end, so the process ends without it")
    os._exit(1)


def _open(
    settings: Settings,
    data_folder: Path,
    found: FoundModels,
    reporter: Reporter,
    search: "Search",
    load: "Loader | None",
    roles: frozenset[Role],
) -> AbstractAsyncContextManager[Running]:
    """Return the process that the roles make."""
    if roles == {Role.AGENT}:
        from seldon_core.agent_process import open_agent_process

        return open_agent_process(settings, found.trusted, reporter, load)
    if roles == {Role.ROUTER}:
        from seldon_core.router_process import open_router_process

        return open_router_process(settings, reporter)
    from seldon_core.scheduler_process import open_scheduler_process

    return open_scheduler_process(settings, data_folder, found, reporter, search, load, roles)

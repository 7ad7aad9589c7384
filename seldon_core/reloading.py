"""Settings and certificates that are read again while the process runs."""

import asyncio
import logging
import sys
from collections.abc import Callable

from seldon_core.aio.threads import ThreadPool, open_threads
from seldon_core.config.changes import Changed, log_levels_between, merge
from seldon_core.config.settings import LogSettings, Settings
from seldon_core.errors import ConfigError
from seldon_core.observability.logs import configure_logs, set_levels
from seldon_core.transport.tls import ServerKeys

_log = logging.getLogger(__name__)

ReadSettings = Callable[[], Settings]
"""Reads every layer of the settings again. Raises ConfigError."""

Observer = Callable[[str, str], None]
"""Is told the outcome of an attempt to read settings again, and the reason or what changed."""


class Reloadable:
    """What of a process can follow new settings."""

    def __init__(self) -> None:
        self._keys: list[ServerKeys] = []
        self._followers: list[Callable[[Settings], None]] = []
        self._observers: list[Observer] = []

    def add_keys(self, *keys: ServerKeys | None) -> None:
        """Have certificates read again; None is none."""
        self._keys += [each for each in dict.fromkeys(keys) if each is not None]

    def follow(self, follower: Callable[[Settings], None]) -> None:
        """Have `follower` called with each new snapshot; it raises nothing."""
        self._followers.append(follower)

    def take(self, settings: Settings) -> None:
        """Hand a new snapshot to all parts."""
        for follower in self._followers:
            follower(settings)

    def observe(self, observer: Observer) -> None:
        """Have `observer` told what became of each attempt."""
        self._observers.append(observer)

    def tell(self, outcome: str, reason: str = "") -> None:
        """Say what became of an attempt: `configured`, `unchanged` or `refused`, and why."""
        for observer in self._observers:
            observer(outcome, reason)

    def read_keys(self) -> list[str]:
        """Read every certificate again; return why those stay as they were that cannot be used."""
        refused = []
        for keys in self._keys:
            try:
                keys.reload()
            except ConfigError as error:
                _log.error("the certificate stays as it was: %s", error)
                refused.append(f"the certificate stays as it was: {error}")
        return refused


class Reloader:
    """Keeps the settings of a process: `settings` is the snapshot in force."""

    def __init__(self, settings: Settings, read: ReadSettings | None) -> None:
        self.settings = settings
        self._read = read
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Have everything read again soon."""
        self._wanted.set()

    async def run(self, parts: Reloadable) -> None:
        """Read again whenever that is wanted, for ever; files on a thread."""
        async with open_threads("settings", 1) as threads:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                await self._reload(threads, parts)

    async def _reload(self, threads: ThreadPool, parts: Reloadable) -> None:
        for reason in await threads.run(parts.read_keys):
            parts.tell("refused", reason)
        if self._read is None:
            return
        try:
            changed = merge(self.settings, await threads.run(self._read))
            _configure_logs(self.settings.log, changed.settings.log)
        except ConfigError as error:
            _log.error("the settings stay as they were: %s", error)
            parts.tell("refused", str(error))
            return
        self.settings = changed.settings
        parts.take(changed.settings)
        _tell(changed)
        reason = f"restart needed: {','.join(changed.refused)}" if changed.refused else ""
        names = "; ".join(filter(None, (",".join(changed.taken), reason)))
        parts.tell("configured" if changed.taken else "unchanged", names)


def _tell(changed: Changed) -> None:
    if changed.refused:
        _log.warning(
            "settings that need a restart are not changed names=%s", ",".join(changed.refused)
        )
    _log.info("settings read again changed=%s", ",".join(changed.taken) or "nothing")


def _configure_logs(old: LogSettings, new: LogSettings) -> None:
    """Log as `new` says if that is another wish; else as somebody may have said since.

    Raises ConfigError if a component is none.
    """
    if old == new:
        return
    set_levels(log_levels_between(old.levels, new.levels))  # it refuses before anything is changed
    configure_logs(new, sys.stderr)

"""Settings and certificates that are read again while the process runs."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from seldon_core.aio.threads import ThreadPool, open_threads
from seldon_core.config.changes import Changed, log_levels_between, merge
from seldon_core.config.settings import LogSettings, Settings
from seldon_core.config.watch import FileWatch
from seldon_core.errors import ConfigError
from seldon_core.observability.logs import configure_logs, set_levels
from seldon_core.transport.tls import ServerKeys

_log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""Between looks at whether a file has changed: it is read again at the second look after that."""

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

    def files(self) -> list[Path]:
        """Return the files of the certificates and their keys."""
        return [file for keys in self._keys for file in keys.files]

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
    """Keeps the settings of a process: `settings` is the snapshot in force.

    `files` are where `read` finds them. They are read again when one of them has changed, as
    certificates are.
    """

    def __init__(
        self, settings: Settings, read: ReadSettings | None, files: Sequence[Path] = ()
    ) -> None:
        self.settings = settings
        self._read = read
        self._files = files
        self._watch = FileWatch(files)  # now, since a start takes its time
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Have everything read again soon."""
        self._wanted.set()

    async def run(self, parts: Reloadable) -> None:
        """Read again whenever that is wanted or a file has changed, for ever; on a thread."""
        files = [*self._files, *parts.files()]
        async with open_threads("settings", 1) as threads:
            watch = self._watch
            watch.add(parts.files())
            while True:
                if files:
                    await self._change(threads, watch)
                else:
                    await self._wanted.wait()
                self._wanted.clear()
                # Before they are read, so that what is written meanwhile is a change.
                watch = await threads.run(FileWatch, files)
                await self._reload(threads, parts)

    async def _change(self, threads: ThreadPool, watch: FileWatch) -> None:
        """Wait until all is to be read again."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wanted.wait()
                return
            changed = await threads.run(watch.look)
            if changed:
                _log.info(
                    "files have changed and are read again files=%s", ",".join(map(str, changed))
                )
                return

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

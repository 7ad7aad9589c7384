"""The audit log: one JSON object a line, written on a thread, to a file or standard error.

What waits to be written is bounded. When the disk is slower than that, lines are lost, which the
process's own log says; whoever asked for a change is never held up.
"""

import asyncio
import json
import logging
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from seldon_core.aio.supervise import open_tasks
from seldon_core.aio.threads import ThreadPool, open_threads
from seldon_core.errors import ConfigError

_log = logging.getLogger(__name__)

STDERR: Final = "stderr"
"""The name that is no file's."""

MOST_WAITING: Final = 10_000
_ONLY_MINE: Final = 0o600


class AuditLog:
    """An open audit log. `path` is a file to append to, or `stderr`."""

    def __init__(self, path: str, threads: ThreadPool) -> None:
        self._path = path
        self._threads = threads
        self._waiting: deque[Mapping[str, object]] = deque()
        self._lost = 0
        self._wake = asyncio.Event()
        self._is_over = False
        self._ended = asyncio.Event()

    def write(self, line: Mapping[str, object]) -> None:
        """Have a line written soon; it is lost if too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            self._lost += 1
        else:
            self._waiting.append(line)
        self._wake.set()

    async def run(self) -> None:
        """Write what comes, until `end`."""
        is_last = False
        while not is_last:
            await self._wake.wait()
            is_last = self._is_over
            await self._flush()
        self._ended.set()

    async def end(self) -> None:
        """Return when everything is written."""
        self._is_over = True
        self._wake.set()
        await self._ended.wait()

    async def _flush(self) -> None:
        """Write all that waits; what cannot be written is lost, and the log says so."""
        self._wake.clear()
        lines, lost = list(self._waiting), self._lost
        self._waiting.clear()
        self._lost = 0
        if lines:
            try:
                await self._threads.run(append, self._path, lines)
            except OSError as error:
                lost += len(lines)
                _log.error(
                    "the audit log cannot be written path=%s reason=%r", self._path, error.strerror
                )
        if lost:
            _log.error("lines of the audit log are lost lines=%d path=%s", lost, self._path)


def append(path: str, lines: list[Mapping[str, object]]) -> None:
    """Append lines to a file, in one write, or to standard error. Raises OSError.

    The file is opened anew each time, so it may be moved away at any time, and made for its owner
    alone.
    """
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    data = text.encode(errors="replace")
    if path == STDERR:
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _ONLY_MINE)
    with open(descriptor, "ab") as file:
        file.write(data)


@asynccontextmanager
async def open_audit_log(path: str) -> AsyncIterator[AuditLog | None]:
    """Keep an audit log for the length of a block, at its end written to the end; None for "".

    Raises ConfigError if the file cannot be written to.
    """
    if not path:
        yield None
        return
    try:
        append(path, [])
    except OSError as error:
        raise ConfigError(f"log.audit: {path!r} cannot be written: {error.strerror}") from error
    async with open_threads("audit", 1) as threads:
        log = AuditLog(path, threads)
        async with open_tasks("audit") as tasks:
            tasks.start(log.run(), name="write")
            try:
                yield log
            finally:
                await log.end()

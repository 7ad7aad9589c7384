"""Tells when files have changed, so that what they hold is read again without a signal."""

from collections.abc import Iterable
from pathlib import Path

_State = tuple[int, int, int] | None
"""When a file was written, its size and its inode; None: there is none."""


class FileWatch:
    """What some files were like when they were looked at last.

    Looking is a `stat` each: it sees a file that is written over, replaced by a rename, or behind a
    link that leads elsewhere since, as Kubernetes changes what it mounts; on every kind of disk,
    also where the system tells of no changes.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = tuple(dict.fromkeys(files))
        self._known = self._seen = self._states()

    def add(self, files: Iterable[Path]) -> None:
        """Look at more files from now on."""
        more = FileWatch(file for file in files if file not in self._files)
        self._files += more._files
        self._known += more._known
        self._seen += more._seen

    def look(self) -> tuple[Path, ...]:
        """Return the files that have changed and rest by now, each once.

        Those of which any is different from what it was at the last look may still be written to,
        or be one of a pair of which the other is to come: they are told of at the next look at
        which all are as before.
        """
        now = self._states()
        if now != self._seen:
            self._seen = now
            return ()
        changed = [
            file for file, old, new in zip(self._files, self._known, now, strict=True) if new != old
        ]
        self._known = now
        return tuple(changed)

    def _states(self) -> tuple[_State, ...]:
        return tuple(map(_state_of, self._files))


def _state_of(file: Path) -> _State:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino

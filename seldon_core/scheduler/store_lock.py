"""The lock that a process holds on its data folder: one folder, one process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seldon_core.errors import StoreError

_LOCK = "lock"


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Be the only process that writes below `folder` until the block ends, or the process does.

    The lock is the system's, on a file in the folder that also tells who holds it; whatever this
    process starts does not inherit it. Raises StoreError if another process holds it, or the file
    cannot be made.
    """
    path = folder / _LOCK
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"cannot write to {str(folder)!r}: {error.strerror}; "
            "choose another folder with --data-dir"
        ) from error
    try:
        _lock(file, folder)
        yield
    finally:
        os.close(file)


def _lock(file: int, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        number = os.pread(file, 32, 0).decode(errors="replace").strip()
        holder = f"process {number}" if number else "another process"
        raise StoreError(
            f"{str(folder)!r} is in use by {holder}: stop it, or choose another folder with "
            "--data-dir"
        ) from None
    except OSError as error:
        raise StoreError(f"cannot lock {str(folder / _LOCK)!r}: {error.strerror}") from error

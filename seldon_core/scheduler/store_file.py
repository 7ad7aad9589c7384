"""The store's file: LMDB, bytes by key. Everything here blocks.

LMDB trusts its file, and reading a damaged one may end the process. So `StoreFile` has the file's
structure walked, by a reader that trusts nothing, before LMDB opens it (30 ms for 10,000 models);
`scan` and `copy` are for a process that may end so.

What the walk cannot see: damage to the few bytes that say which of the last two writes is the newer
one can bring back the store as it was one write before. A checksum there would be LMDB's to keep;
its format 1.0 has one, which the binding does not offer yet.
"""

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import lmdb

from seldon_core.config.sizes import describe_bytes
from seldon_core.errors import StoreError

MAP_BYTES = 8 << 30  # of address space, not of memory or disk; doubled when it is full

_FOLDER = "store"
_FILE = "data.mdb"
_ONLY_MINE = 0o700
_OF_OTHERS = 0o077


def path_in(folder: Path) -> Path:
    """Return where the store of the data folder `folder` is."""
    return folder / _FOLDER / _FILE


class StoreFile:
    """The store below a data folder, made when it is first asked for something.

    `map_bytes` is how large it may become before it has to be mapped anew.
    """

    def __init__(self, folder: Path, map_bytes: int) -> None:
        self.folder = folder
        self.path = path_in(folder)
        self._map_bytes = map_bytes
        self._environment: lmdb.Environment | None = None
        self._has_durable_name = False

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return every key and its record, by key. Raises StoreError if the file is damaged."""
        try:
            with self._open().begin() as transaction:
                return list(transaction.cursor())
        except (lmdb.CorruptedError, lmdb.PageNotFoundError) as error:
            raise damaged(self.folder, [str(error)]) from error
        except lmdb.Error as error:
            raise StoreError(f"cannot read {str(self.path)!r}: {error}") from error

    def commit(self, gone: Iterable[bytes], records: Mapping[bytes, bytes]) -> None:
        """Delete and put, in one durable transaction. Raises StoreError if nothing happened."""
        try:
            while not self._try_commit(gone, records):
                pass
        except (lmdb.Error, OSError) as error:
            # After a failed write of a meta page LMDB does nothing more; opened anew it does.
            self.close()
            disk = os.statvfs(self.folder)  # not shutil.disk_usage, which costs 1 MiB of imports
            raise StoreError(
                f"cannot write to {str(self.path)!r}, nothing was changed: {error}; "
                f"{describe_bytes(disk.f_bavail * disk.f_frsize)} are free there"
            ) from error

    def _try_commit(self, gone: Iterable[bytes], records: Mapping[bytes, bytes]) -> bool:
        environment = self._open()
        if not self._has_durable_name:
            # LMDB makes durable what is in the file, not that there is a file. Who made that one
            # may have been killed before it wrote.
            for folder in (self.path.parent, self.folder):
                _sync_folder(folder)
            self._has_durable_name = True
        try:
            with environment.begin(write=True) as transaction:
                for key in gone:
                    transaction.delete(key)
                for key, record in records.items():
                    transaction.put(key, record)
        except lmdb.MapFullError:
            self._map_bytes *= 2
            environment.set_mapsize(self._map_bytes)
            return False
        return True

    def close(self) -> None:
        """Let go of the environment; the next call opens it again."""
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    def _open(self) -> lmdb.Environment:
        if self._environment is None:
            self._make_folder()
            problems = check_structure(self.path)
            if problems:
                raise damaged(self.folder, problems)
            self._environment = lmdb.open(
                str(self.path.parent), map_size=self._map_bytes, mode=0o600
            )
        return self._environment

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(exist_ok=True, mode=_ONLY_MINE)
            if self.path.parent.stat().st_mode & _OF_OTHERS:  # Secrets are in it
                with suppress(PermissionError):  # whose it is has let us in, and maybe others
                    self.path.parent.chmod(_ONLY_MINE)
        except OSError as error:
            raise StoreError(f"cannot make {str(self.path.parent)!r}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def size_of(path: Path) -> int:
    """Return a file's bytes, 0 if there is none. Raises StoreError if it cannot be told."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreError(f"cannot read {str(path)!r}: {error.strerror}") from error


def check_structure(path: Path) -> list[str]:
    """Return what is wrong with an LMDB file, in LMDB's terms; nothing if it is sound or empty.

    Nobody may be writing to it. Raises StoreError if it cannot be read.
    """
    if not size_of(path):  # then LMDB begins a new one
        return []
    # Imported here: it takes 150 KiB, which a first start does without.
    from lmdb import verify

    try:
        return list(verify.verify(str(path)))  # type: ignore[no-untyped-call]  # the vendor's
    except OSError as error:
        raise StoreError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except (verify.VerifyError, struct.error, IndexError) as error:
        return [str(error)]


def damaged(folder: Path, problems: Sequence[str]) -> StoreError:
    """Return the error for a store with `problems` in the data folder `folder`."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    store, option = folder / _FOLDER, f"--data-dir {folder}"
    return StoreError(
        f"the store in {str(store)!r} is damaged: {problems[0]}{more}. "
        f"`seldon-core store check {option}` tells all that is wrong; "
        f"`seldon-core store export --with-secrets {option} models.jsonl` saves what can be read; "
        f"then move {str(store)!r} away, and "
        f"`seldon-core store import {option} models.jsonl` makes a new one"
    )


def scan(folder: Path, *, backwards: bool) -> Iterator[tuple[bytes, bytes]]:
    """Yield every key and its record from an environment's folder, which others may write to.

    If the file is damaged this raises StoreError, or the process may end.
    """
    try:
        with (
            lmdb.open(str(folder), map_size=MAP_BYTES, readonly=True) as environment,
            environment.begin() as transaction,
        ):
            cursor = transaction.cursor()
            yield from cursor.iterprev() if backwards else cursor
    except lmdb.Error as error:
        raise StoreError(str(error)) from error


def copy(source: Path, target: Path) -> None:
    """Copy the environment in the folder `source`, as it is at one moment, to the folder `target`.

    Pages are copied as they are. If the file is damaged this raises StoreError, or the process may
    end.
    """
    try:
        with lmdb.open(str(source), map_size=MAP_BYTES, readonly=True) as environment:
            environment.copy(str(target))
    except lmdb.Error as error:
        raise StoreError(str(error)) from error

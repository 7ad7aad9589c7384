"""What the scheduler keeps across restarts: models, in LMDB, in a folder that one process holds.

    <data folder>/lock          who holds the folder
    <data folder>/store/        the LMDB environment: data.mdb, and LMDB's own lock.mdb

A write is one transaction on the store's only thread, durable when it returns: whoever has many
changes gives them together. It happens whole or not at all, also if the disk is full or the process
is killed, and the next one works once there is room again.

LMDB trusts its file, and reading a damaged one may end the process. So before LMDB opens it the
file's structure is walked by a reader that trusts nothing (30 ms for 10,000 models), and every
record has a checksum.
"""

import os
import struct
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import lmdb
from lmdb import verify

from seldon_core.aio.threads import ThreadPool, open_threads
from seldon_core.errors import StoreError
from seldon_core.scheduler.records import StoredModel
from seldon_core.scheduler.store_contents import Contents, Place, read_records
from seldon_core.scheduler.store_lock import hold_folder
from seldon_core.scheduler.store_records import HEAD_KEY, encode_head, encode_model, model_key

MAP_BYTES = 8 << 30  # of address space, not of memory or disk; doubled when it is full

_FOLDER = "store"
_FILE = "data.mdb"


@asynccontextmanager
async def open_store(folder: Path, *, map_bytes: int = MAP_BYTES) -> AsyncIterator["Store"]:
    """Hold the data folder, which exists, and read its store, made if there is none.

    Raises StoreError, which says what to do, if another process holds the folder, it cannot be
    written to, the store is damaged or a newer version of this program wrote it. Writes under way
    at the end of the block are waited for.
    """
    with hold_folder(folder), closing(_Database(folder, map_bytes)) as database:
        async with open_threads("store", 1) as threads:
            contents = await threads.run(_read_sound, database)
            yield Store(database, threads, contents)


class Store:
    """Keeps models. Got from `open_store`.

    `models` is what was kept when it was opened, in the order of their first declaration, and
    `last_now` the newest `now` of all writes before, 0 if there was none.
    """

    def __init__(self, database: "_Database", threads: ThreadPool, contents: Contents) -> None:
        self.models = contents.models
        self.last_now = contents.last_now
        self._database = database
        self._threads = threads
        self._newest = contents.last_now
        self._places = dict(contents.places)
        self._next = 1 + max((place.order for place in self._places.values()), default=-1)
        self._process = os.getpid()

    async def write(
        self, saved: Sequence[StoredModel], dropped: Collection[str], now: float
    ) -> None:
        """Drop the models of the names `dropped`, then keep `saved`, all or nothing; durable then.

        A model replaces what was kept under its name and has its place in the order, unless it is
        dropped by the same call: then it is the newest. Dropping what is not kept is no error.
        `now` is in UTC seconds. Raises StoreError if nothing was written. A cancelled write has
        happened, or not. Writes that are not awaited one after another happen in their order.
        """
        if os.getpid() != self._process:
            raise StoreError(
                f"process {os.getpid()} cannot write to the store that process {self._process} "
                "opened: a store does not survive a fork"
            )
        await self._threads.run(self._write, tuple(saved), frozenset(dropped), now)

    def _write(self, saved: Sequence[StoredModel], dropped: Collection[str], now: float) -> None:
        gone = {self._places[name].key for name in dropped if name in self._places}
        newest = max(now, self._newest)
        records = {HEAD_KEY: encode_head(newest)}
        places: dict[str, Place] = {}
        order = self._next
        for model in saved:
            name, key = model.name, model_key(model)
            kept = places.get(name) or (None if name in dropped else self._places.get(name))
            if kept is None:
                places[name] = Place(key, order)
                order += 1
            else:
                gone.add(kept.key)  # another one, if its namespace has changed
                records.pop(kept.key, None)
                places[name] = Place(key, kept.order)
            records[key] = encode_model(key, places[name].order, model)
        self._database.commit(gone - records.keys(), records)
        for name in dropped:
            self._places.pop(name, None)
        self._places.update(places)
        self._newest, self._next = newest, order


class _Database:
    """The LMDB environment below a data folder: bytes by key. Everything here blocks."""

    def __init__(self, folder: Path, map_bytes: int) -> None:
        self.data_folder = folder
        self.path = folder / _FOLDER / _FILE
        self._map_bytes = map_bytes
        self._environment: lmdb.Environment | None = None

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return every key and its record, by key."""
        try:
            with self._open().begin() as transaction:
                return list(transaction.cursor())
        except lmdb.Error as error:
            raise damaged(self.data_folder, [_reason(error)]) from error

    def commit(self, gone: Iterable[bytes], records: Mapping[bytes, bytes]) -> None:
        """Delete and put, in one durable transaction. Raises StoreError if nothing happened."""
        try:
            while not self._try_commit(gone, records):
                pass
        except lmdb.Error as error:
            # After a failed write of a meta page LMDB does nothing more; opened anew it does.
            self.close()
            raise StoreError(
                f"{self.path} cannot be written, nothing was changed: {_reason(error)}"
            ) from error

    def _try_commit(self, gone: Iterable[bytes], records: Mapping[bytes, bytes]) -> bool:
        environment = self._open()
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
            try:
                self.path.parent.mkdir(exist_ok=True, mode=0o700)
            except OSError as error:
                raise StoreError(
                    f"cannot make {str(self.path.parent)!r}: {error.strerror}"
                ) from error
            problems = check_structure(self.path)
            if problems:
                raise damaged(self.data_folder, problems)
            self._environment = lmdb.open(
                str(self.path.parent), map_size=self._map_bytes, mode=0o600
            )
        return self._environment


def check_structure(path: Path) -> list[str]:
    """Return what is wrong with an LMDB file, in LMDB's terms; nothing if it is sound or empty.

    Nobody may be writing to it. Raises StoreError if it cannot be read.
    """
    try:
        if not path.exists() or path.stat().st_size == 0:  # then LMDB begins a new one
            return []
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
        f"`seldon-core store export {option} models.jsonl` saves what can be read; "
        f"then move {str(store)!r} away, and "
        f"`seldon-core store import {option} models.jsonl` makes a new one"
    )


def _read_sound(database: _Database) -> Contents:
    contents = read_records(database.items())
    if not contents.bad:
        return contents
    newer = [f"{record.key}: {record.problem}" for record in contents.bad if record.is_newer]
    if newer:
        raise StoreError(
            f"the store in {str(database.path.parent)!r} was written by a newer version of this "
            f"program: {newer[0]}. Start that version, or choose another folder with --data-dir"
        )
    raise damaged(database.data_folder, [f"{bad.key}: {bad.problem}" for bad in contents.bad])


def _reason(error: lmdb.Error) -> str:
    return str(error)

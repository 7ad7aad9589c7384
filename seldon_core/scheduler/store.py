"""What the scheduler keeps across restarts, in LMDB, in a folder that one process holds.

    <data folder>/lock          who holds the folder
    <data folder>/store/        the LMDB environment: data.mdb, and LMDB's own lock.mdb

A write is one transaction on the store's only thread, durable when it returns: whoever has many
changes gives them together. It happens whole or not at all, also if the disk is full or the process
is killed, and the next one works once there is room again.

A damaged store is refused, and so is one that a newer version of this program wrote: a start that
went on without some models would let others take their place.
"""

import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

from seldon_core.aio.threads import ThreadPool, open_threads
from seldon_core.errors import StoreError
from seldon_core.scheduler.records import Kind, Stored, StoredModel
from seldon_core.scheduler.store_contents import Contents, Place, read_records
from seldon_core.scheduler.store_file import MAP_BYTES, StoreFile, damaged
from seldon_core.scheduler.store_lock import hold_folder
from seldon_core.scheduler.store_records import HEAD_KEY, encode_head, encode_record, record_key


@asynccontextmanager
async def open_store(folder: Path, *, map_bytes: int = MAP_BYTES) -> AsyncIterator["Store"]:
    """Hold the data folder, which exists, and read its store, made if there is none.

    Raises StoreError, which says what to do, if another process holds the folder, it cannot be
    written to, the store is damaged or a newer version of this program wrote it. Writes under way
    at the end of the block are waited for.
    """
    with hold_folder(folder), closing(StoreFile(folder, map_bytes)) as file:
        async with open_threads("store", 1) as threads:
            contents = await threads.run(_read_sound, file)
            yield Store(file, threads, contents)


class Store:
    """Keeps records. Got from `open_store`.

    `stored` is what was kept when it was opened, in the order of its first declaration, and
    `last_now` the newest `now` of all writes before, 0 if there was none.
    """

    def __init__(self, file: StoreFile, threads: ThreadPool, contents: Contents) -> None:
        self.stored = contents.stored
        self.last_now = contents.last_now
        self._file = file
        self._threads = threads
        self._newest = contents.last_now
        self._places = dict(contents.places)
        self._next = 1 + max((place.order for place in self._places.values()), default=-1)
        self._process = os.getpid()

    @property
    def models(self) -> tuple[StoredModel, ...]:
        """The models in `stored`."""
        return tuple(each for each in self.stored if isinstance(each, StoredModel))

    async def write(
        self, saved: Sequence[Stored], dropped: Collection[tuple[Kind, str]], now: float
    ) -> None:
        """Drop what `dropped` names, then keep `saved`, all or nothing; durable then.

        A record replaces what was kept under its name and has its place in the order, unless it is
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

    def _write(
        self, saved: Sequence[Stored], dropped: Collection[tuple[Kind, str]], now: float
    ) -> None:
        gone = {self._places[each].key for each in dropped if each in self._places}
        newest = max(now, self._newest)
        records = {HEAD_KEY: encode_head(newest)}
        places: dict[tuple[Kind, str], Place] = {}
        order = self._next
        for stored in saved:
            whose, key = (stored.kind, stored.name), record_key(stored)
            kept = places.get(whose) or (None if whose in dropped else self._places.get(whose))
            if kept is None:
                places[whose] = Place(key, order)
                order += 1
            else:
                gone.add(kept.key)  # another one, if its namespace has changed
                records.pop(kept.key, None)
                places[whose] = Place(key, kept.order)
            records[key] = encode_record(key, places[whose].order, stored)
        self._file.commit(gone - records.keys(), records)
        for whose in dropped:
            self._places.pop(whose, None)
        self._places.update(places)
        self._newest, self._next = newest, order


def _read_sound(file: StoreFile) -> Contents:
    contents = read_records(file.items())
    if not contents.bad:
        return contents
    newer = [f"{record.key}: {record.problem}" for record in contents.bad if record.is_newer]
    if newer:
        raise StoreError(
            f"the store in {str(file.path.parent)!r} was written by a newer version of this "
            f"program: {newer[0]}. Start that version, or choose another folder with --data-dir"
        )
    raise damaged(file.folder, [f"{bad.key}: {bad.problem}" for bad in contents.bad])

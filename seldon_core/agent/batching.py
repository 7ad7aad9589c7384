"""Which requests to one model run as one call, and when.

A pure machine with hot-path methods only: `add` a request, `end_turn` when the event loop has
handled what it had, `finish` when a run has ended. One run at a time; while it lasts requests
gather, and leave together as the next batch. A lone request runs at once: only if requests came in
company during the last turn does the first of this turn wait for the others (microseconds, since
the turn ends when the sockets that are readable have been read).

Requests run together only if they have the same key: the same outputs wanted, and inputs of the
same datatypes and of the same shape but for the rows. A batch never splits a request, so one with
more rows than `max_rows` is a batch of its own.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy.typing as npt

from seldon_core.errors import OverloadedError

Array = npt.NDArray[Any]

# A batch of 64 rows costs about what one row costs where batching pays (small trees, linear models,
# small ONNX graphs), and 64 is what a listener hands over in a turn from two full connections.
DEFAULT_MAX_ROWS = 64
# Thousands of clients with one request each are no overload: a small model has run 4,096 of them in
# a fifth of a second. What their bodies take is limited in bytes, by the listener.
DEFAULT_MAX_WAITING = 4096


class Waiter(Protocol):
    """Where an entry's result goes: an asyncio future."""

    def done(self) -> bool:
        """Return whether nobody waits any more."""

    def set_result(self, result: list[Array], /) -> None:
        """Hand over the outputs."""

    def set_exception(self, exception: BaseException, /) -> None:
        """Hand over the failure."""


class Entry:
    """One request on its way to its model. Made per request, so plain slots.

    `inputs` are in the order of the signature, `outputs` the names wanted. `key` is equal for
    requests that may run together; None: this one runs alone. `rows` is 1 then.

    `times` is given by who runs it, before `waiter` has the result: monotonic seconds at which its
    batch began, the model began to run that, and ended.
    """

    __slots__ = ("inputs", "key", "outputs", "rows", "times", "waiter")

    times: tuple[float, float, float]

    def __init__(
        self, key: Hashable, rows: int, inputs: list[Array], outputs: tuple[str, ...]
    ) -> None:
        self.key = key
        self.rows = rows
        self.inputs = inputs
        self.outputs = outputs
        self.waiter: Waiter | None = None


@dataclass(slots=True, eq=False)
class Batch:
    """Requests that run as one call, in the order of their arrival; `rows` is their sum."""

    entries: list[Entry]
    rows: int


class Batcher:
    """Gathers the requests to one model.

    At most `max_together` leave as one batch, None: as many as have `max_rows` rows (which is 1
    once the model turned out not to keep rows apart). At most `max_waiting` wait while a batch
    runs; while none does, those of the next one more.
    """

    __slots__ = (
        "_arrivals",
        "_expects_company",
        "_groups",
        "_max_together",
        "_max_waiting",
        "is_busy",
        "max_rows",
        "waiting",
    )

    def __init__(
        self,
        max_rows: int = DEFAULT_MAX_ROWS,
        max_waiting: int = DEFAULT_MAX_WAITING,
        max_together: int | None = None,
    ) -> None:
        self.is_busy = False  # between a batch handed out and `finish`
        self.waiting = 0  # entries in all groups
        self.max_rows = max_rows
        self._max_waiting = max_waiting
        self._max_together = max_together
        self._arrivals = 0  # in this turn
        self._expects_company = False
        # One group for each key; the first one is next. A group's entries are in the order of their
        # arrival, a dict so that one whose client left is taken out without a search.
        self._groups: OrderedDict[Hashable, dict[Entry, None]] = OrderedDict()

    def __repr__(self) -> str:
        state = "busy" if self.is_busy else "free"
        return f"<Batcher {state} waiting={self.waiting} groups={len(self._groups)}>"

    @property
    def is_first_of_turn(self) -> bool:
        """Whether the entry just added is this turn's first: the shell then arms `end_turn`."""
        return self._arrivals == 1

    def add(self, entry: Entry) -> Batch | None:
        """Take in a request; return the batch to run now if it need not wait.

        Raises OverloadedError if too many wait already; then it was not taken in.
        """
        if self.waiting >= self._max_waiting and (
            self.is_busy
            or self.waiting >= self._max_waiting + (self._max_together or self.max_rows)
        ):
            raise OverloadedError(f"{self.waiting} requests wait for the model already")
        self._arrivals += 1
        if self._arrivals == 1 and not (self.waiting or self.is_busy or self._expects_company):
            self.is_busy = True
            return Batch([entry], entry.rows)
        key: Hashable = entry if entry.key is None else entry.key
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = {}
        group[entry] = None
        self.waiting += 1
        return None

    def remove(self, entry: Entry) -> None:
        """Forget a request whose client left; nothing happens if its batch has been handed out."""
        key: Hashable = entry if entry.key is None else entry.key
        group = self._groups.get(key)
        if group is not None and entry in group:
            del group[entry]
            self.waiting -= 1
            if not group:
                del self._groups[key]

    def end_turn(self) -> Batch | None:
        """Note that the loop's turn is over; return the batch to run now, if any."""
        self._expects_company = self._arrivals > 1
        self._arrivals = 0
        return self.next_batch()

    def finish(self) -> None:
        """Note that the batch handed out last has run."""
        self.is_busy = False

    def next_batch(self) -> Batch | None:
        """Return the next batch, None if none waits or one is running.

        Keys take turns, so that many requests of one kind do not keep another kind waiting.
        """
        if self.is_busy or not self._groups:
            return None
        key, group = self._groups.popitem(last=False)
        entries: list[Entry] = []
        rows = 0
        for entry in group if self._max_together is None else islice(group, self._max_together):
            if entries and rows + entry.rows > self.max_rows:
                break
            entries.append(entry)
            rows += entry.rows
        if len(entries) < len(group):
            for entry in entries:
                del group[entry]
            self._groups[key] = group
        self.waiting -= len(entries)
        self.is_busy = True
        return Batch(entries, rows)

    def stop_batching(self) -> None:
        """Run every request alone from now on: the model turned out not to keep rows apart."""
        self.max_rows = 1

    def drain(self) -> list[Entry]:
        """Hand out every waiting entry, unrun: the shell is about to fail them."""
        entries = [entry for group in self._groups.values() for entry in group]
        self._groups.clear()
        self.waiting = 0
        return entries

"""Writes down what is to be kept, before anything else is done."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from seldon_core.errors import StoreError
from seldon_core.scheduler.decisions import Decision, DropModel, SaveModel
from seldon_core.scheduler.records import StoredModel

_log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Between attempts to write what could not be written."""


class ModelStore(Protocol):
    """Keeps models across restarts."""

    @property
    def models(self) -> Sequence[StoredModel]:
        """What was kept when the store was opened."""

    async def write(
        self, saved: Sequence[StoredModel], dropped: Collection[str], now: float
    ) -> None:
        """Keep `saved` and forget `dropped`, all or nothing, on the disk when it returns.

        Raises StoreError if nothing was written.
        """


class Keeper:
    """Keeps what the machine decided to keep, however long the store cannot be written to.

    `fault` is why nothing can be written now, None while it can. `on_fault` hears of each attempt
    in vain.
    """

    def __init__(self, store: ModelStore, on_fault: Callable[[StoreError], None]) -> None:
        self.fault: StoreError | None = None
        self._store = store
        self._on_fault = on_fault

    async def keep(self, decisions: Iterable[Decision], now: float) -> None:
        """Write what is to be kept; return when it is on the disk.

        If the store cannot be written to, as when the disk is full, it is tried until it works:
        what the machine has decided cannot be taken back, and is not carried out before. Calls of
        models go on meanwhile.
        """
        writes: dict[str, StoredModel | None] = {}  # of several changes of a model the last counts
        for decision in decisions:
            if isinstance(decision, SaveModel):
                writes[decision.model.name] = decision.model
            elif isinstance(decision, DropModel):
                writes[decision.name] = None
        if not writes:
            return
        saved = [stored for stored in writes.values() if stored is not None]
        dropped = [name for name, stored in writes.items() if stored is None]
        while True:
            if await self._write(saved, dropped, now):
                break
            await asyncio.sleep(RETRY_S)  # nothing tells when a disk has room
        if self.fault is not None:
            self.fault = None
            _log.info("store works again models=%d", len(writes))

    async def _write(self, saved: Sequence[StoredModel], dropped: list[str], now: float) -> bool:
        try:
            await self._store.write(saved, dropped, now)
        except StoreError as error:
            if self.fault is None:
                _log.error("store cannot be written to, changes are refused reason=%r", str(error))
            self.fault = error
            self._on_fault(error)
            return False
        return True

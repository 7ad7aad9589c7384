"""Writes down what is to be kept, before anything else is done."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from seldon_core.errors import StoreError
from seldon_core.scheduler.decisions import Decision, Drop, Save
from seldon_core.scheduler.records import Kind, Stored

_log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Between attempts to write what could not be written: nothing tells when a disk has room."""


class RecordStore(Protocol):
    """Keeps models, servers and whatever else is declared across restarts."""

    @property
    def stored(self) -> Sequence[Stored]:
        """What was kept when the store was opened."""

    async def write(
        self, saved: Sequence[Stored], dropped: Collection[tuple[Kind, str]], now: float
    ) -> None:
        """Keep `saved` and forget `dropped`, all or nothing, on the disk when it returns.

        Raises StoreError if nothing was written.
        """


class Keeper:
    """Keeps what the machine decided to keep. `fault` is why it cannot now, None while it can.

    When the store cannot be written to, as when the disk is full, what the machine has decided
    cannot be taken back: it is remembered, and tried again with whatever comes a second later or
    after that. So everything else goes on: models are loaded, routed, and called.
    """

    def __init__(self, store: RecordStore) -> None:
        self.fault: StoreError | None = None
        self._store = store
        # Of several changes of one thing the last.
        self._pending: dict[tuple[Kind, str], Stored | None] = {}
        self._retry_at = 0.0

    async def keep(self, decisions: Iterable[Decision], now: float) -> StoreError | None:
        """Write what is to be kept, and what could not be before.

        Return None when it is on the disk; else why not, and call again later.
        """
        for decision in decisions:
            if isinstance(decision, Save):
                self._pending[decision.stored.kind, decision.stored.name] = decision.stored
            elif isinstance(decision, Drop):
                self._pending[decision.kind, decision.name] = None
        loop_time = asyncio.get_running_loop().time
        if not self._pending or loop_time() < self._retry_at:
            return self.fault
        saved = [stored for stored in self._pending.values() if stored is not None]
        dropped = [key for key, stored in self._pending.items() if stored is None]
        try:
            await self._store.write(saved, dropped, now)
        except StoreError as error:
            if self.fault is None:
                _log.error("store cannot be written to, changes are refused reason=%r", str(error))
            self._retry_at = loop_time() + RETRY_S
            self.fault = error
        else:
            if self.fault is not None:
                _log.info("store works again records=%d", len(self._pending))
            self._pending.clear()
            self._retry_at = 0.0
            self.fault = None
        return self.fault

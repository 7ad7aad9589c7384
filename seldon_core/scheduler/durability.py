"""Writes down what is to be kept, before anything else is done."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from seldon_core.errors import StoreError
from seldon_core.scheduler.decisions import Decision, DropModel, SaveModel
from seldon_core.scheduler.records import StoredModel

_log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Between attempts to write what could not be written: nothing tells when a disk has room."""


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
    """Keeps what the machine decided to keep. `fault` is why it cannot now, None while it can.

    When the store cannot be written to, as when the disk is full, what the machine has decided
    cannot be taken back: it is remembered, and tried again with whatever comes a second later or
    after that. So everything else goes on: models are loaded, routed, and called.
    """

    def __init__(self, store: ModelStore) -> None:
        self.fault: StoreError | None = None
        self._store = store
        self._pending: dict[str, StoredModel | None] = {}  # of several changes of a model the last
        self._retry_at = 0.0

    async def keep(self, decisions: Iterable[Decision], now: float) -> StoreError | None:
        """Write what is to be kept, and what could not be before.

        Return None when it is on the disk; else why not, and call again later.
        """
        for decision in decisions:
            if isinstance(decision, SaveModel):
                self._pending[decision.model.name] = decision.model
            elif isinstance(decision, DropModel):
                self._pending[decision.name] = None
        loop_time = asyncio.get_running_loop().time
        if not self._pending or loop_time() < self._retry_at:
            return self.fault
        saved = [stored for stored in self._pending.values() if stored is not None]
        dropped = [name for name, stored in self._pending.items() if stored is None]
        try:
            await self._store.write(saved, dropped, now)
        except StoreError as error:
            if self.fault is None:
                _log.error("store cannot be written to, changes are refused reason=%r", str(error))
            self._retry_at = loop_time() + RETRY_S
            self.fault = error
        else:
            if self.fault is not None:
                _log.info("store works again models=%d", len(self._pending))
            self._pending.clear()
            self._retry_at = 0.0
            self.fault = None
        return self.fault

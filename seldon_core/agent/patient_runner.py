"""Runs the requests to a model whose batches wait for company: the shell of `patience.py`."""

import asyncio
from typing import cast

from seldon_core.agent.batching import Entry
from seldon_core.agent.execution import ModelRunner
from seldon_core.agent.patience import PatientBatcher


class PatientRunner(ModelRunner):
    """A runner whose batcher is patient; it keeps the time, one timer for a batch."""

    _alarm: asyncio.TimerHandle | None = None

    def withdraw(self, entry: Entry) -> None:
        """Forget an entry whose client left."""
        super().withdraw(entry)
        self._set_alarm()

    def _end_turn(self) -> None:
        super()._end_turn()
        self._set_alarm()

    def _go_on(self) -> None:
        super()._go_on()
        self._set_alarm()

    def _set_alarm(self) -> None:
        batcher = cast("PatientBatcher", self._batcher)
        if not batcher.is_gathering:
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
        elif self._alarm is None:
            self._alarm = self._grounds.loop.call_later(batcher.delay_s, self._ripen)

    def _ripen(self) -> None:
        self._alarm = None
        cast("PatientBatcher", self._batcher).ripen()
        self._go_on()

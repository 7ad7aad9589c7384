"""Batches that wait for company (`seldon-core/max-batch-delay-ms`): fewer runs, later answers.

By default the first request to a model that is free runs at once or at the end of its turn. Here it
waits until a batch is full, or for the model's delay, which begins with the first that waits. What
waits then leaves, and so does what comes while those runs last. Pure: `patient_runner.py` keeps the
time.
"""

from seldon_core.agent.batching import Batch, Batcher, Entry


class PatientBatcher(Batcher):
    """Nothing waits -> gathering -> ripe, or full before that -> nothing waits.

    The shell calls `ripen` when it has been gathering for `delay_s`.
    """

    __slots__ = ("_is_ripe", "_rows", "delay_s")

    def __init__(
        self, max_rows: int, max_waiting: int, max_together: int | None, delay_s: float
    ) -> None:
        super().__init__(max_rows, max_waiting, max_together)
        self.delay_s = delay_s
        self._is_ripe = False
        self._rows = 0  # of all that wait

    @property
    def is_gathering(self) -> bool:
        """Whether some wait, and not for a run but for company."""
        return self.waiting > 0 and not self._is_ripe

    def add(self, entry: Entry) -> Batch | None:
        """Take in a request, which waits. Raises as `Batcher.add` does."""
        self._expects_company = True
        batch = super().add(entry)
        self._rows += entry.rows
        if entry.key is None:  # it runs alone, however long it waits
            self._is_ripe = True
        return batch

    def remove(self, entry: Entry) -> None:
        """Forget a request whose client left."""
        before = self.waiting
        super().remove(entry)
        if self.waiting < before:
            self._rows -= entry.rows
            self._note_end()

    def ripen(self) -> None:
        """Note that those who wait have waited for long enough."""
        self._is_ripe = self.waiting > 0

    def next_batch(self) -> Batch | None:
        """Return the next batch if one is full or has waited for long enough."""
        most = self._max_together or self.max_rows
        if not (self._is_ripe or self._rows >= self.max_rows or self.waiting >= most):
            return None
        batch = super().next_batch()
        if batch is not None:
            self._rows -= batch.rows
            self._note_end()
        return batch

    def drain(self) -> list[Entry]:
        """Hand out every waiting entry, unrun."""
        entries = super().drain()
        self._rows = 0
        self._note_end()
        return entries

    def _note_end(self) -> None:
        if not self.waiting:
            self._is_ripe = False

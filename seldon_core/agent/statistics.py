"""What the statistics extension counts of one served model: plain numbers, added up as calls end.

A lone request on the loop costs one look-up and four additions; everything else is worked out when
somebody asks (`snapshot`). Durations are seconds on one monotonic clock until then.
"""

from collections.abc import Sequence

from seldon_core.agent.batching import DEFAULT_MAX_ROWS
from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    MemoryUsage,
    ModelStatistics,
)

Times = tuple[float, float, float]
"""When a request's batch began, when the model began to run it, and when that ended."""

MOST_EXACT_ROWS = DEFAULT_MAX_ROWS
"""Calls of more rows than a batch gathers are those of single large requests: their sizes, which
could be any number, are counted by the next power of two."""


class Runs:
    """The calls of a model with one number of rows. `last` is when the last of them was over."""

    __slots__ = ("count", "infer_s", "input_s", "last", "output_s")

    def __init__(self) -> None:
        self.count = 0
        self.input_s = 0.0
        self.infer_s = 0.0
        self.output_s = 0.0
        self.last = 0.0


class ModelCounts:
    """What happened to one version of a model since it was loaded, over evictions too.

    `alone` are the calls of requests that ran at once on the loop, by rows: of these everything is
    counted there. `shared` are all other calls; the requests that were answered by them are counted
    beside, since several share a call, and some of them may have left.
    """

    __slots__ = (
        "_rows_off",
        "alone",
        "failed",
        "failed_s",
        "infer_s",
        "input_s",
        "output_s",
        "queue_s",
        "shared",
        "waited",
    )

    def __init__(self) -> None:
        self.alone: dict[int, Runs] = {}
        self.shared: dict[int, Runs] = {}
        self.waited = 0  # requests answered by shared calls
        self.queue_s = self.input_s = self.infer_s = self.output_s = 0.0  # of those
        self.failed = 0
        self.failed_s = 0.0
        self._rows_off = 0  # what the sizes of calls tell too much

    def runs(self, sizes: dict[int, Runs], rows: int) -> Runs:
        """Return where a call of `rows` rows is counted in `alone` or `shared`.

        Those found in there by `rows` need not be asked for.
        """
        size = rows
        if rows > MOST_EXACT_ROWS:
            size = 1 << (rows - 1).bit_length()
            self._rows_off += size - rows
        runs = sizes.get(size)
        if runs is None:
            runs = sizes[size] = Runs()
        return runs

    def ran(self, rows: int, times: Times, now: float) -> None:
        """Count a call whose outputs are its requests' `now`, whoever of them is still there."""
        began, ran, ended = times
        runs = self.runs(self.shared, rows)
        runs.count += 1
        runs.input_s += ran - began
        runs.infer_s += ended - ran
        runs.output_s += now - ended
        runs.last = now

    def admitted(self, seconds: float) -> None:
        """Count as waiting what an answered request waited for its model to come into memory.

        It was counted as the request's input.
        """
        self.queue_s += seconds
        self.input_s -= seconds

    def fail(self, seconds: float) -> None:
        """Count a request that was refused or failed."""
        self.failed += 1
        self.failed_s += seconds

    @property
    def ended(self) -> int:
        """How many requests were answered or failed."""
        return self.waited + self.failed + sum(runs.count for runs in self.alone.values())

    def snapshot(
        self, name: str, version: str, memory_bytes: int, wall_of: float, has_rows: bool
    ) -> ModelStatistics:
        """Return everything as of now; adding `wall_of` to a monotonic instant makes it UTC.

        If not `has_rows`, every request is one inference, whatever its shape. The way back from a
        thread or a batch counts as a request's output.
        """
        alone = self.alone.values()
        success = self.waited + sum(runs.count for runs in alone)
        input_s = self.input_s + sum(runs.input_s for runs in alone)
        infer_s = self.infer_s + sum(runs.infer_s for runs in alone)
        output_s = self.output_s + sum(runs.output_s for runs in alone)
        last = max((runs.last for runs in (*alone, *self.shared.values())), default=0.0)
        batches = self._batches(has_rows)
        rows = sum(batch.batch_size * batch.compute_infer.count for batch in batches)
        return ModelStatistics(
            name,
            version,
            int((last + wall_of) * 1000) if last else 0,
            rows - self._rows_off if has_rows else rows,
            sum(batch.compute_infer.count for batch in batches),
            InferStatistics(
                success=_duration(success, self.queue_s + input_s + infer_s + output_s),
                fail=_duration(self.failed, self.failed_s),
                queue=_duration(success, self.queue_s),
                compute_input=_duration(success, input_s),
                compute_infer=_duration(success, infer_s),
                compute_output=_duration(success, output_s),
            ),
            batch_stats=tuple(batches),
            memory_usage=(MemoryUsage("CPU", 0, memory_bytes),),
        )

    def _batches(self, has_rows: bool) -> list[BatchStatistics]:
        sizes: dict[int, list[Runs]] = {}
        for size, runs in (*self.alone.items(), *self.shared.items()):
            sizes.setdefault(size if has_rows else 1, []).append(runs)
        return [_batch(size, sizes[size]) for size in sorted(sizes)]


def _batch(size: int, calls: Sequence[Runs]) -> BatchStatistics:
    count = sum(runs.count for runs in calls)
    return BatchStatistics(
        size,
        _duration(count, sum(runs.input_s for runs in calls)),
        _duration(count, sum(runs.infer_s for runs in calls)),
        _duration(count, sum(runs.output_s for runs in calls)),
    )


def _duration(count: int, seconds: float) -> Duration:
    return Duration(count, round(seconds * 1e9))

"""What the statistics extension tells of a model: counts and durations since it was loaded."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Duration:
    """So many times something happened, and the nanoseconds that it took together."""

    count: int = 0
    ns: int = 0


@dataclass(frozen=True, slots=True)
class InferStatistics:
    """Where requests spent their time. `success` includes answers from a cache.

    `queue` is the time until a request's batch began, `compute_input` and `compute_output` the
    decoding and joining of inputs and the splitting of outputs, `compute_infer` the model's own.
    """

    success: Duration = Duration()
    fail: Duration = Duration()
    queue: Duration = Duration()
    compute_input: Duration = Duration()
    compute_infer: Duration = Duration()
    compute_output: Duration = Duration()
    cache_hit: Duration = Duration()
    cache_miss: Duration = Duration()


@dataclass(frozen=True, slots=True)
class ResponseStatistics:
    """The n-th responses of the requests to a model that streams several for one."""

    compute_infer: Duration = Duration()
    compute_output: Duration = Duration()
    success: Duration = Duration()
    fail: Duration = Duration()
    empty_response: Duration = Duration()
    cancel: Duration = Duration()


@dataclass(frozen=True, slots=True)
class BatchStatistics:
    """The calls of a model with `batch_size` rows."""

    batch_size: int
    compute_input: Duration = Duration()
    compute_infer: Duration = Duration()
    compute_output: Duration = Duration()


@dataclass(frozen=True, slots=True)
class MemoryUsage:
    """Bytes that a model takes; `type` is CPU, CPU_PINNED or GPU, `id` the device's number."""

    type: str
    id: int
    byte_size: int


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """One version of a model, over all replicas that were asked.

    `last_inference` is in ms since the epoch, 0 if there was none. `inference_count` counts rows,
    `execution_count` calls of the model. `response_stats` is by the response's index, as text.
    """

    name: str
    version: str
    last_inference: int = 0
    inference_count: int = 0
    execution_count: int = 0
    inference_stats: InferStatistics = InferStatistics()
    response_stats: Mapping[str, ResponseStatistics] = field(default_factory=dict)
    batch_stats: tuple[BatchStatistics, ...] = ()
    memory_usage: tuple[MemoryUsage, ...] = ()

"""Statistics of several replicas as one: what a caller sees of a model wherever it is served."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    MemoryUsage,
    ModelStatistics,
    ResponseStatistics,
)

T = TypeVar("T", InferStatistics, ResponseStatistics, BatchStatistics)
V = TypeVar("V")
K = TypeVar("K", bound=Hashable)


def joined(statistics: Iterable[ModelStatistics]) -> list[ModelStatistics]:
    """Return one entry for each name and version, in the order of their first occurrence."""
    return list(_gathered(statistics, lambda one: (one.name, one.version), _sum).values())


def _sum(one: ModelStatistics, other: ModelStatistics) -> ModelStatistics:
    return ModelStatistics(
        one.name,
        one.version,
        max(one.last_inference, other.last_inference),
        one.inference_count + other.inference_count,
        one.execution_count + other.execution_count,
        _sum_durations(one.inference_stats, other.inference_stats),
        _sum_responses(one.response_stats, other.response_stats),
        _gather(one.batch_stats, other.batch_stats, lambda each: each.batch_size, _sum_durations),
        _gather(
            one.memory_usage, other.memory_usage, lambda each: (each.type, each.id), _sum_memory
        ),
    )


def _sum_durations(one: T, other: T) -> T:
    """Add up those fields that are durations."""
    sums: dict[str, Any] = {}
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, Duration):
            sums[field.name] = Duration(mine.count + theirs.count, mine.ns + theirs.ns)
    return replace(one, **sums)


def _sum_memory(one: MemoryUsage, other: MemoryUsage) -> MemoryUsage:
    return replace(one, byte_size=one.byte_size + other.byte_size)


def _sum_responses(
    one: Mapping[str, ResponseStatistics], other: Mapping[str, ResponseStatistics]
) -> dict[str, ResponseStatistics]:
    sums = dict(one)
    for index, theirs in other.items():
        mine = sums.get(index)
        sums[index] = theirs if mine is None else _sum_durations(mine, theirs)
    return sums


def _gather(
    one: Sequence[V], other: Sequence[V], key: Callable[[V], Hashable], add: Callable[[V, V], V]
) -> tuple[V, ...]:
    return tuple(_gathered([*one, *other], key, add).values())


def _gathered(values: Iterable[V], key: Callable[[V], K], add: Callable[[V, V], V]) -> dict[K, V]:
    """Return the sum of the values of each key."""
    sums: dict[K, V] = {}
    for value in values:
        name = key(value)
        sums[name] = add(sums[name], value) if name in sums else value
    return sums

"""Statistics of replicas, added up."""

from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    MemoryUsage,
    ModelStatistics,
    ResponseStatistics,
)
from seldon_core.router.counts import joined


def statistics(name="iris", version="1", **values):
    return ModelStatistics(name, version, **values)


def test_what_one_replica_says_is_left_alone():
    alone = [statistics(), statistics(version="2"), statistics("wine")]
    assert joined(alone) == alone


def test_names_and_versions_are_told_apart_and_keep_their_order():
    found = joined([statistics("b"), statistics("a"), statistics("b", "2"), statistics("b")])
    assert [(one.name, one.version) for one in found] == [("b", "1"), ("a", "1"), ("b", "2")]


def test_counts_and_durations_are_added_up_and_the_last_inference_is_the_last():
    mine = statistics(
        last_inference=5,
        inference_count=3,
        execution_count=2,
        inference_stats=InferStatistics(success=Duration(3, 30), queue=Duration(3, 1)),
    )
    theirs = statistics(
        last_inference=4,
        inference_count=10,
        execution_count=10,
        inference_stats=InferStatistics(success=Duration(10, 70), fail=Duration(1, 9)),
    )
    assert joined([mine, theirs]) == [
        statistics(
            last_inference=5,
            inference_count=13,
            execution_count=12,
            inference_stats=InferStatistics(
                success=Duration(13, 100), fail=Duration(1, 9), queue=Duration(3, 1)
            ),
        )
    ]


def test_batches_are_added_up_by_size_and_memory_by_device():
    mine = statistics(
        batch_stats=(BatchStatistics(1, compute_infer=Duration(2, 20)), BatchStatistics(4)),
        memory_usage=(MemoryUsage("CPU", 0, 100),),
    )
    theirs = statistics(
        batch_stats=(BatchStatistics(1, compute_infer=Duration(3, 5)), BatchStatistics(2)),
        memory_usage=(MemoryUsage("CPU", 0, 50), MemoryUsage("GPU", 0, 7)),
    )
    [found] = joined([mine, theirs])
    assert found.batch_stats == (
        BatchStatistics(1, compute_infer=Duration(5, 25)),
        BatchStatistics(4),
        BatchStatistics(2),
    )
    assert found.memory_usage == (MemoryUsage("CPU", 0, 150), MemoryUsage("GPU", 0, 7))


def test_responses_are_added_up_by_their_index():
    mine = statistics(response_stats={"0": ResponseStatistics(success=Duration(1, 2))})
    theirs = statistics(
        response_stats={
            "0": ResponseStatistics(success=Duration(2, 3)),
            "1": ResponseStatistics(cancel=Duration(1, 1)),
        }
    )
    [found] = joined([mine, theirs])
    assert found.response_stats == {
        "0": ResponseStatistics(success=Duration(3, 5)),
        "1": ResponseStatistics(cancel=Duration(1, 1)),
    }
    assert mine.response_stats.keys() == {"0"}

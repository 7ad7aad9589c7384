"""What is counted of a model, as clients read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.agent.statistics import MOST_EXACT_ROWS, ModelCounts
from seldon_core.protocol.statistics import BatchStatistics, Duration, MemoryUsage


def alone(counts, rows, input_s, infer_s, output_s):
    """A request that ran at once, counted as the handler does."""
    runs = counts.alone.get(rows) or counts.runs(counts.alone, rows)
    runs.count += 1
    runs.input_s += input_s
    runs.infer_s += infer_s
    runs.output_s += output_s
    runs.last = 5.0


def shared(counts, rows_of_each, began=10.0, left=0):
    """Requests that ran as one call: read in 1 s, waited 2, joined in 3, ran 4, answered in 5.

    Some may have left while it ran.
    """
    times = began, began + 3, began + 7
    counts.ran(sum(rows_of_each), times, began + 8)
    for _ in rows_of_each[left:]:
        counts.waited += 1
        counts.input_s += 1 + 3
        counts.queue_s += 2
        counts.infer_s += 4
        counts.output_s += 5


def snapshot(counts, *, has_rows=True):
    return counts.snapshot("iris", "3", 7, 1000.0, has_rows)


def s(count, seconds):
    return Duration(count, seconds * 10**9)


def test_of_a_model_that_was_never_called_everything_is_0():
    told = snapshot(ModelCounts())
    assert (told.name, told.version, told.last_inference) == ("iris", "3", 0)
    assert (told.inference_count, told.execution_count, told.batch_stats) == (0, 0, ())
    assert told.inference_stats.success == Duration()
    assert told.memory_usage == (MemoryUsage("CPU", 0, 7),)


def test_requests_that_ran_alone_are_counted_by_their_rows():
    counts = ModelCounts()
    alone(counts, 2, 1, 2, 3)
    alone(counts, 2, 1, 2, 3)
    alone(counts, 1, 10, 20, 30)
    told = snapshot(counts)
    assert (told.inference_count, told.execution_count) == (5, 3)
    stats = told.inference_stats
    assert stats.success == s(3, 72)
    assert (stats.queue, stats.compute_input) == (s(3, 0), s(3, 12))
    assert (stats.compute_infer, stats.compute_output) == (s(3, 24), s(3, 36))
    assert told.batch_stats == (
        BatchStatistics(1, s(1, 10), s(1, 20), s(1, 30)),
        BatchStatistics(2, s(2, 2), s(2, 4), s(2, 6)),
    )


def test_each_request_of_a_shared_call_took_what_the_call_took():
    counts = ModelCounts()
    shared(counts, [1, 2])
    alone(counts, 3, 1, 1, 1)
    told = snapshot(counts)
    assert (told.inference_count, told.execution_count) == (6, 2)
    stats = told.inference_stats
    assert stats.success == s(3, 2 * 15 + 3)
    assert (stats.queue, stats.compute_input) == (s(3, 4), s(3, 2 * 4 + 1))
    assert (stats.compute_infer, stats.compute_output) == (s(3, 2 * 4 + 1), s(3, 2 * 5 + 1))
    assert told.batch_stats == (BatchStatistics(3, s(2, 4), s(2, 5), s(2, 2)),)
    assert told.last_inference == 1_018_000


def test_the_sizes_of_large_requests_are_bounded_and_their_rows_are_not_lost():
    counts = ModelCounts()
    for rows in (MOST_EXACT_ROWS, 65, 100, 128, 128, 1000):
        alone(counts, rows, 0, 1, 0)
    shared(counts, [100])
    told = snapshot(counts)
    assert [each.batch_size for each in told.batch_stats] == [64, 128, 1024]
    assert told.inference_count == 64 + 65 + 100 + 128 + 128 + 1000 + 100
    assert told.execution_count == 7


def test_failures_are_counted_apart():
    counts = ModelCounts()
    counts.fail(2)
    stats = snapshot(counts).inference_stats
    assert (stats.fail, stats.success) == (s(1, 2), Duration())


def test_a_request_that_left_while_it_ran_is_no_success_and_its_rows_are_counted():
    counts = ModelCounts()
    shared(counts, [1, 2, 4], left=1)
    told = snapshot(counts)
    assert (told.inference_count, told.execution_count) == (7, 1)
    stats = told.inference_stats
    assert (stats.success, stats.queue) == (s(2, 2 * 15), s(2, 4))
    assert (stats.compute_infer, stats.compute_output) == (s(2, 8), s(2, 10))


def test_a_request_to_a_model_without_rows_is_one_inference_whatever_its_shape():
    counts = ModelCounts()
    alone(counts, 3, 1, 2, 3)
    alone(counts, 1000, 1, 2, 3)
    shared(counts, [5])
    told = snapshot(counts, has_rows=False)
    assert (told.inference_count, told.execution_count) == (3, 3)
    assert told.batch_stats == (BatchStatistics(1, s(3, 5), s(3, 8), s(3, 7)),)


def test_waiting_for_memory_counts_as_waiting():
    counts = ModelCounts()
    counts.admitted(4)
    alone(counts, 1, 5, 1, 1)
    stats = snapshot(counts).inference_stats
    assert (stats.queue, stats.compute_input, stats.success) == (s(1, 4), s(1, 1), s(1, 7))


CALLS = st.lists(st.lists(st.integers(1, 5000), min_size=1, max_size=5), max_size=50)


@given(CALLS, CALLS)
def test_no_row_and_no_second_is_lost_whatever_the_calls_were(lone, in_company):
    counts = ModelCounts()
    for rows in (rows for each in lone for rows in each):
        alone(counts, rows, 1, 2, 3)
    for rows_of_each in in_company:
        shared(counts, rows_of_each)
    told = snapshot(counts)
    ones = sum(map(len, lone))
    assert told.inference_count == sum(map(sum, [*lone, *in_company]))
    assert told.execution_count == ones + len(in_company)
    stats = told.inference_stats
    assert stats.success.count == ones + sum(map(len, in_company))
    parts = stats.queue, stats.compute_input, stats.compute_infer, stats.compute_output
    assert sum(part.ns for part in parts) == pytest.approx(stats.success.ns)
    assert len(told.batch_stats) <= MOST_EXACT_ROWS + 9  # 128 to 32,768

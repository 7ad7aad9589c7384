import numpy as np
import pytest

from seldon_core.agent.batching import Entry
from seldon_core.agent.rows import RowsLostError, joined, shares_of


def entry(*inputs):
    arrays = [np.array(rows, np.float32) for rows in inputs]
    return Entry("key", len(arrays[0]), arrays, ("y",))


def rows_of(arrays):
    return [array.tolist() for array in arrays]


@pytest.mark.parametrize("inputs", [1, 2], ids=["one input", "two inputs"])
def test_rows_follow_each_other_in_the_order_of_the_requests(inputs):
    entries = [entry(*[[[1, 2]]] * inputs), entry(*[[[3, 4], [5, 6]]] * inputs)]
    assert rows_of(joined(entries)) == [[[1, 2], [3, 4], [5, 6]]] * inputs


def test_each_request_gets_the_rows_of_its_own_as_views():
    entries = [entry([[0]]), entry([[0], [0]])]
    outputs = [np.array([1, 2, 3]), np.array([[4], [5], [6]])]
    first, second = shares_of(entries, outputs, 3)
    assert (rows_of(first), rows_of(second)) == ([[1], [[4]]], [[2, 3], [[5], [6]]])
    assert all(share.base is not None for share in (*first, *second))


@pytest.mark.parametrize("output", [np.float32(1), np.zeros((2, 3))], ids=["scalar", "other rows"])
def test_outputs_without_a_row_for_each_are_no_shares(output):
    with pytest.raises(RowsLostError):
        shares_of([entry([[0]])], [np.asarray(output)], 1)

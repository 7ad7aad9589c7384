"""Rows that influence each other must be found out, the others left in peace."""

import numpy as np
import pytest

from seldon_core.agent.runtimes.probe import ROWS, random_rows, try_rows

RESULTS = {
    "its mean": lambda x: x - x.mean(axis=0),
    "its largest value": lambda x: x / x.max(),
    "the row's number": lambda x: x + np.arange(len(x))[:, None],
    "rounded scores against the mean": lambda x: (x > x.mean(axis=0)).astype(np.int64),
    "half-precision sums": lambda x: np.cumsum(x, axis=0).astype(np.float16),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_model_that_uses_the_other_rows_is_found_out(name):
    trial = try_rows(lambda inputs: [RESULTS[name](inputs[0])], [random_rows([4], np.float32)])
    assert trial.influence == "a row is answered differently alone and beside others"


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum(axis=1),
        lambda x: x.argmax(axis=1),
        lambda x: (x * 100).astype(np.float16),
        lambda x: np.where(x > 0, np.nan, np.inf),
        lambda x: np.array([[str(v) for v in row] for row in x], dtype=object),
    ],
    ids=["sums", "classes", "half precision", "not finite", "text"],
)
def test_a_model_that_looks_at_each_row_alone_is_believed(function):
    assert try_rows(lambda x: [function(x[0])], [random_rows([4], np.float32)]).influence is None


def test_sums_in_another_order_are_no_influence():
    rows = random_rows([400], np.float32)

    def run(inputs):  # a library's kernel for one row need not be that for several
        x = inputs[0]
        return [x.sum(axis=1) if len(x) > 1 else x[:, ::-1].cumsum(axis=1)[:, -1]]

    assert try_rows(run, [rows]).influence is None


@pytest.mark.parametrize(
    "function",
    [lambda x: x.sum(), lambda x: x[:1], lambda x: np.concatenate([x, x])],
    ids=["no rows", "always one", "two for each"],
)
def test_an_output_must_have_one_row_for_each(function):
    trial = try_rows(lambda x: [np.asarray(function(x[0]))], [random_rows([2], np.float32)])
    assert "not one row for each" in trial.influence


def test_what_all_rows_gave_is_kept():
    rows = random_rows([2], np.float64)
    assert np.array_equal(try_rows(lambda x: x, [rows]).together[0], rows)


def test_rows_are_different_and_the_same_each_time():
    rows = random_rows([4], np.float32, seed=3)
    assert rows.shape == (ROWS, 4)
    assert len(np.unique(rows, axis=0)) == ROWS
    assert np.array_equal(rows, random_rows([4], np.float32, seed=3))
    assert set(np.unique(random_rows([50], np.int64))) == {0, 1}
    assert random_rows([], np.bool_).shape == (ROWS,)

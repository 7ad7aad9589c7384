"""The words that runtimes share with the agent."""

import numpy as np
import pytest

from seldon_core.agent.runtimes import runtime_named
from seldon_core.agent.runtimes.base import Artifact, Signature, failed, words_of
from seldon_core.errors import InvalidRequestError, ModelRuntimeError


def test_the_careful_answer_is_the_default():
    signature = Signature("p", (), (), ())
    assert signature.names_matter
    assert not signature.batchable
    assert Artifact("m", "onnx", "/m", "/m/model.onnx").settings == {}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError("X has 3 features\nand more"), "ValueError: X has 3 features"),
        (ZeroDivisionError(), "ZeroDivisionError"),
    ],
    ids=["whose text is not a sentence", "of several lines", "without text"],
)
def test_a_models_own_error_is_one_line_that_begins_with_its_type(error, words):
    assert words_of(error) == words


@pytest.mark.parametrize(
    ("name", "releases_gil", "inline_limit_us"), [("onnx", True, 150), ("sklearn", False, 500)]
)
def test_runtimes_say_where_they_may_run(name, releases_gil, inline_limit_us):
    runtime = runtime_named(name)
    assert runtime.releases_gil is releases_gil
    assert runtime.inline_limit_s == pytest.approx(inline_limit_us * 1e-6)


def test_a_run_that_fails_on_nothing_is_the_callers_to_change():
    rows, none = np.zeros((2, 4)), np.zeros((0, 4))
    refused = failed("it broke", [rows, none])
    assert isinstance(refused, InvalidRequestError)
    assert str(refused).endswith("got the shape [0, 4]: it broke")
    broken = failed("it broke", [rows])
    assert isinstance(broken, ModelRuntimeError)
    assert str(broken) == "it broke"

"""The list of runtimes: imported late."""

import sys

import pytest

from seldon_core.agent import runtimes
from seldon_core.errors import ModelRuntimeError


@pytest.fixture
def nothing_loaded(monkeypatch):
    monkeypatch.setattr(runtimes, "_loaded", {})


@pytest.mark.parametrize("name", ["onnx", "sklearn"])
@pytest.mark.usefixtures("nothing_loaded")
def test_a_runtime_is_made_once(name):
    runtime = runtimes.runtime_named(name)
    assert runtime.name == name
    assert runtimes.runtime_named(name) is runtime


def test_an_unknown_runtime_is_refused_with_the_known_ones():
    with pytest.raises(ModelRuntimeError, match="no runtime 'tea'; there are onnx, sklearn"):
        runtimes.runtime_named("tea")


@pytest.mark.usefixtures("nothing_loaded")
def test_a_missing_library_names_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "seldon_core.agent.runtimes.sklearn", raising=False)
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(ModelRuntimeError, match=r"needs joblib, .*'seldon-core\[sklearn\]'"):
        runtimes.runtime_named("sklearn")

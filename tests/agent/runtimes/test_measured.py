"""What a model takes: its own memory, without its library's."""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from seldon_core.agent.runtimes import measured
from seldon_core.agent.runtimes.base import Artifact
from seldon_core.agent.runtimes.measured import load_measured, resident_bytes
from seldon_core.errors import ModelRuntimeError


class Model(NamedTuple):
    name: str
    signature: str

    def __eq__(self, name):
        return self.name == name


class Growing:
    """A runtime whose loads grow the process by what they are told, with modules the first time."""

    def __init__(self, monkeypatch, *growths, module=None):
        self.resident = 0
        self.growths = list(growths)
        self.module = module
        self.loads = 0
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(measured, "resident_bytes", lambda: self.resident)

    def load(self, artifact, known=None):
        self.loads += 1
        self.known = known
        self.resident += self.growths.pop(0)
        if self.module is not None:
            self._monkeypatch.setitem(sys.modules, self.module, ModuleType(self.module))
        return Model(f"model {self.loads}", "found out")


@pytest.fixture
def artifact(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(1000))
    return Artifact("m_1", "onnx", str(tmp_path), str(path))


def test_growth_is_the_size(artifact, monkeypatch):
    runtime = Growing(monkeypatch, 5_000, 7_000)
    assert load_measured(runtime, artifact, "known") == ("model 1", 5_000)
    assert runtime.known == "known"


@pytest.mark.parametrize("growth", [0, -5_000])
def test_a_model_takes_its_files_size_at_least(artifact, monkeypatch, growth):
    assert load_measured(Growing(monkeypatch, growth), artifact)[1] == 1_000


def test_a_model_that_brings_modules_is_measured_without_them(artifact, monkeypatch):
    runtime = Growing(monkeypatch, 80_000_000, 5_000, module="brought_by_a_test")
    assert load_measured(runtime, artifact) == ("model 2", 5_000)
    assert runtime.known == "found out"  # by the first load


def test_a_large_model_is_loaded_once_even_so(artifact, monkeypatch):
    monkeypatch.setattr(measured, "_LARGE_BYTES", 1_000)
    runtime = Growing(monkeypatch, 80_000_000, module="brought_by_a_test")
    assert load_measured(runtime, artifact) == ("model 1", 80_000_000)


class Failing:
    """A runtime that speaks of the folder in its own words, and as the system resolves it."""

    def __init__(self, kind):
        self.kind = kind

    def load(self, artifact, known=None):
        real = Path(artifact.path).resolve()
        raise self.kind(f"{artifact.path} and {real} cannot be read")


@pytest.mark.parametrize(
    ("kind", "begin"), [(ModelRuntimeError, ""), (RuntimeError, "RuntimeError: ")]
)
def test_files_of_a_remote_are_told_of_by_where_they_come_from(tmp_path, kind, begin):
    (tmp_path / "real").mkdir()
    folder = tmp_path / "link"
    folder.symlink_to("real")
    artifact = Artifact("m_1", "onnx", str(folder), str(folder / "a.onnx"), origin="s3:shelf")
    with pytest.raises(ModelRuntimeError) as caught:
        load_measured(Failing(kind), artifact)
    assert str(caught.value) == f"{begin}s3:shelf/a.onnx and s3:shelf/a.onnx cannot be read"
    assert caught.value.__suppress_context__
    with pytest.raises(kind, match=str(tmp_path)):
        load_measured(Failing(kind), replace(artifact, origin=""))


def test_memory_is_read_where_the_system_tells_it(tmp_path):
    assert resident_bytes() > 1_000_000
    assert resident_bytes(str(tmp_path / "statm")) == 0

"""The sample models: there, loadable, answering what Seldon Core's samples answer."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from seldon_core.agent.repository import open_artifact
from seldon_core.agent.runtimes import runtime_named
from seldon_core.errors import ConfigError
from seldon_core.resources.model import ModelSpec
from seldon_core.samples import write_samples

IRIS = np.array([[1, 2, 3, 4]], np.float32)
FOUR = np.array([1, 2, 3, 4], np.float32)
SIXTEEN = np.arange(16, dtype=np.int32)[None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


def loaded(folder, name):
    manifest = yaml.safe_load((folder / f"models/{name}.yaml").read_text())
    uri = (folder / "models" / manifest["spec"]["storageUri"]).resolve()
    artifact = open_artifact(f"{name}_1", ModelSpec(name, str(uri)), [folder])
    return runtime_named(artifact.runtime).load(artifact)


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("iris", [IRIS], {"predict": [[2]]}),
        ("iris2", [IRIS], {"predict": [[2]]}),
        ("iris3", [IRIS], {"predict": [[2]]}),
        ("iris-onnx", [IRIS], {"label": [[2]]}),
        ("add10", [FOUR], {"OUTPUT": [11, 12, 13, 14]}),
        ("mul10", [FOUR], {"OUTPUT": [10, 20, 30, 40]}),
        *(
            (
                f"tfsimple{number}",
                [SIXTEEN + 1, SIXTEEN],
                {"OUTPUT0": [list(range(1, 33, 2))], "OUTPUT1": [[1] * 16]},
            )
            for number in (1, 2, 3)
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_sample_answers(folder, name, inputs, outputs):
    model = loaded(folder, name)
    assert model.signature.default_outputs == tuple(outputs)
    answers = model.infer(inputs, tuple(outputs))
    assert [answer.tolist() for answer in answers] == list(outputs.values())


def test_both_iris_formats_agree_on_all_flowers(folder):
    rows = np.random.default_rng(0).uniform(0, 8, (200, 4)).astype(np.float32)
    (one,) = loaded(folder, "iris").infer([rows], ("predict",))
    (other,) = loaded(folder, "iris-onnx").infer([rows], ("label",))
    assert np.array_equal(one, other)
    assert set(one.ravel()) == {0, 1, 2}


def test_metadata_is_that_of_the_original_samples(folder):
    simple = loaded(folder, "tfsimple1").signature
    assert [(spec.name, spec.datatype, spec.shape) for spec in simple.inputs] == [
        ("INPUT0", "INT32", (-1, 16)),
        ("INPUT1", "INT32", (-1, 16)),
    ]
    assert simple.batchable
    iris = loaded(folder, "iris-onnx").signature
    assert [(spec.name, spec.datatype, spec.shape) for spec in iris.inputs] == [
        ("predict", "FP32", (-1, 4))
    ]
    assert iris.batchable


def test_manifests_require_what_the_original_samples_do(folder):
    manifests = [yaml.safe_load(path.read_text()) for path in (folder / "models").iterdir()]
    assert {m["metadata"]["name"]: m["spec"]["requirements"] for m in manifests} == {
        **{name: ["sklearn"] for name in ["iris", "iris2", "iris3"]},
        "iris-onnx": ["onnx"],
        **{name: ["tensorflow"] for name in ["tfsimple1", "tfsimple2", "tfsimple3"]},
        **{name: ["triton", "python"] for name in ["add10", "mul10"]},
    }
    assert {m["metadata"]["name"] for m in manifests if m["spec"].get("memory") == "100Ki"} == {
        "tfsimple1",
        "tfsimple2",
        "tfsimple3",
    }


def test_the_same_is_written_each_time(folder, tmp_path):
    written = write_samples(tmp_path)
    assert written == write_samples(tmp_path)
    names = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert {tmp_path / name for name in names if name.suffix == ".yaml"} == set(written)
    assert {Path(p).relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()} == names
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_missing_library_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"needs onnx, .*'seldon-core\[quickstart\]'"):
        write_samples(tmp_path)
    assert list(tmp_path.iterdir()) == []

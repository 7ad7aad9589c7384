"""Makes the sample models: small artifacts and manifests, by code, in seconds, always the same.

The libraries that make them are imported when they are needed: they are an extra.

    <folder>/artifacts/iris/model.joblib …     what is served
    <folder>/models/iris.yaml …                Model manifests; `storageUri` is relative to them

Names, tensors and requirements are those of Seldon Core's samples.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from seldon_core.errors import ConfigError

if TYPE_CHECKING:
    from onnx import ModelProto

_OPSET, _IR_VERSION = 13, 8  # what ONNX Runtime 1.18 and everything after reads
_IRIS_REGULARISATION = {"iris": 1.0, "iris2": 0.5, "iris3": 2.0}


def write_samples(folder: Path) -> list[Path]:
    """Write artifacts and manifests under `folder`; return the manifests.

    Files of the same names are overwritten. Raises ConfigError if the libraries are missing that
    make the models.
    """
    try:
        import onnx  # noqa: F401 - asked for here, used below
        import sklearn  # noqa: F401 - asked for here, used below
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"making the samples needs {error.name}, which is not installed: "
            "pip install 'seldon-core[quickstart]'"
        ) from error
    artifacts = folder / "artifacts"
    manifests = _write_iris(artifacts)
    for name in ("tfsimple1", "tfsimple2", "tfsimple3"):
        _write_onnx(artifacts / name / "1", _sum_and_difference())
        manifests.append(_manifest(name, ["tensorflow"], memory="100Ki"))
    for name, operator, operand in (("add10", "Add", 10.0), ("mul10", "Mul", 10.0)):
        _write_onnx(artifacts / name / "1", _with_constant(operator, operand))
        manifests.append(_manifest(name, ["triton", "python"]))
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    return [_write_manifest(models, manifest) for manifest in manifests]


def _write_iris(artifacts: Path) -> list[dict[str, Any]]:
    """Write three logistic regressions that answer 2 to [1, 2, 3, 4], and the first as ONNX."""
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    rows, species = load_iris(return_X_y=True)
    manifests = []
    for name, regularisation in _IRIS_REGULARISATION.items():
        classifier = LogisticRegression(C=regularisation, max_iter=1000).fit(rows, species)
        (artifacts / name).mkdir(parents=True, exist_ok=True)
        joblib.dump(classifier, artifacts / name / "model.joblib")
        manifests.append(_manifest(name, ["sklearn"]))
        if name == "iris":
            linear = _linear_classifier(classifier.coef_, classifier.intercept_)
            _write_onnx(artifacts / "iris-onnx", linear)
            manifests.append(_manifest("iris-onnx", ["onnx"]))
    return manifests


def _linear_classifier(coefficients: Any, intercepts: Any) -> "ModelProto":
    """Return `label` INT64 [-1,1], the class with the largest score, for `predict` FP32 [-1,4].

    Its output cannot be called `predict` as well: a name stands for one value in an ONNX graph.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    return _model(
        [
            helper.make_node("MatMul", ["predict", "coefficients"], ["products"]),
            helper.make_node("Add", ["products", "intercepts"], ["scores"]),
            helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=1),
        ],
        [helper.make_tensor_value_info("predict", TensorProto.FLOAT, ["rows", 4])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, ["rows", 1])],
        [
            numpy_helper.from_array(
                np.ascontiguousarray(coefficients.T, dtype=np.float32), "coefficients"
            ),
            numpy_helper.from_array(intercepts.astype(np.float32), "intercepts"),
        ],
    )


def _sum_and_difference() -> "ModelProto":
    """Return Triton's `simple`: INPUT0 + INPUT1 and INPUT0 - INPUT1, all INT32 [-1,16]."""
    from onnx import TensorProto, helper

    def tensor(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.INT32, ["rows", 16])

    inputs = ["INPUT0", "INPUT1"]
    return _model(
        [
            helper.make_node("Add", inputs, ["OUTPUT0"]),
            helper.make_node("Sub", inputs, ["OUTPUT1"]),
        ],
        [tensor(name) for name in inputs],
        [tensor("OUTPUT0"), tensor("OUTPUT1")],
    )


def _with_constant(operator: str, operand: float) -> "ModelProto":
    """Return OUTPUT = INPUT <operator> operand, both FP32 [4]."""
    from onnx import TensorProto, helper

    return _model(
        [helper.make_node(operator, ["INPUT", "operand"], ["OUTPUT"])],
        [helper.make_tensor_value_info("INPUT", TensorProto.FLOAT, [4])],
        [helper.make_tensor_value_info("OUTPUT", TensorProto.FLOAT, [4])],
        [helper.make_tensor("operand", TensorProto.FLOAT, [], [operand])],
    )


def _model(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: Sequence[Any] = (),
) -> "ModelProto":
    from onnx import checker, helper

    graph = helper.make_graph(nodes, "sample", inputs, outputs, list(constants))
    opset = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(
        graph, producer_name="seldon-core", opset_imports=opset, ir_version=_IR_VERSION
    )
    checker.check_model(model)
    return model


def _write_onnx(folder: Path, model: "ModelProto") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))


def _manifest(name: str, requirements: list[str], memory: str | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"storageUri": f"../artifacts/{name}", "requirements": requirements}
    if memory is not None:
        spec["memory"] = memory
    return {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Model",
        "metadata": {"name": name},
        "spec": spec,
    }


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> Path:
    path = folder / f"{manifest['metadata']['name']}.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False))
    return path

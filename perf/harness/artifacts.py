"""The models that are measured, made from code, the same artifacts for everyone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perf.harness.bodies import IMAGE

TRITON_MODEL = '''\
import numpy as np
import triton_python_backend_utils as triton


class TritonPythonModel:
    """Answers zeros: what crossing into the Python backend costs, without a model."""

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        rows = triton.get_input_tensor_by_name(request, "predict").as_numpy()
        zeros = np.zeros((len(rows), 1), np.int64)
        return triton.InferenceResponse([triton.Tensor("predict", zeros)])
'''
MLSERVER_CORNER = '''\
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Corner(MLModel):
    """Answers the first pixel of an image: what its way to the model costs, without a model."""

    async def load(self):
        return True

    async def predict(self, payload):
        image = NumpyCodec.decode_input(payload.inputs[0])
        output = NumpyCodec.encode_output("y", image[:, :, 0, 0])
        return InferenceResponse(model_name=self.name, outputs=[output])
'''
TRITON_CONFIG = """\
name: "iris"
backend: "python"
max_batch_size: 0
input [ { name: "predict" data_type: TYPE_FP32 dims: [ -1, 4 ] } ]
output [ { name: "predict" data_type: TYPE_INT64 dims: [ -1, 1 ] } ]
instance_group [ { count: 1 kind: KIND_CPU } ]
"""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Files below `folder`; `ours` is what our server is given as `--models`."""

    folder: Path

    @property
    def ours(self) -> Path:
        return self.folder / "ours"

    @property
    def neighbours(self) -> Path:
        """As `ours`, with a slow forest beside the ONNX model."""
        return self.folder / "neighbours"

    @property
    def one(self) -> Path:
        """For our server: iris on sklearn, and nothing else."""
        return self.folder / "one"

    @property
    def alone(self) -> Path:
        """For our server: iris on ONNX, and nothing else."""
        return self.folder / "alone"

    @property
    def empty(self) -> Path:
        return self.folder / "empty"

    @property
    def onnx(self) -> Path:
        return self.ours / "iris-onnx" / "model.onnx"

    @property
    def images(self) -> Path:
        """For our server: a model of images, and nothing else."""
        return self.folder / "images"

    @property
    def image_onnx(self) -> Path:
        return self.images / "corner" / "model.onnx"

    @property
    def image_mlserver(self) -> Path:
        """For MLServer: a folder with the same model in numpy, `corner.py`."""
        return self.folder / "corner"

    @property
    def sklearn(self) -> Path:
        return self.ours / "iris" / "model.joblib"

    @property
    def triton(self) -> Path:
        """A repository with one model, iris, on the Python backend."""
        return self.folder / "triton"

    def make(self) -> "Artifacts":
        """Train and write everything; a second or two."""
        import joblib
        from sklearn.datasets import load_iris
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression

        features, labels = load_iris(return_X_y=True)
        iris = LogisticRegression(max_iter=1000).fit(features, labels)
        forest = RandomForestClassifier(n_estimators=100, random_state=1).fit(features, labels)
        onnx_bytes = classifier_as_onnx(iris.coef_, iris.intercept_)
        self.empty.mkdir(parents=True)
        for name, model in [
            ("ours/iris", iris),
            ("one/iris", iris),
            ("neighbours/forest", forest),
        ]:
            folder = self._model_folder(name, "mlserver_sklearn.SKLearnModel", "model.joblib")
            joblib.dump(model, folder / "model.joblib")
        unbatched = self._model_folder(
            "ours/iris-unbatched", "mlserver_sklearn.SKLearnModel", "model.joblib", max_batch_size=1
        )
        joblib.dump(iris, unbatched / "model.joblib")
        for name in ("ours/iris-onnx", "neighbours/iris-onnx", "alone/iris-onnx"):
            folder = self.folder / name
            folder.mkdir(parents=True)
            (folder / "model.onnx").write_bytes(onnx_bytes)
        self.image_onnx.parent.mkdir(parents=True)
        self.image_onnx.write_bytes(corner_as_onnx())
        self.image_mlserver.mkdir()
        (self.image_mlserver / "corner.py").write_text(MLSERVER_CORNER)
        version = self.triton / "iris" / "1"
        version.mkdir(parents=True)
        (version / "model.py").write_text(TRITON_MODEL)
        (version.parent / "config.pbtxt").write_text(TRITON_CONFIG)
        return self

    def _model_folder(
        self, name: str, implementation: str, artifact: str, **settings: object
    ) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        content = {
            "name": folder.name,
            "implementation": implementation,
            "parameters": {"uri": f"./{artifact}"},
            **settings,
        }
        (folder / "model-settings.json").write_text(json.dumps(content))
        return folder


def classifier_as_onnx(coefficients: Any, intercepts: Any) -> bytes:
    """A linear classifier as ONNX: `predict` float32 (n, features) to `label` int64 (n, 1).

    `coefficients` is (classes, features), `intercepts` (classes).
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    features = coefficients.shape[1]
    weights = numpy_helper.from_array(coefficients.T.astype(np.float32), "weights")
    bias = numpy_helper.from_array(intercepts.astype(np.float32), "bias")
    nodes = [
        helper.make_node("Gemm", ["predict", "weights", "bias"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=1),
    ]
    graph = helper.make_graph(
        nodes,
        "iris",
        [helper.make_tensor_value_info("predict", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, ["n", 1])],
        [weights, bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    encoded: bytes = model.SerializeToString()
    return encoded


def corner_as_onnx() -> bytes:
    """The first pixel of an image as ONNX: `x` float32 (n, 3, 224, 224) to `y` float32 (n, 3)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    zero = numpy_helper.from_array(np.array(0, np.int64), "zero")
    nodes = [
        helper.make_node("Gather", ["x", "zero"], ["row"], axis=3),
        helper.make_node("Gather", ["row", "zero"], ["y"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "corner",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *IMAGE[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", IMAGE[1]])],
        [zero],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    encoded: bytes = model.SerializeToString()
    return encoded

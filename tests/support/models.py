"""Small model files for tests of what reads and runs them."""

import joblib
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from seldon_core.agent.runtimes.base import Artifact

FLOAT, INT64, STRING, HALF = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.FLOAT16,
)
node = helper.make_node
tensor = helper.make_tensor_value_info


def write_onnx(folder, nodes, inputs, outputs, constants=None):
    """Write a graph as `model.onnx`; return its Artifact."""
    graph = helper.make_graph(
        nodes,
        "test",
        inputs,
        outputs,
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return Artifact("m_1", "onnx", str(folder), str(path))


def write_joblib(folder, estimator, settings=None, name="model.joblib"):
    """Write an estimator; return its Artifact."""
    path = folder / name
    joblib.dump(estimator, path)
    return Artifact("m_1", "sklearn", str(folder), str(path), settings or {})

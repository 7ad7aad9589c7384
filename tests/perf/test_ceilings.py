import struct

import orjson
import pytest
from tritonclient.grpc import service_pb2 as pb

from perf.ceilings import grpc, rest
from perf.harness import bodies
from perf.harness.artifacts import Artifacts


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return Artifacts(tmp_path_factory.mktemp("artifacts")).make()


@pytest.mark.parametrize(("mode", "label"), [("json", 0), ("onnx", 2), ("sklearn", 2)])
def test_the_rest_ceiling_answers_with_what_its_mode_computes(mode, label, artifacts):
    model = {"onnx": artifacts.onnx, "sklearn": artifacts.sklearn}.get(mode, "")
    answer = rest.answer_for(mode, str(model))(bodies.IRIS_JSON.encode())
    (output,) = orjson.loads(answer)["outputs"]
    assert output == {"name": "predict", "datatype": "INT64", "shape": [1, 1], "data": [label]}


def test_the_echo_of_the_rest_ceiling_ignores_the_body():
    assert rest.answer_for("echo", "")(b"anything") == b"{}"


@pytest.mark.parametrize(("mode", "label"), [("echo", 0), ("parse", 0), ("onnx", 2)])
def test_the_grpc_ceiling_answers_with_what_its_mode_computes(mode, label, artifacts):
    answer = grpc.answer_for(mode, str(artifacts.onnx))(bodies.iris_message("iris"))
    response = pb.ModelInferResponse.FromString(answer)
    assert response.model_name == "iris"
    assert response.raw_output_contents[0] == struct.pack("<q", label)


def test_our_models_lie_where_the_server_finds_them(artifacts):
    found = sorted(str(path.relative_to(artifacts.folder)) for path in artifacts.ours.glob("*/*"))
    assert found == [
        "ours/iris-onnx/model.onnx",
        "ours/iris-unbatched/model-settings.json",
        "ours/iris-unbatched/model.joblib",
        "ours/iris/model-settings.json",
        "ours/iris/model.joblib",
    ]

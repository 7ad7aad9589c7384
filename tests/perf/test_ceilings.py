import struct

import orjson
import pytest
from tritonclient.grpc import service_pb2 as pb

from perf.ceilings import grpc, one_buffer, rest
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


class Written(list[bytes]):
    """A transport that keeps what is written."""

    def write(self, data):
        self.append(data)


def receive(protocol, data, step):
    """Have `protocol` receive `data`, at most `step` bytes at a time."""
    while data:
        buffer = protocol.get_buffer(-1)
        nbytes = min(len(buffer), step, len(data))
        buffer[:nbytes] = data[:nbytes]
        protocol.buffer_updated(nbytes)
        data = data[nbytes:]


@pytest.mark.parametrize("step", [1 << 20, 50_000, 1000])
def test_the_ceiling_for_images_answers_each_post(step, artifacts):
    body, headers = bodies.image_binary()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST / HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode()
    written = Written()
    protocol = one_buffer.Binary(rest.predict_with_onnx(str(artifacts.image_onnx)))
    protocol.connection_made(written)
    for _ in range(2):
        receive(protocol, head + body, step)
    assert len(written) == 2
    assert written[0].endswith(b"\r\n\r\n" + bodies.image()[:, :, 0, 0].tobytes())


@pytest.mark.parametrize("step", [1 << 20, 50_000, 1000])
def test_the_ceiling_for_images_answers_each_call(step, artifacts):
    message = bodies.framed(bodies.image_message("corner"))
    written = Written()
    protocol = one_buffer.Grpc(rest.predict_with_onnx(str(artifacts.image_onnx)))
    protocol.connection_made(written)
    opened = len(written)
    sent = one_buffer.PREFACE + one_buffer.frame(one_buffer.SETTINGS, 0, 0, b"")
    for stream in (1, 3):
        sent += one_buffer.frame(one_buffer.HEADERS, one_buffer.END_HEADERS, stream, b"\x88")
        for at in range(0, len(message), 16_384):
            piece = message[at : at + 16_384]
            is_last = at + len(piece) == len(message)
            sent += one_buffer.frame(one_buffer.DATA, int(is_last), stream, piece)
    sent += one_buffer.frame(one_buffer.PING, 0, 0, b"12345678")
    receive(protocol, sent, step)
    acknowledged, first, second, pong = written[opened:]
    assert acknowledged == one_buffer.frame(one_buffer.SETTINGS, one_buffer.ACK, 0, b"")
    assert pong == one_buffer.frame(one_buffer.PING, one_buffer.ACK, 0, b"12345678")
    pixel = bodies.image()[:, :, 0, 0].tobytes()
    for answer in (first, second):
        (start,) = (at for at in range(len(answer)) if answer.startswith(pixel, at))
        message = answer[start - 2 : start + len(pixel)]
        assert pb.ModelInferResponse.FromString(message).raw_output_contents[0] == pixel

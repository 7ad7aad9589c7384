import json

import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as pb

from perf.harness import bodies


def test_the_message_has_its_contents_raw():
    request = pb.ModelInferRequest.FromString(bodies.iris_message("iris"))
    assert request.model_name == "iris"
    assert list(request.inputs[0].shape) == [1, 4]
    assert len(request.raw_input_contents[0]) == 16


def test_a_framed_message_is_preceded_by_no_compression_and_its_length():
    assert bodies.framed(b"abc") == b"\0\0\0\0\x03abc"


def test_pipelined_requests_are_whole_requests_in_a_row():
    twice = bodies.pipelined_requests("/v2/models/iris/infer", bodies.IRIS_JSON, 2)
    head, _, rest = twice.partition(b"\r\n\r\n")
    length = int(head.rpartition(b": ")[2])
    assert json.loads(rest[:length]) == json.loads(bodies.IRIS_JSON)
    assert rest[length:].startswith(b"POST /v2/models/iris/infer HTTP/1.1\r\n")


def test_a_quote_in_the_body_does_not_end_the_scripts_string(tmp_path):
    script = bodies.wrk_script(tmp_path, '{"a":"it\'s \\n"}').read_text()
    assert 'wrk.body = \'{"a":"it\\\'s \\\\n"}\'' in script


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_an_image_as_json_has_the_numbers_of_the_image(nested):
    (item,) = json.loads(bodies.image_json(nested=nested))["inputs"]
    data = np.array(item["data"], "<f4")
    assert data.shape == (bodies.IMAGE if nested else (bodies.image().size,))
    assert (data.ravel() == bodies.image().ravel()).all()


def test_an_image_as_bytes_lies_behind_its_head():
    body, headers = bodies.image_binary()
    length = int(headers["inference-header-content-length"])
    head = json.loads(body[:length])
    assert head["inputs"][0]["parameters"] == {"binary_data_size": len(body) - length}
    assert body[length:] == bodies.image().tobytes()


def test_a_script_posts_a_file_of_any_bytes(tmp_path):
    script = bodies.wrk_script_of(tmp_path, b"\0'\"\\\n", {"a": "b"}).read_text()
    assert (tmp_path / "body").read_bytes() == b"\0'\"\\\n"
    assert f'io.open("{tmp_path}/body", "rb")' in script
    assert 'wrk.headers["a"] = "b"\n' in script

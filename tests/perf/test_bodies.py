import json

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

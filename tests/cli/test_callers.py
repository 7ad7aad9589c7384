import json

import grpc
import pytest

from seldon_core.cli.callers import GrpcCaller, RestCaller, read_metadata
from seldon_core.errors import UpstreamError
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.transport.endpoints import Endpoint
from seldon_core.transport.grpc_client import open_grpc
from seldon_core.transport.rest_client import RestClient
from tests.support.http_peer import http_peer
from tests.support.scheduler_peer import inference_peer

BODY = '{"inputs":[]}'
ROUTED = [("x-seldon-route", ":iris_1:"), ("x-seldon-route", ":p.pipeline:")]


@pytest.fixture
def peer():
    with http_peer() as started:
        yield started


def rest(peer, *headers, name="iris", shows_headers=False):
    client = RestClient(Endpoint(peer.address))
    return RestCaller(client, name, BODY, headers, shows_headers=shows_headers)


def test_rest_posts_the_payload_as_typed_to_the_model(peer):
    peer.answers = [(200, ROUTED, b'{"model_name":"iris_1"}')]
    outcome = rest(peer, name="e.experiment").call([":iris_1:", ":iris2_1:"])
    method, path, headers, body = peer.requests[0]
    assert (method, path, body.decode()) == ("POST", "/v2/models/e.experiment/infer", BODY)
    assert headers["content-type"] == "application/json"
    assert headers["seldon-model"] == "e.experiment"
    assert headers.get_all("x-seldon-route") == [":iris_1:", ":iris2_1:"]
    assert outcome.text == '{\n\t"model_name": "iris_1"\n}'
    assert (outcome.routes, outcome.code, outcome.error) == (
        (":iris_1:", ":p.pipeline:"),
        200,
        None,
    )


def test_bytes_that_are_no_text_are_sent_as_they_were_typed(peer):
    client = RestClient(Endpoint(peer.address))
    RestCaller(client, "iris", "a\udcff", [], shows_headers=False).call([])
    assert peer.requests[0][3] == b"a\xff"


def test_a_header_of_the_user_replaces_ours(peer):
    rest(peer, ("content-type", "text/plain"), ("x-a", "1")).call([])
    headers = peer.requests[0][2]
    assert headers.get_all("content-type") == ["text/plain"]
    assert headers["x-a"] == "1"
    assert headers["seldon-model"] == "iris"


def test_a_name_cannot_leave_its_place_in_the_path(peer):
    rest(peer, name="../a b?").call([])
    assert peer.requests[0][1] == "/v2/models/..%2Fa%20b%3F/infer"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, '{"error":"wrong shape"}', "wrong shape"),
        (400, "tfsimple1 : rpc error", "V2 server error: 400 tfsimple1 : rpc error"),
        (400, '{"detail":"x"}', 'V2 server error: 400 {"detail":"x"}'),
        (400, '["x"]', 'V2 server error: 400 ["x"]'),
        (404, '{"error":"x"}', 'V2 server error: 404 {"error":"x"}'),
        (503, "", "V2 server error: 503 "),
    ],
    ids=["protocol", "text", "other object", "list", "other status", "empty"],
)
def test_rest_errors_read_as_those_of_seldons_tool(peer, status, body, words):
    peer.answers = [(status, [], body.encode())]
    outcome = rest(peer).call([])
    assert (outcome.code, outcome.text) == (status, "")
    assert str(outcome.error) == words


def test_headers_of_rest_are_shown_as_go_writes_them(peer, capsys):
    peer.answers = [(200, [*ROUTED, ("x-request-id", "r1")], b"plain")]
    outcome = rest(peer, shows_headers=True).call([":a:"])
    assert capsys.readouterr().out.splitlines() == [
        "> POST /v2/models/iris/infer HTTP/1.1",
        f"> Host: {peer.address}",
        "> Content-Type:[application/json]",
        "> Seldon-Model:[iris]",
        "> X-Seldon-Route:[:a:]",
        "",
        "< X-Seldon-Route:[:iris_1: :p.pipeline:]",
        "< X-Request-Id:[r1]",
        "< Content-Length:[5]",
        "",
    ]
    assert outcome.text == "plain"


def test_the_request_of_rest_is_shown_indented(peer, capsys):
    rest(peer).show_request()
    assert capsys.readouterr().out == '{\n\t"inputs": []\n}\n'


def test_metadata_is_asked_for_with_the_selector(peer):
    peer.answers = [(200, [], b'{"name":"iris"}')]
    assert read_metadata(RestClient(Endpoint(peer.address)), "iris") == '{\n\t"name": "iris"\n}'
    method, path, headers, _ = peer.requests[0]
    assert (method, path, headers["seldon-model"]) == ("GET", "/v2/models/iris", "iris")


def test_metadata_of_an_unknown_model_is_an_error(peer):
    peer.answers = [(404, [], b"no such model")]
    with pytest.raises(UpstreamError, match="V2 server error: 404 no such model"):
        read_metadata(RestClient(Endpoint(peer.address)), "iris")


class Model:
    """Answers ModelInfer; keeps the metadata that came."""

    def __init__(self):
        self.metadata = []

    def __call__(self, request, context):
        self.metadata = context.invocation_metadata()
        context.send_initial_metadata([("x-seldon-route", ":iris_1:")])
        context.set_trailing_metadata([("took", "long")])
        if request.id == "bad":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "wrong shape")
        return pb.ModelInferResponse(
            model_name="iris_1",
            outputs=[{"name": "y", "datatype": "INT64", "shape": [1]}],
            raw_output_contents=[b"\x02" + b"\0" * 7],
        )


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def client(model):
    with inference_peer(model) as address, open_grpc(Endpoint(address)) as opened:
        yield opened


REQUEST = pb.ModelInferRequest(model_name="iris")


def test_grpc_shows_the_answer_decoded_on_one_line(client, model):
    caller = GrpcCaller(client, "iris", REQUEST, [("X-A", "1")], shows_headers=False)
    outcome = caller.call([":iris_1:", ":iris_2:"])
    assert json.loads(outcome.text) == {
        "modelName": "iris_1",
        "outputs": [
            {"name": "y", "datatype": "INT64", "shape": ["1"], "contents": {"int64Contents": ["2"]}}
        ],
    }
    assert (outcome.routes, outcome.code, outcome.error) == ((":iris_1:",), 0, None)
    sent = [(key, value) for key, value in model.metadata if not key.startswith(("user", "grpc"))]
    assert sent == [
        ("seldon-model", "iris"),
        ("x-a", "1"),
        ("x-seldon-route", ":iris_1:"),
        ("x-seldon-route", ":iris_2:"),
    ]


def test_a_grpc_error_has_its_code_and_the_route(client):
    bad = pb.ModelInferRequest(model_name="iris", id="bad")
    outcome = GrpcCaller(client, "iris", bad, [], shows_headers=False).call([])
    assert outcome.code == 3
    assert outcome.routes == (":iris_1:",)
    assert str(outcome.error) == "rpc error: code = InvalidArgument desc = wrong shape"


def test_headers_and_trailers_of_grpc_are_shown(client, capsys):
    GrpcCaller(client, "iris", REQUEST, [], shows_headers=True).call([])
    assert capsys.readouterr().out.splitlines() == [
        "> /inference.GRPCInferenceService/ModelInfer HTTP/2",
        f"> Host: {client.host}",
        "> seldon-model:[iris]",
        "",
        "< x-seldon-route:[:iris_1:]",
        "<< took:[long]",
        "",
    ]


def test_the_request_of_grpc_is_shown_as_json(client, capsys):
    GrpcCaller(client, "iris", REQUEST, [], shows_headers=False).show_request()
    assert json.loads(capsys.readouterr().out) == {"modelName": "iris"}

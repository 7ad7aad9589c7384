import io
import json
import sys

import pytest

from seldon_core.cli.infer import InferOptions, infer, show_metadata
from seldon_core.cli.session import keep_session, read_session
from seldon_core.errors import ConfigError, InvalidRequestError, UpstreamError
from seldon_core.proto import open_inference_pb2 as pb
from tests.support.http_peer import http_peer
from tests.support.scheduler_peer import inference_peer

BODY = '{"inputs":[]}'
FIRST = (200, [("x-seldon-route", ":iris_1:")], b'{"id":"one"}')
SECOND = (200, [("x-seldon-route", ":iris_2:")], b'{"id":"two"}')
FAILED = (503, [("x-seldon-route", ":iris_2:")], b"busy")
NO_HEADERS: list[tuple[str, str]] = []
UNROUTED = (404, NO_HEADERS, b"gone")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def peer():
    with http_peer() as started:
        yield started


def call(peer, data=BODY, file=None, **options):
    infer("iris", data, file, InferOptions(host=peer.address, **options))


def test_one_call_prints_the_answer_and_keeps_its_route(peer, capsys):
    peer.answers = [FIRST]
    call(peer)
    assert capsys.readouterr().out == '{\n\t"id": "one"\n}\n'
    assert read_session() == [":iris_1:"]


def test_the_answer_is_not_printed_if_it_is_not_wanted(peer, capsys):
    call(peer, shows_response=False)
    assert capsys.readouterr().out == ""
    assert len(peer.requests) == 1


def test_the_request_is_printed_if_it_is_wanted(peer, capsys):
    call(peer, shows_request=True, shows_response=False)
    assert capsys.readouterr().out == '{\n\t"inputs": []\n}\n'


def test_a_sticky_call_sends_the_route_that_was_kept(peer):
    keep_session([":iris_1:", ":iris_2:"])
    call(peer, is_sticky=True)
    assert peer.requests[0][2].get_all("x-seldon-route") == [":iris_1:", ":iris_2:"]


def test_a_sticky_call_without_a_session_is_refused(peer):
    with pytest.raises(ConfigError, match="there is no session"):
        call(peer, is_sticky=True)
    assert peer.requests == []


def test_a_call_that_fails_is_raised_and_keeps_nothing(peer):
    peer.answers = [FAILED]
    with pytest.raises(UpstreamError, match="V2 server error: 503 busy"):
        call(peer)
    with pytest.raises(ConfigError, match="there is no session"):
        read_session()


def test_the_routes_of_several_calls_are_counted_in_order(peer, capsys):
    peer.answers = [SECOND, FIRST, SECOND]
    call(peer, iterations=4)
    assert capsys.readouterr().out == "Success: map[:iris_1::1 :iris_2::3]\n"


def test_every_value_of_a_repeated_route_counts(peer, capsys):
    routes = [("x-seldon-route", ":add10_1:"), ("x-seldon-route", ":p.pipeline:")]
    peer.answers = [(200, routes, b"{}")]
    call(peer, iterations=2)
    assert capsys.readouterr().out == "Success: map[:add10_1::2 :p.pipeline::2]\n"


def test_failures_are_counted_by_route_and_code(peer, capsys):
    timeout = (504, FAILED[1], b"")
    peer.answers = [FAILED, timeout, UNROUTED, FIRST, FAILED]
    call(peer, iterations=5)
    assert capsys.readouterr().out.splitlines() == [
        "Success: map[:iris_1::1]",
        "Errors: map[:map[404:1] :iris_2::map[503:2 504:1]]",
    ]


def test_sticky_calls_follow_each_other(peer):
    keep_session([":iris_2:"])
    peer.answers = [FIRST]
    call(peer, is_sticky=True, iterations=2)
    assert [request[2]["x-seldon-route"] for request in peer.requests] == [":iris_2:", ":iris_1:"]


def test_seconds_go_before_iterations(peer, capsys):
    peer.answers = [FIRST]
    ticks = iter([0.0, 0.0, 1.0, 2.5, 3.0])
    options = InferOptions(host=peer.address, seconds=3, iterations=1)
    infer("iris", BODY, None, options, now=lambda: next(ticks))
    assert capsys.readouterr().out == "Success: map[:iris_1::3]\n"


def test_what_was_counted_is_printed_when_the_server_goes_away(peer, capsys):
    peer.answers = [FIRST, (0, [], b"")]
    with pytest.raises(UpstreamError, match="did not answer"):
        call(peer, iterations=5)
    assert capsys.readouterr().out == "Success: map[:iris_1::1]\n"


def test_the_payload_may_be_in_a_file_or_on_standard_input(peer, home, monkeypatch):
    (home / "request.json").write_text(BODY)
    call(peer, None, str(home / "request.json"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("piped"))
    call(peer, None, "-")
    assert [request[3] for request in peer.requests] == [BODY.encode(), b"piped"]


@pytest.mark.parametrize(
    ("data", "file", "options", "words"),
    [
        (None, None, {}, "a payload is needed"),
        (BODY, "f", {}, "both a payload and -f f are given"),
        (BODY, None, {"headers": ("a",)}, "Badly formed header a: use key=val"),
        (BODY, None, {"headers": ("=a",)}, "Badly formed header =a: use key=val"),
        (BODY, None, {"headers": ("a b=c",)}, "Badly formed header a b=c: use key=val"),
        (
            BODY,
            None,
            {"headers": ("Host=a",)},
            "Setting Host via headers is not supported, please use '--authority' instead",
        ),
        (BODY, None, {"headers": (":authority=a",)}, "Setting :authority via headers"),
        (BODY, None, {"mode": "soap"}, "Unknown infer mode soap"),
        (BODY, None, {"iterations": 0}, "--iterations 0: at least one call"),
        ("{", None, {"mode": "grpc"}, "the payload is not JSON"),
    ],
    ids=[
        "no payload",
        "two payloads",
        "no value",
        "no name",
        "two words",
        "host",
        "authority",
        "mode",
        "no call",
        "not JSON",
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(peer, data, file, options, words):
    with pytest.raises(InvalidRequestError, match=words):
        call(peer, data, file, **options)
    assert peer.requests == []


def test_headers_are_sent_and_shown(peer, capsys):
    call(peer, headers=("x-a=b=c",), shows_headers=True, authority="a.example")
    assert peer.requests[0][2]["x-a"] == "b=c"
    assert peer.requests[0][2]["host"] == "a.example"
    out = capsys.readouterr().out
    assert "> Host: a.example\n" in out
    assert "> X-A:[b=c]\n" in out


def test_grpc_calls_the_model_that_is_named(capsys):
    def answer(request, context):
        return pb.ModelInferResponse(model_name=f"{request.model_name}_1", id=request.id)

    with inference_peer(answer) as address:
        options = InferOptions(mode="grpc", host=address)
        infer("iris", '{"model_name":"x","id":"r"}', None, options)
        assert json.loads(capsys.readouterr().out) == {"modelName": "iris_1", "id": "r"}
        infer("iris", "{}", None, InferOptions(mode="grpc", host=address, iterations=3))
        assert capsys.readouterr().out == "Success: map[]\n"


def test_metadata_is_printed_indented(peer, capsys):
    peer.answers = [(200, [], b'{"name":"iris"}')]
    show_metadata("iris", peer.address, "a.example")
    assert capsys.readouterr().out == '{\n\t"name": "iris"\n}\n'
    assert peer.requests[0][2]["host"] == "a.example"

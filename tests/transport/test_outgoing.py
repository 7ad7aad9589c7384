import json

import pytest

from seldon_core.transport.exchange import HttpAnswer
from seldon_core.transport.outgoing import (
    clean,
    http_outgoing,
    refuse_call,
    refuse_request,
    rpc_outgoing,
)
from seldon_core.transport.rpc import RpcAnswer

MINE = {b"x-request-id": b"mine"}


def test_a_small_message_is_framed_in_one_part():
    answer = rpc_outgoing(RpcAnswer(0, "", [(b"x-a", b"1")], [(b"x-b", b"2")], [b"ab", b"c"]))
    assert answer.headers[-1] == (b"x-a", b"1")
    assert answer.parts == [b"\0\0\0\0\3abc"]
    assert answer.trailers == [(b"grpc-status", b"0"), (b"x-b", b"2")]


def test_a_large_message_is_not_joined():
    large = memoryview(bytes(20_000))
    parts = rpc_outgoing(RpcAnswer(0, "", [], [], [large])).parts
    assert parts == [b"\0" + (20_000).to_bytes(4, "big"), large]
    assert parts[1] is large


def test_a_failed_call_is_trailers_only_with_an_escaped_message():
    answer = rpc_outgoing(RpcAnswer(5, "no ä\n", trailers=[(b"x-b", b"2")]))
    assert (answer.parts, answer.trailers) == (None, None)
    assert answer.headers[2:] == [
        (b"grpc-status", b"5"),
        (b"grpc-message", b"no %C3%A4%0A"),
        (b"x-b", b"2"),
    ]


def test_a_refused_call_names_the_encodings_and_returns_the_calls_id():
    headers = dict(refuse_call(MINE, 8, "no room").headers)
    assert headers[b"grpc-status"] == b"8"
    assert headers[b"grpc-message"] == b"no room"
    assert headers[b"grpc-accept-encoding"] == b"identity,gzip,deflate"
    assert headers[b"x-request-id"] == b"mine"


def test_a_refused_request_has_the_protocols_body_and_the_requests_id():
    answer = refuse_request(MINE, 503, "no room", 1)
    headers = dict(answer.headers)
    assert headers[b":status"] == b"503"
    assert headers[b"retry-after"] == b"1"
    assert headers[b"x-request-id"] == b"mine"
    assert json.loads(b"".join(answer.parts)) == {"error": "no room"}


@pytest.mark.parametrize(
    ("answer", "is_head", "length", "has_body"),
    [
        (HttpAnswer(200, [], [b"ab", b"c"]), False, b"3", True),
        (HttpAnswer(200, [], [b"ab", b"c"]), True, b"3", False),
        (HttpAnswer(400, []), False, b"0", False),
        (HttpAnswer(204, []), False, None, False),
    ],
    ids=["body", "head", "empty", "no content"],
)
def test_the_length_is_said_also_without_a_body(answer, is_head, length, has_body):
    outgoing = http_outgoing(answer, is_head)
    assert dict(outgoing.headers).get(b"content-length") == length
    assert (outgoing.parts is not None) == has_body


def test_what_http2_forbids_is_left_out():
    sent = [(b"Connection", b"close"), (b"X-Kept", b"yes"), (b"Content-Length", b"9")]
    headers = http_outgoing(HttpAnswer(204, sent)).headers
    assert headers == [(b":status", b"204"), (b"x-kept", b"yes")]


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [(b"a b", b"a b"), (b" a\t", b"a"), (b"a\r\nb", b"a  b"), (b"a\0b", b"a b"), (b"", b"")],
    ids=["plain", "blank ends", "line end", "zero byte", "empty"],
)
def test_values_that_a_peer_would_reset_for_are_cleaned(value, cleaned):
    assert clean([(b"x", value)]) == [(b"x", cleaned)]

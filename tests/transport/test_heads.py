from time import thread_time

import pytest

from seldon_core.transport.heads import read_head
from seldon_core.transport.settings import ListenerSettings
from tests.support.http2_peer import call_headers, request_headers

SETTINGS = ListenerSettings()
GZIP = (b"grpc-encoding", b"gzip")


def test_a_block_is_taken_apart():
    block = [*call_headers((b"x-a", b"1"), (b"x-a", b"2"), (b"grpc-timeout", b"2S"), GZIP)]
    head = read_head(block, SETTINGS)
    assert head.is_grpc
    assert (head.timeout_s, head.window_bits, head.refusal, head.excess) == (2.0, 31, None, "")
    assert head.headers[b"x-a"] == b"1,2"
    assert b":path" not in head.headers
    assert not read_head(request_headers(b"GET", b"/v2"), SETTINGS).is_grpc


@pytest.mark.parametrize(
    ("more", "host"),
    [((), b"server"), ((b"host", b"server"), b"server"), ((b"host", b"b"), b"server,b")],
    ids=["authority", "both the same", "both"],
)
def test_the_authority_is_the_host(more, host):
    block = request_headers(b"GET", b"/", *([more] if more else []))
    assert read_head(block, SETTINGS).headers[b"host"] == host


def test_a_head_that_is_too_large_keeps_one_value_of_each_name():
    block = request_headers(b"GET", b"/", *[(b"a", b"b" * 4000)] * 40)
    head = read_head(block, SETTINGS)
    assert head.excess
    assert head.headers[b"a"] == b"b" * 4000


def test_a_head_that_repeats_long_values_is_read_in_a_time_that_grows_with_it():
    settings = ListenerSettings(header_bytes=1 << 30, header_count=1 << 20)

    def seconds(number):
        block = request_headers(b"GET", b"/", *[(b"a", b"b" * 4000)] * number)
        best = float("inf")
        for _ in range(5):
            began = thread_time()
            head = read_head(block, settings)
            best = min(best, thread_time() - began)
        assert len(head.headers[b"a"]) == 4001 * number - 1
        return best

    # Four times as many take four times as long, not sixteen times.
    assert seconds(4096) < 10 * seconds(1024)


@pytest.mark.parametrize(
    ("block", "is_plain"),
    [
        (request_headers(b"GET", b"/v2"), True),
        (request_headers(b"POST", b"/p", (b"content-type", b"application/json")), True),
        (request_headers(b"POST", b"/p", (b"content-type", b"application/grpc-web")), False),
        (request_headers(b"POST", b"/p", (b"x-long", b"x" * 70_000)), False),
        (request_headers(b"CONNECT", b"/"), False),
    ],
    ids=["get", "post", "a dialect of gRPC", "too large", "tunnel"],
)
def test_a_head_that_refuses_its_request_is_not_plain(block, is_plain):
    assert read_head(block, SETTINGS).is_plain is is_plain


def test_a_head_says_how_long_the_body_is():
    assert (
        read_head(request_headers(b"POST", b"/p", (b"content-length", b"12")), SETTINGS).length
        == 12
    )
    assert read_head(request_headers(b"POST", b"/p"), SETTINGS).length is None

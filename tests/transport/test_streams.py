import asyncio

import pytest

from tests.support.http2_peer import call_headers, framed, request_headers
from tests.support.one_stream import OneStream, asked

MINE = (b"x-request-id", b"mine")


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ([(b"x-%d" % n, b"1") for n in range(101)], b"100 headers"),
        ([(b"x-long", b"x" * 70_000)], b"65536 bytes"),
    ],
    ids=["many", "long"],
)
def test_a_head_above_its_limits_is_answered(extra, text):
    headers, body = asked(request_headers(b"GET", b"/v2", *extra))
    assert headers[b":status"] == b"431"
    assert text in body
    headers, _ = asked(call_headers(*extra), framed(b"x"))
    assert headers[b"grpc-status"] == b"8"
    assert text in headers[b"grpc-message"]


def test_every_refusal_returns_the_id_of_its_request():
    async def main():
        for block in (call_headers(MINE), request_headers(b"POST", b"/p", MINE)):
            stream = OneStream(block).stream
            outgoing = [stream.expire(), stream.fail()]
            stream.has_ended = True
            outgoing.append(stream.expire())
            assert {dict(each.headers)[b"x-request-id"] for each in outgoing} == {b"mine"}

    asyncio.run(main())


def test_who_waits_is_counted_until_released():
    async def main():
        world = OneStream(call_headers())
        assert world.stream.receive(framed(b"abc")) is None
        assert world.budget.used == 0
        world.stream.wait(lambda: None)
        assert world.budget.used == 3
        world.stream.cancel()
        assert world.budget.used == 0

    asyncio.run(main())


def test_a_stream_that_has_its_head_from_another_has_its_own_id():
    async def main():
        for block in (call_headers(MINE), request_headers(b"POST", b"/p", MINE)):
            stream = OneStream(block).stream
            stream.request_id = b"other"
            assert stream.headers()[b"x-request-id"] == b"other"
            assert stream.head.headers[b"x-request-id"] == b"mine"
            assert dict(stream.fail().headers)[b"x-request-id"] == b"other"
            assert stream.name() == "other"

    asyncio.run(main())


def test_a_stream_without_an_id_keeps_the_one_it_is_named_by():
    async def main():
        stream = OneStream(request_headers(b"POST", b"/p")).stream
        name = stream.name()
        assert dict(stream.fail().headers)[b"x-request-id"].decode() == name == stream.name()

    asyncio.run(main())

import asyncio
import gzip
import zlib
from time import perf_counter

import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from seldon_core.transport.streams import HttpStream, RpcStream, read_head
from tests.support.http2_peer import (
    EchoHttp,
    EchoRpc,
    call_headers,
    framed,
    request_headers,
)

SETTINGS = ListenerSettings()
MINE = (b"x-request-id", b"mine")


class World:
    """What streams share, and one stream opened on it."""

    def __init__(self, block, **changes):
        self.settings = ListenerSettings(**changes)
        self.budget = InFlightBytes(self.settings.in_flight_bytes)
        self.rpc, self.http = EchoRpc(), EchoHttp()
        self.shared = Shared(
            asyncio.get_running_loop(), self.settings, self.http, self.rpc, self.budget
        )
        head = read_head(block, self.settings)
        if head.is_grpc:
            self.stream = RpcStream(1, head, self.shared, 0.0, self.rpc)
        else:
            self.stream = HttpStream(1, head, self.shared, 0.0, self.http)

    async def send(self, *pieces):
        """Open the stream, give it pieces; return the refusal or the answer."""
        refusal = self.stream.open()
        for piece in pieces:
            refusal = refusal or self.stream.receive(piece)
        return refusal or await self.stream.answer()


def asked(block, *pieces, **changes):
    """What comes of one stream: the headers, the parts joined, and what stays in the budget."""

    async def main():
        world = World(block, **changes)
        outgoing = await world.send(*pieces)
        world.stream.release()
        assert world.budget.used == 0
        return dict(outgoing.headers), b"".join(outgoing.parts or ())

    return asyncio.run(main())


def packed(message, flag=1):
    return framed(gzip.compress(message), flag)


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
            stream = World(block).stream
            outgoing = [stream.expire(), stream.fail()]
            stream.has_ended = True
            outgoing.append(stream.expire())
            assert {dict(each.headers)[b"x-request-id"] for each in outgoing} == {b"mine"}

    asyncio.run(main())


@pytest.mark.parametrize(
    ("extra", "has_ended", "text"),
    [
        ([(b"grpc-timeout", b"1S")], True, b"the deadline of the call has passed"),
        ([], True, b"no answer within 600 s"),
        ([], False, b"the rest of the message did not come in time"),
    ],
    ids=["the caller's", "ours", "a message that stops"],
)
def test_a_call_is_told_which_time_has_passed(extra, has_ended, text):
    async def main():
        stream = World(call_headers(*extra)).stream
        stream.has_ended = has_ended
        headers = dict(stream.expire().headers)
        assert (headers[b"grpc-status"], headers[b"grpc-message"]) == (b"4", text)

    asyncio.run(main())


def test_whose_fault_it_was_that_time_passed_is_told_apart():
    async def main():
        stream = World(request_headers(b"POST", b"/p")).stream
        assert stream.expire().headers[0] == (b":status", b"408")
        stream.has_ended = True
        assert stream.expire().headers[0] == (b":status", b"504")

    asyncio.run(main())


@pytest.mark.parametrize("size", [0, 5, 300_000, 2_000_000])
def test_a_compressed_message_is_decompressed(size):
    headers, body = asked(call_headers(GZIP), packed(bytes(size)), gzip_ratio=10_000)
    assert headers[b":status"] == b"200"
    assert body == framed(bytes(size))


def test_deflate_is_zlibs():
    block = call_headers((b"grpc-encoding", b"deflate"))
    assert asked(block, framed(zlib.compress(b"text"), 1))[1] == framed(b"text")


@pytest.mark.parametrize(
    ("piece", "changes", "code", "text"),
    [
        (framed(b"no gzip", 1), {}, b"13", b"not compressed as its headers say"),
        (framed(gzip.compress(b"text")[:-9], 1), {}, b"13", b"cut off"),
        (framed(b"", 1), {}, b"13", b"cut off"),
        (packed(bytes(5_000_000)), {}, b"8", b"100 times"),
        (packed(bytes(20_000)), {"body_bytes": 10_000}, b"8", b"10000 bytes"),
        (packed(bytes(20_000)), {"in_flight_bytes": 10_000}, b"8", b"in flight"),
    ],
    ids=["not gzip", "cut off", "empty", "bomb", "above the limit", "no room"],
)
def test_a_message_that_does_not_decompress_is_refused(piece, changes, code, text):
    headers, _ = asked(call_headers(GZIP), piece, **changes)
    assert headers[b"grpc-status"] == code
    assert text in headers[b"grpc-message"]


def test_others_have_their_turn_while_a_message_is_decompressed():
    async def main():
        world = World(call_headers(GZIP), gzip_ratio=10_000)
        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.get_running_loop().create_task(count())
        await world.send(packed(bytes(4 << 20)))
        counting.cancel()
        assert turns >= 8

    asyncio.run(main())


def test_a_call_that_is_cancelled_while_it_is_decompressed_gives_everything_back():
    async def main():
        world = World(call_headers(GZIP), gzip_ratio=10_000)
        task = asyncio.get_running_loop().create_task(world.send(packed(bytes(4 << 20))))
        await asyncio.sleep(0)
        assert world.budget.used > 100_000
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        world.stream.release()
        assert world.budget.used == 0
        assert world.rpc.begun == 0

    asyncio.run(main())


def test_a_json_body_above_its_limit_is_told_of_the_binary_extension():
    length = (b"content-length", b"2000")
    headers, body = asked(request_headers(b"POST", b"/p", length), json_bytes=1000)
    assert headers[b":status"] == b"413"
    assert b"binary tensor data extension" in body
    headers, body = asked(request_headers(b"POST", b"/p"), bytes(1001), json_bytes=1000)
    assert headers[b":status"] == b"413"
    binary = (b"inference-header-content-length", b"10")
    headers, _ = asked(request_headers(b"POST", b"/p", binary), bytes(1001), json_bytes=1000)
    assert headers[b":status"] == b"200"


def test_a_body_comes_in_any_pieces():
    _, body = asked(request_headers(b"POST", b"/p"), b"a", b"bc", b"def")
    assert body == b"POST /p 6"


def test_without_room_a_request_is_told_when_to_come_back():
    block = request_headers(b"POST", b"/p", (b"content-length", b"2000"))

    async def main():
        world = World(block, in_flight_bytes=1000)
        world.budget.take(1)
        return dict((await world.send()).headers)

    headers = asyncio.run(main())
    assert headers[b":status"] == b"503"
    assert headers[b"retry-after"] == b"1"


def test_who_waits_is_counted_until_released():
    async def main():
        world = World(call_headers())
        assert world.stream.receive(framed(b"abc")) is None
        assert world.budget.used == 0
        world.stream.wait(lambda: None)
        assert world.budget.used == 3
        world.stream.cancel()
        assert world.budget.used == 0

    asyncio.run(main())


def test_a_head_that_repeats_long_values_is_read_in_a_time_that_grows_with_it():
    settings = ListenerSettings(header_bytes=1 << 30, header_count=1 << 20)

    def seconds(number):
        block = request_headers(b"GET", b"/", *[(b"a", b"b" * 4000)] * number)
        best = float("inf")
        for _ in range(5):
            began = perf_counter()
            head = read_head(block, settings)
            best = min(best, perf_counter() - began)
        assert len(head.headers[b"a"]) == 4001 * number - 1
        return best

    # Four times as many take four times as long, not sixteen times.
    assert seconds(4096) < 10 * seconds(1024)


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

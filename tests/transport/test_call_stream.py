import asyncio
import gzip
import zlib

import pytest

from tests.support.http2_peer import call_headers, framed
from tests.support.one_stream import OneStream, asked

GZIP = (b"grpc-encoding", b"gzip")


def packed(message, flag=1):
    return framed(gzip.compress(message), flag)


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
        stream = OneStream(call_headers(*extra)).stream
        stream.has_ended = has_ended
        headers = dict(stream.expire().headers)
        assert (headers[b"grpc-status"], headers[b"grpc-message"]) == (b"4", text)
        assert stream.shared.refusals.counts == {("grpc", "DeadlineExceeded"): 1}
        assert dict(stream.fail().headers)[b"grpc-status"] == b"13"
        assert stream.shared.refusals.counts[("grpc", "Internal")] == 1

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
def test_a_message_that_does_not_decompress_is_refused(piece, changes, code, text, caplog):
    headers, _ = asked(call_headers(GZIP), piece, **changes)
    assert headers[b"grpc-status"] == code
    assert text in headers[b"grpc-message"]
    assert ("lack of room" in caplog.text) == ("in_flight_bytes" in changes)


def test_others_have_their_turn_while_a_message_is_decompressed():
    async def main():
        world = OneStream(call_headers(GZIP), gzip_ratio=10_000)
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
        world = OneStream(call_headers(GZIP), gzip_ratio=10_000)
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

"""Answers compressed as their calls are: the parts, and with gRPC's own library over a socket."""

import asyncio
import gzip
import os
import zlib

import grpc
import pytest
import uvloop

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.compressing import COMPRESS_FROM, answer_coding, compressed
from seldon_core.transport.settings import KIB, MIB
from tests.support.http2_peer import call_headers, connected, framed, serving
from tests.support.talks import Talks

GZIP = (b"grpc-encoding", b"gzip")
READS_ALL = (b"grpc-accept-encoding", b"identity, deflate,gzip")
UNPACK = {b"gzip": gzip.decompress, b"deflate": zlib.decompress}


def run(test):
    async def bounded():
        async with asyncio.timeout(30):
            await test()

    uvloop.run(bounded())


@pytest.mark.parametrize(
    ("headers", "coding"),
    [
        ([GZIP, READS_ALL], b"gzip"),
        ([(b"grpc-encoding", b"deflate"), READS_ALL], b"deflate"),
        ([GZIP, (b"grpc-accept-encoding", b"identity,deflate")], b""),
        ([GZIP], b""),
        ([(b"grpc-encoding", b"identity"), READS_ALL], b""),
        ([READS_ALL], b""),
    ],
    ids=["gzip", "deflate", "not read", "not said", "identity", "plain"],
)
def test_an_answer_is_compressed_as_its_call_if_the_caller_reads_that(headers, coding):
    assert answer_coding(dict(headers)) == coding


def packed(*parts, coding=b"gzip"):
    return asyncio.run(compressed(parts, coding, InFlightBytes(MIB)))


@pytest.mark.parametrize("coding", UNPACK)
@pytest.mark.parametrize(
    "parts",
    [(bytes(KIB),), (b"ab" * 300, memoryview(b"cd" * 300)), (bytes(5 * MIB), b"x")],
    ids=["smallest", "parts", "large"],
)
def test_a_message_is_the_same_after_it(coding, parts):
    pieces = packed(*parts, coding=coding)
    assert UNPACK[coding](b"".join(pieces)) == b"".join(parts)
    assert sum(map(len, pieces)) < sum(map(len, parts))


@pytest.mark.parametrize(
    "message",
    [bytes(COMPRESS_FROM - 1), os.urandom(2 * KIB), os.urandom(MIB)],
    ids=["small", "random", "large and random"],
)
def test_a_message_that_gains_nothing_is_sent_as_it_is(message):
    assert packed(message) is None


@pytest.mark.parametrize(
    ("message", "most"), [(bytes(MIB), 64), (os.urandom(MIB), 24)], ids=["zeros", "random"]
)
def test_others_have_a_turn_each_16_kib_until_it_is_seen_to_gain_nothing(message, most):
    async def test():
        turns, is_done = 0, False

        async def count():
            nonlocal turns
            while not is_done:
                turns += 1
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(count())
            await compressed([message], b"gzip", InFlightBytes(MIB))
            is_done = True
        assert most // 2 < turns <= most

    asyncio.run(test())


def test_a_unary_answer_of_some_size_is_compressed():
    async def test():
        async with serving() as server, connected(server) as client:
            large, small = await client.finish(
                [
                    client.request(call_headers(GZIP, READS_ALL, path=path), framed(b"x"))
                    for path in (b"/large/100000", b"/any")
                ]
            )
            assert large.body[0] == 1
            assert gzip.decompress(large.message) == b"x" + bytes(99_999)
            assert dict(large.headers)[b"grpc-encoding"] == b"gzip"
            assert large.status == 0
            assert small.body[0] == 0
            assert b"grpc-encoding" not in dict(small.headers)
            deaf = await client.call(call_headers(GZIP, path=b"/large/100000"), framed(b"x"))
            assert deaf.body[0] == 0

    run(test)


def test_a_refusal_is_not_compressed():
    async def test():
        async with serving() as server, connected(server) as client:
            headers = call_headers(GZIP, READS_ALL, path=b"/refused")
            answer = await client.call(headers, framed(gzip.compress(b"x"), 1))
            assert answer.status == 5
            assert b"grpc-encoding" not in dict(answer.headers)

    run(test)


def test_each_message_of_a_stream_is_compressed_if_it_is_of_some_size():
    async def test():
        async with serving(rpc=Talks()) as server, connected(server) as client:
            headers = call_headers(GZIP, READS_ALL, path=b"/t/echo")
            large = gzip.compress(bytes(10_000))
            answer = await client.call(headers, framed(large, 1), framed(b"small"))
            assert dict(answer.headers)[b"grpc-encoding"] == b"gzip"
            size = int.from_bytes(answer.body[1:5], "big")
            assert answer.body[0] == 1
            assert gzip.decompress(answer.body[5 : 5 + size]) == bytes(10_000)
            assert answer.body[5 + size :] == framed(b"small")

    run(test)


@pytest.mark.parametrize("how", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_grpcs_own_library_reads_it(how):
    message = b"abc" * 50_000

    async def test():
        async with (
            serving(rpc=Talks()) as server,
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", compression=how) as channel,
        ):
            assert (await channel.unary_unary("/u")(message)).endswith(message)
            talk = channel.stream_stream("/t/echo")()
            for _ in range(3):
                await talk.write(message)
                assert await talk.read() == message
            await talk.done_writing()
            assert await talk.code() == grpc.StatusCode.OK

    run(test)

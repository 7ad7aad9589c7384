import asyncio
import contextlib

import pytest

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.heads import read_head
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from seldon_core.transport.streaming_call import StreamingCall
from tests.support.http2_peer import EchoHttp, EchoRpc, call_headers, framed

MINE = (b"x-request-id", b"mine")
PACKED = ((b"grpc-encoding", b"gzip"), (b"grpc-accept-encoding", b"gzip"))


@contextlib.asynccontextmanager
async def opened(*extra):
    """A call, and a task that waits for its first message."""
    settings = ListenerSettings(body_bytes_per_s=100)
    loop = asyncio.get_running_loop()
    shared = Shared(loop, settings, EchoHttp(), EchoRpc(), InFlightBytes(1 << 20))
    head = read_head(call_headers(MINE, *extra, path=b"/t/" + b"x" * 300), settings)
    call = StreamingCall(1, head, shared, 0.0, shared.rpc, lambda nbytes: None)

    async def take():
        return [message async for message in call.incoming]

    handler = loop.create_task(take())
    await asyncio.sleep(0)
    yield call
    handler.cancel()
    await asyncio.wait([handler])
    call.release()
    assert shared.budget.used == 0


def test_a_message_whose_rest_does_not_come_is_too_slow():
    async def test():
        async with opened() as call:
            assert not call.comes_too_slowly(0.0, 5.0)
            assert not call.comes_too_slowly(9.0, 5.0)  # no message has begun
            call.incoming.feed(framed(bytes(1000))[:100])
            await asyncio.sleep(0)
            assert not call.comes_too_slowly(10.0, 5.0)
            assert not call.comes_too_slowly(15.0, 5.0)
            assert call.comes_too_slowly(15.1, 5.0)

    asyncio.run(test())


@pytest.mark.parametrize("come", [1050, 2055], ids=["most of it", "the next one"])
def test_a_message_that_comes_on_has_its_time_anew(come):
    async def test():
        async with opened() as call:
            sent = framed(bytes(2000)) + framed(bytes(2000))
            call.incoming.feed(sent[:400])
            await asyncio.sleep(0)
            assert not call.comes_too_slowly(10.0, 5.0)
            call.incoming.feed(sent[400:come])
            await asyncio.sleep(0)
            assert not call.comes_too_slowly(15.5, 5.0)
            assert not call.comes_too_slowly(20.0, 5.0)
            assert call.comes_too_slowly(21.0, 5.0)

    asyncio.run(test())


def test_the_answers_parts_name_the_request_and_the_methods_name_is_short():
    async def test():
        async with opened() as call:
            call.add_metadata([(b"x-a", b"1")])
            assert (b"x-a", b"1") in call.opening()
            assert call.trailers(0, "") == [(b"grpc-status", b"0"), MINE]
            assert call.trailers(5, "ä")[2] == (b"grpc-message", b"%C3%A4")
            alone = call.status_alone(5, "none").headers
            assert {(b"grpc-status", b"5"), (b"x-a", b"1"), MINE} <= set(alone)
            assert len(call.method) == 256

    asyncio.run(test())


def test_messages_are_compressed_where_that_is_wanted_and_helps():
    async def test():
        async with opened(*PACKED) as call:
            assert (b"grpc-encoding", b"gzip") in call.opening()
            large = b"".join(await call.framed([bytes(100_000)]))
            assert large[0] == 1
            assert len(large) < 1000
            assert b"".join(await call.framed([b"x"])) == framed(b"x")
        async with opened() as call:
            assert b"".join(await call.framed([b"abc"])) == framed(b"abc")

    asyncio.run(test())

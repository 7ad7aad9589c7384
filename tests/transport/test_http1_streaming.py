"""The way of one HTTP/1 answer, without a socket; `test_streaming` has the rest with one."""

import asyncio
import contextlib

import pytest

from seldon_core.transport.answers import Exchange
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import HttpRequest, StreamedAnswer
from seldon_core.transport.http1_streaming import Http1Way
from seldon_core.transport.settings import KIB

LARGE = bytes(20 * KIB)


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = b""
        self.end = ""

    def write(self, data):
        self.written += bytes(data)

    def writelines(self, parts):
        self.written += b"".join(parts)

    def close(self):
        self.end = "closed"

    def abort(self):
        self.end = "aborted"


class World:
    def __init__(self, method=b"GET", is_http10=False):
        self.transport = Transport()
        self.budget = InFlightBytes(1 << 20)
        self.exchange = Exchange(HttpRequest(method, b"/", {}), is_last=False)
        self.exchange.is_http10 = is_http10
        self.ended = []
        answer = StreamedAnswer(200, [(b"x-a", b"1")], None)
        self.way = Http1Way(self.transport, self.exchange, answer, self.budget, self.ended.append)

    def taken(self):
        written, self.transport.written = self.transport.written, b""
        return written


def run(test, **kind):
    async def bounded():
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            await test(World(**kind), tasks)

    asyncio.run(bounded())


def test_the_head_waits_for_its_turn():
    async def test(world, tasks):
        opening = tasks.create_task(world.way.open())
        await asyncio.sleep(0)
        assert not world.way.has_begun
        world.way.give_turn()
        world.way.give_turn()
        assert await opening
        assert world.way.has_begun
        assert world.taken() == (b"HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n")

    run(test)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_piece_is_a_chunk_of_its_size(kind):
    async def test(world, tasks):
        world.way.give_turn()
        await world.way.send(kind(b"0123456789abcdef"))
        assert world.taken() == b"10\r\n0123456789abcdef\r\n"
        await world.way.send(kind(LARGE))
        assert world.taken() == b"5000\r\n" + LARGE + b"\r\n"
        world.way.finish()
        world.way.finish()
        assert world.taken() == b"0\r\n\r\n"
        assert world.ended == [True]

    run(test)


def test_a_piece_is_counted_until_the_client_takes_more():
    async def test(world, tasks):
        world.way.give_turn()
        sending = tasks.create_task(world.way.send(b"abc"))
        await asyncio.sleep(0)
        world.way.pause()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not sending.done()
        assert world.budget.used == 3
        world.way.give_turn()
        await sending
        assert world.budget.used == 0

    run(test)


def test_in_http10_the_body_is_as_it_is_and_ends_with_the_connection():
    async def test(world, tasks):
        world.way.give_turn()
        await world.way.open()
        assert world.exchange.is_last
        assert world.taken().endswith(b"connection: close\r\n\r\n")
        await world.way.send(b"abc")
        world.way.finish()
        assert world.taken() == b"abc"

    run(test, is_http10=True)


def test_head_wants_no_body():
    async def test(world, tasks):
        world.way.give_turn()
        assert not await world.way.open()
        world.taken()
        world.way.finish()
        assert world.taken() == b""
        assert world.ended == [True]

    run(test, method=b"HEAD")


@pytest.mark.parametrize(("is_http10", "end"), [(False, "closed"), (True, "aborted")])
def test_a_cut_answer_ends_its_connection_once(is_http10, end):
    async def test(world, tasks):
        world.way.give_turn()
        world.way.cut()
        world.way.cut()
        world.way.finish()
        assert world.transport.end == end
        assert world.ended == [False]

    run(test, is_http10=is_http10)


def test_nothing_is_sent_to_who_has_gone():
    async def test(world, tasks):
        world.way.give_turn()
        world.way.lose()
        with contextlib.suppress(asyncio.CancelledError):
            await world.way.send(b"abc")
            raise AssertionError
        world.way.finish()
        world.way.cut()
        assert world.taken() == b""
        assert world.ended == []
        assert world.budget.used == 0

    run(test)

"""The messages of a streaming call, without a connection."""

import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.grpc_frames import RefusedCallError
from seldon_core.transport.incoming import Incoming
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_peer import framed


class Side:
    """Incoming messages, what was credited for them, and the budget."""

    def __init__(self, room=MIB, **settings):
        self.credited = 0
        self.budget = InFlightBytes(room)
        self.shared = Shared(
            asyncio.get_running_loop(), ListenerSettings(**settings), None, None, self.budget
        )
        self.messages = Incoming(self.shared, 31, self.credit)

    def credit(self, nbytes):
        assert nbytes > 0
        self.credited += nbytes


@given(
    messages=st.lists(st.binary(max_size=300), max_size=8),
    cuts=st.lists(st.integers(1, 200), min_size=1),
    reads_first=st.booleans(),
    compressed=st.booleans(),
)
def test_messages_come_out_as_they_went_in_and_all_is_credited(
    messages, cuts, reads_first, compressed
):
    async def test():
        side = Side()
        data = b"".join(
            framed(gzip.compress(message), 1) if compressed else framed(message)
            for message in messages
        )
        got = []

        async def read():
            got.extend([message async for message in side.messages])

        async with asyncio.TaskGroup() as group:
            if reads_first:
                group.create_task(read())
                await asyncio.sleep(0)
            rest, at = data, 0
            while rest:
                size = cuts[at % len(cuts)]
                assert side.messages.feed(rest[:size])
                rest, at = rest[size:], at + 1
                if reads_first:
                    await asyncio.sleep(0)
            if not reads_first:
                assert side.credited == 0
                assert side.budget.used == len(data)
                group.create_task(read())
            side.messages.end()
        assert got == messages
        assert side.credited == len(data)
        assert side.budget.used == 0

    asyncio.run(test())


def test_a_message_that_is_waited_for_is_credited_and_counted_as_it_comes():
    async def test():
        side = Side()
        side.messages.feed(framed(bytes(1000))[:105])
        assert (side.credited, side.budget.used) == (0, 105)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(anext(side.messages))
            await asyncio.sleep(0)
            assert (side.credited, side.budget.used) == (105, 105)
            side.messages.feed(bytes(500))
            assert (side.credited, side.budget.used) == (605, 605)
            side.messages.feed(bytes(400) + b"next!!")
            assert await task == bytes(1000)
            assert (side.credited, side.budget.used) == (1005, 6)
            side.messages.drop()
            assert (side.credited, side.budget.used) == (1011, 0)

    asyncio.run(test())


def test_what_comes_when_there_is_no_room_is_credited_and_not_kept():
    async def test():
        side = Side(room=100)
        side.budget.take(100)
        assert not side.messages.feed(b"x" * 10)
        assert (side.credited, side.budget.used) == (10, 100)

    asyncio.run(test())


def test_a_message_that_has_begun_is_finished_although_the_budget_is_full_by_then():
    async def test():
        side = Side(room=1000)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(anext(side.messages))
            side.messages.feed(framed(bytes(800))[:5])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert side.budget.used == 5
            side.budget.take(1000)
            assert side.messages.feed(bytes(800))
            assert await task == bytes(800)
        assert side.budget.used == 1000

    asyncio.run(test())


def test_a_message_for_which_there_is_no_room_is_refused_when_it_is_wanted():
    async def test():
        side = Side(room=100)
        side.messages.feed(framed(bytes(200))[:50])
        with pytest.raises(RefusedCallError, match="too many bytes") as caught:
            await anext(side.messages)
        assert caught.value.lacks_room
        assert side.shared.counters.overloaded == 1
        side.messages.drop()
        assert side.budget.used == 0

    asyncio.run(test())


@pytest.mark.parametrize(
    ("size", "room", "lacks_room"), [(20_000, 10_000, True), (20_001, MIB, False)]
)
def test_a_message_that_does_not_decompress_may_be_too_large_for_now_or_ever(
    size, room, lacks_room
):
    async def test():
        side = Side(room=room, body_bytes=20_000)
        side.budget.take(1000)
        side.messages.feed(framed(gzip.compress(bytes(size)), 1))
        with pytest.raises(RefusedCallError) as caught:
            await anext(side.messages)
        assert (caught.value.code, caught.value.lacks_room) == (8, lacks_room)

    asyncio.run(test())


def test_the_bytes_of_a_client_that_is_not_read_occupy_their_size_and_no_more():
    async def test():
        side = Side(room=64 * MIB)
        for _ in range(100):
            side.messages.feed(framed(b"") * 1000)  # half a megabyte in 100,000 messages
        assert len(side.messages._buffer) == 500_000
        taken = 0
        side.messages.end()
        async for _ in side.messages:
            taken += 1
        assert taken == 100_000

    asyncio.run(test())


def test_who_sends_a_message_waits_from_a_quarter_beyond_the_budget_on():
    async def test():
        side = Side(room=1000)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(anext(side.messages))
            side.messages.feed(framed(bytes(800))[:105])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert (side.credited, side.messages.received) == (105, 105)
            side.budget.take(1200)
            side.messages.feed(bytes(100))
            assert (side.credited, side.messages.received) == (105, -1)
            side.budget.give(1200)
            assert (side.credited, side.messages.received) == (205, 205)
            side.messages.feed(bytes(600))
            assert await task == bytes(800)
            assert side.messages.received == -1

    asyncio.run(test())

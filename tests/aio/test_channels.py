import asyncio

import pytest

from seldon_core.aio.channels import Channel
from tests.support.stream_fakes import turns


def run(test):
    asyncio.run(asyncio.wait_for(test(), timeout=10))


async def take_all(channel):
    return [value async for value in channel]


def test_values_come_in_their_order_and_end_when_the_channel_is_closed():
    async def test():
        channel = Channel(3)
        for value in range(3):
            await channel.put(value)
        assert len(channel) == 3
        channel.close()
        assert await take_all(channel) == [0, 1, 2]

    run(test)


def test_a_taker_waits_for_values_and_for_the_end():
    async def test():
        channel = Channel(1)
        taker = asyncio.create_task(take_all(channel))
        await turns()
        await channel.put("a")
        await turns()
        assert not taker.done()
        channel.close()
        assert await taker == ["a"]

    run(test)


def test_givers_wait_for_room_and_get_it_in_their_order():
    async def test():
        channel = Channel(1)
        await channel.put(0)
        givers = [asyncio.create_task(channel.put(value)) for value in (1, 2)]
        await turns()
        assert len(channel) == 1
        assert [await anext(channel) for _ in range(3)] == [0, 1, 2]
        await asyncio.wait(givers)

    run(test)


@pytest.mark.parametrize("when", ["while it waits", "in the tick of its room"])
def test_a_giver_that_is_cancelled_leaves_its_room_to_the_next(when):
    async def test():
        channel = Channel(1)
        await channel.put(0)
        first, second = (asyncio.create_task(channel.put(value)) for value in (1, 2))
        await turns()
        if when == "in the tick of its room":
            assert await anext(channel) == 0
            first.cancel()
        else:
            first.cancel()
            await turns()
            assert await anext(channel) == 0
        assert await anext(channel) == 2
        await asyncio.wait([first, second])
        assert first.cancelled()

    run(test)


def test_a_giver_whose_room_is_given_while_it_is_being_cancelled_is_passed_over():
    async def test():
        channel = Channel(1)
        await channel.put(0)
        first, second = (asyncio.create_task(channel.put(value)) for value in (1, 2))
        await turns()
        first.cancel()  # it has not run yet, and so has not left
        assert [await anext(channel) for _ in range(2)] == [0, 2]
        await asyncio.wait([first, second])

    run(test)


def test_another_may_take_before_who_was_cancelled_hears_of_it():
    async def test():
        channel = Channel(2)
        first = asyncio.create_task(anext(channel))
        await turns()
        first.cancel()

        async def give():
            await turns()  # now it has heard
            await channel.put("a")

        giver = asyncio.create_task(give())
        assert await anext(channel) == "a"
        await asyncio.wait([first, giver])

    run(test)


def test_a_taker_that_is_cancelled_loses_nothing():
    async def test():
        channel = Channel(2)
        taker = asyncio.create_task(anext(channel))
        await turns()
        await channel.put("a")
        taker.cancel()
        await asyncio.wait([taker])
        await channel.put("b")
        channel.close()
        assert await take_all(channel) == ["a", "b"]

    run(test)

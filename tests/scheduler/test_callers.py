"""Who waits is answered once, or sent away."""

import asyncio

import pytest

from seldon_core.errors import NotFoundError
from seldon_core.scheduler.callers import Callers, Progress, Settling
from seldon_core.scheduler.decisions import Change


def run(test):
    async def limited():
        async with asyncio.timeout(5):
            return await test()

    return asyncio.run(limited(), debug=True)


def test_each_caller_has_its_own_answer():
    async def test():
        callers = Callers()
        (first, answer), (second, refusal) = callers.register(), callers.register()
        callers.answer(second, NotFoundError("model", "rose"), Change.CREATED)
        callers.answer(first, None, Change.CREATED)
        assert await answer is Change.CREATED
        with pytest.raises(NotFoundError):
            await refusal
        await asyncio.sleep(0)
        assert callers._answers == {}
        callers.answer(first, None, Change.DELETED)  # it has left

    run(test)


def test_a_caller_that_leaves_in_the_tick_of_its_answer_is_not_answered():
    async def test():
        callers = Callers()
        caller, answer = callers.register()
        answer.cancel()
        callers.answer(caller, None, Change.CREATED)
        assert answer.cancelled()

    run(test)


def test_who_still_waits_can_be_sent_away():
    async def test():
        callers = Callers()
        _, answer = callers.register()
        callers.cancel()
        assert answer.cancelled()

    run(test)


def test_models_are_waited_for_until_the_last_is_settled():
    settled = set()

    async def test():
        settling = Settling(settled.__contains__)
        waiting = asyncio.create_task(settling.wait({"iris", "wine"}))
        await asyncio.sleep(0)
        settled.add("iris")
        settling.look("iris")
        settling.look("wine")
        await asyncio.sleep(0)
        assert not waiting.done()
        settled.add("wine")
        settling.look(None)
        settling.look(None)  # once more in the same tick
        await waiting
        assert settling._waits == {}

    run(test)


def test_what_is_settled_makes_nobody_wait():
    run(lambda: Settling(lambda name: True).wait({"iris"}))


def test_who_waits_for_models_can_be_sent_away():
    async def test():
        settling = Settling(lambda name: False)
        waiting = asyncio.create_task(settling.wait({"iris"}))
        await asyncio.sleep(0)
        settling.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert settling._waits == {}

    run(test)


def test_who_waits_for_events_waits_for_those_that_have_come_by_then():
    async def test():
        progress = Progress()
        await progress.caught_up()
        progress.came()
        progress.came()
        waiting = asyncio.create_task(progress.caught_up())
        await asyncio.sleep(0)
        progress.came()
        progress.done(1)
        await asyncio.sleep(0)
        assert not waiting.done()
        progress.done(1)
        progress.done(1)  # once more in the same tick
        await waiting
        assert progress._waits == {}

    run(test)


def test_who_waits_for_events_can_be_sent_away():
    async def test():
        progress = Progress()
        progress.came()
        waiting = asyncio.create_task(progress.caught_up())
        await asyncio.sleep(0)
        progress.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    run(test)

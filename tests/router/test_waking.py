"""Calls that wait for a model that was scaled to zero."""

import asyncio
from time import monotonic

import pytest

from seldon_core.errors import (
    AsleepError,
    DeadlineError,
    OverloadedError,
    RelayedError,
    UpstreamError,
)
from seldon_core.router import waking
from seldon_core.router.waking import WakeLimits, open_waking
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.handler import NO_DEADLINE

AWAKE = RouteUpdate("iris", (RouteCandidate("iris", 1, 100, (ReplicaId("mlserver", 0),)),))
ASLEEP = RouteUpdate("iris", (RouteCandidate("iris", 1, 100, ()),))
GONE = RouteUpdate("iris")
LIMITS = WakeLimits(30, 1000)


class Asked:
    """A scheduler's side: `outcomes` in turn, the last one again and again; None never ends."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.names = []
        self.left = 0
        self.came = asyncio.Event()

    async def __call__(self, model):
        self.names.append(model)
        self.came.set()
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is None:
            try:
                await asyncio.Event().wait()
            finally:
                self.left += 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def begun(awaker, count, model="iris", deadline=NO_DEADLINE):
    """So many calls that wait by now."""
    calls = [asyncio.ensure_future(awaker.wait(model, deadline)) for _ in range(count)]
    await asyncio.sleep(0)
    return calls


def run(test, wake, limits=LIMITS):
    async def whole():
        async with open_waking(wake, limits) as awaker, asyncio.timeout(10):
            await test(awaker)
            assert awaker.waiting == 0
            await asyncio.sleep(0)

    asyncio.run(whole())


@pytest.mark.parametrize("update", [AWAKE, GONE, RouteUpdate("iris", notice="is loading")])
def test_all_calls_that_wait_go_on_with_the_route_and_one_asks(update):
    wake = Asked(None)

    async def test(awaker):
        calls = await begun(awaker, 50)
        await wake.came.wait()
        awaker.published(ASLEEP)
        awaker.published(RouteUpdate("wine"))
        assert awaker.waiting == 50
        awaker.published(update)
        for call in calls:
            await call

    run(test, wake)
    assert wake.names == ["iris"]
    assert wake.left == 1


def test_an_experiments_route_ends_the_wait_for_its_member():
    async def test(awaker):
        (call,) = await begun(awaker, 1)
        awaker.published(RouteUpdate("split.experiment", AWAKE.candidates))
        await call

    run(test, Asked(None))


def test_nobody_waits_and_a_route_is_nothing():
    async def test(awaker):
        awaker.published(AWAKE)

    run(test, Asked(None))


def test_a_load_that_fails_ends_every_wait_with_its_reason_and_the_next_call_asks_again():
    wake = Asked("no such file", None)

    async def test(awaker):
        calls = await begun(awaker, 2)
        for call in calls:
            with pytest.raises(AsleepError, match="cannot be: no such file") as it:
                await call
            assert it.value.retry_after_s == waking.RETRY_AFTER_S
        (call,) = await begun(awaker, 1)
        while len(wake.names) < 2:
            await asyncio.sleep(0)
        awaker.published(AWAKE)
        await call

    run(test, wake)


def test_one_caller_who_leaves_ends_no_other_wait_and_the_last_one_the_asking():
    wake = Asked(None)

    async def test(awaker):
        first, last = await begun(awaker, 2)
        await wake.came.wait()
        first.cancel()
        await asyncio.wait([first])
        assert awaker.waiting == 1
        assert wake.left == 0
        last.cancel()
        await asyncio.wait([last])
        assert awaker.waiting == 0
        await asyncio.sleep(0)
        assert wake.left == 1

    run(test, wake)


def test_a_scheduler_that_is_away_is_asked_again(monkeypatch):
    monkeypatch.setattr(waking, "FIRST_PAUSE_S", 0.0)
    troubles = (
        UpstreamError("the scheduler is away"),
        DeadlineError("it was slow"),
        OverloadedError("it has as many calls under way as it takes"),
        RelayedError("it is no scheduler", 502, 12),
    )
    wake = Asked(*troubles, "", None)

    async def test(awaker):
        (call,) = await begun(awaker, 1)
        while len(wake.names) < 6:  # also one that said yes, while no route came
            await asyncio.sleep(0)
        awaker.published(AWAKE)
        await call

    run(test, wake)


def test_too_long_is_an_error_that_says_what_was_in_the_way():
    async def test(awaker):
        (call,) = await begun(awaker, 1)
        with pytest.raises(AsleepError, match=r"'iris' was not loaded within 0.01 s: it is away"):
            await call

    run(test, Asked(UpstreamError("it is away")), WakeLimits(0.01, 9))

    async def slow(awaker):
        (call,) = await begun(awaker, 1)
        with pytest.raises(AsleepError, match=r"within 0.01 s$"):
            await call

    run(slow, Asked(None), WakeLimits(0.01, 9))


@pytest.mark.parametrize("left_s", [0.01, 0.0, -1.0])
def test_the_callers_own_time_counts_if_it_is_shorter(left_s):
    async def test(awaker):
        (call,) = await begun(awaker, 1, deadline=monotonic() + left_s)
        with pytest.raises(DeadlineError, match="time was over before model 'iris' was loaded"):
            await call

    run(test, Asked(None))


def test_so_many_calls_wait_for_a_model_and_no_more():
    async def test(awaker):
        calls = await begun(awaker, 2)
        with pytest.raises(OverloadedError, match="2 calls wait for model 'iris'"):
            await awaker.wait("iris", NO_DEADLINE)
        other = await begun(awaker, 1, "wine")
        awaker.published(AWAKE)
        awaker.published(RouteUpdate("wine"))
        for call in calls + other:
            await call

    run(test, Asked(None), WakeLimits(30, 2))


def test_who_leaves_in_the_turn_of_the_route_or_of_the_end_of_his_time_is_gone():
    async def test(awaker):
        for end in (
            lambda call: awaker.published(AWAKE),
            lambda call: awaker._give_up("iris", next(iter(awaker._sleepers["iris"].waits)), False),
        ):
            (call,) = await begun(awaker, 1)
            (wait,) = awaker._sleepers["iris"].waits
            call.cancel()
            end(call)
            awaker._give_up("iris", wait, True)
            await asyncio.wait([call])
            assert call.cancelled()

    run(test, Asked(None))

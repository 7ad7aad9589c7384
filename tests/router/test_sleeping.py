"""A router in front of models that are scaled to zero."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from seldon_core.errors import AsleepError, NotFoundError, NotReadyError
from seldon_core.protocol.inference import Payload
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.router.handler import RouterHandler
from seldon_core.router.sleeping import sleepers
from seldon_core.router.table import RouteTable
from seldon_core.router.waking import WakeLimits, open_waking
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from tests.support.router_fakes import EchoUpstream, NoCodec, call_of
from tests.support.stream_fakes import Given, Spoken

R0 = ReplicaId("mlserver", 0)


def route(*replicas, version=1, notice=""):
    return RouteUpdate("iris", (RouteCandidate("iris", version, 100, replicas),), notice)


class Scheduler:
    """Wakes a model by `update`, or answers with `failure`."""

    def __init__(self, update=None, failure=""):
        self.update = update
        self.failure = failure
        self.asked = 0
        self.router = None

    async def wake(self, model):
        self.asked += 1
        await asyncio.sleep(0)
        if self.update is not None:
            self.router.publish(self.update)
        return self.failure


@asynccontextmanager
async def a_router(scheduler, upstream, update):
    async with open_waking(scheduler.wake, WakeLimits(30, 1000)) as waking:
        table = RouteTable({R0: upstream}, sleepers(waking))
        router = scheduler.router = RouterHandler(table, lambda: 0.0, waking=waking)
        router.publish(update)
        yield router


def answer(ask, scheduler, update=None):
    """What `ask` returns of a router whose only model sleeps."""

    async def whole():
        async with a_router(scheduler, EchoUpstream(), update or route()) as router:
            return await ask(router)

    return asyncio.run(whole())


@pytest.mark.parametrize("verb", ["infer", "metadata", "config"])
def test_a_call_waits_for_the_load_and_is_answered_by_what_was_loaded(verb):
    scheduler = Scheduler(route(R0, version=2))
    found = answer(lambda router: getattr(router, verb)(call_of("iris")), scheduler)
    named = {"infer": "response", "metadata": "", "config": ""}[verb]
    assert getattr(found, named).model_name == "iris_2" if named else found.name
    assert scheduler.asked == 1


@pytest.mark.parametrize("verb", ["infer", "metadata"])
def test_a_load_that_fails_is_said_to_the_caller(verb):
    with pytest.raises(AsleepError, match="cannot be: no room"):
        answer(lambda router: getattr(router, verb)(call_of("iris")), Scheduler(failure="no room"))


def test_a_model_that_is_deleted_meanwhile_is_not_found():
    with pytest.raises(NotFoundError, match="'iris' not found"):
        answer(lambda router: router.infer(call_of("iris")), Scheduler(RouteUpdate("iris")))


def test_a_model_that_calls_load_no_longer_is_not_ready():
    update = RouteUpdate("iris", notice="is loading")
    with pytest.raises(NotReadyError, match="is loading"):
        answer(lambda router: router.infer(call_of("iris")), Scheduler(update))


@pytest.mark.parametrize(("notice", "is_ready"), [("", True), ("failed to load: why", False)])
def test_who_asks_whether_it_is_ready_or_for_its_counts_wakes_nothing(notice, is_ready):
    scheduler = Scheduler()

    async def ask(router):
        return await router.ready(call_of("iris")), await router.statistics(call_of("iris"))

    found = answer(ask, scheduler, route(notice=notice))
    assert found == (is_ready, [ModelStatistics("iris", "1")])
    assert scheduler.asked == 0


def payloads(count):
    return [Payload(NoCodec(), b"%d" % number) for number in range(count)]


def test_a_stream_wakes_it_by_its_first_message_and_goes_on_when_it_slept_in_between():
    async def whole():
        scheduler = Scheduler(route(R0))
        async with a_router(scheduler, EchoUpstream(), route()) as router:
            spoken = Spoken()
            replies = router.stream(call_of("iris"), spoken)
            first, *rest = payloads(3)
            spoken.say(first)
            told = [await anext(replies)]
            router.publish(route())
            for payload in rest:
                spoken.say(payload)
                told.append(await anext(replies))
            spoken.end()
            assert [reply async for reply in replies] == []
            assert [reply.payload for reply in told] == [first, *rest]
            assert scheduler.asked == 2

    asyncio.run(whole())


def test_a_stream_without_a_message_wakes_nothing():
    async def ask(router):
        return [reply async for reply in router.stream(call_of("iris"), Given())]

    scheduler = Scheduler()
    assert answer(ask, scheduler) == []
    assert scheduler.asked == 0


def test_of_a_split_only_the_calls_to_the_one_that_sleeps_wait():
    asleep, awake = RouteCandidate("wine", 1, 50, ()), RouteCandidate("iris", 1, 50, (R0,))

    async def ask(router):
        router.publish(RouteUpdate("split.experiment", (awake, asleep)))
        router._random = lambda: 0.1
        reply = await router.infer(call_of("split.experiment"))
        assert reply.response.model_name == "iris_1"
        router._random = lambda: 0.9
        scheduler.update = RouteUpdate(
            "split.experiment", (awake, RouteCandidate("wine", 1, 50, (R0,)))
        )
        reply = await router.infer(call_of("split.experiment"))
        return reply.response.model_name

    scheduler = Scheduler()
    assert answer(ask, scheduler) == "wine_1"
    assert scheduler.asked == 1

"""The router in the chain of calls."""

import asyncio
from dataclasses import replace

import pytest

from seldon_core.errors import ModelRuntimeError, NotFoundError, NotReadyError, UnsupportedError
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from tests.support.router_fakes import EchoUpstream, call_of
from tests.support.stream_fakes import Given, Spoken

R0, R1 = ReplicaId("mlserver", 0), ReplicaId("mlserver", 1)


def router_over(upstream, *, versions=(1,), point=0.0):
    """A router that has `iris`, knows `wine` as loading, and sends everything to `upstream`."""
    router = RouterHandler(RouteTable({R0: upstream}), lambda: point)
    candidates = tuple(RouteCandidate("iris", version, 50, (R0,)) for version in versions)
    router.publish(RouteUpdate("iris", candidates))
    router.publish(RouteUpdate("wine", notice="is loading"))
    return router


def test_a_reply_names_its_candidate_after_the_hops_before():
    reply = asyncio.run(router_over(EchoUpstream()).infer(call_of("iris")))
    assert reply.response.model_name == "iris_1"
    assert reply.headers == [(b"x-own", b"1"), (b"x-seldon-route", b":iris_1:")]


def test_the_weight_chooses_and_the_sticky_header_overrules_it():
    router = router_over(EchoUpstream(), versions=(1, 2), point=0.9)
    assert asyncio.run(router.infer(call_of("iris"))).response.model_name == "iris_2"
    sticky = call_of("iris", {b"x-seldon-route": b":iris_1:"})
    assert asyncio.run(router.infer(sticky)).response.model_name == "iris_1"


@pytest.mark.parametrize("verb", ["infer", "metadata"])
@pytest.mark.parametrize(("name", "error"), [("rose", NotFoundError), ("wine", NotReadyError)])
def test_a_model_without_a_route_is_an_error(verb, name, error):
    upstream = EchoUpstream()
    with pytest.raises(error):
        asyncio.run(getattr(router_over(upstream), verb)(call_of(name)))
    assert upstream.calls == []


@pytest.mark.parametrize(
    ("headers", "named"),
    [({}, "iris"), ({b"seldon-model": b"iris.model"}, "iris.model")],
    ids=["path", "header"],
)
def test_metadata_is_that_of_the_chosen_version_under_the_name_called(headers, named):
    router = router_over(EchoUpstream(), versions=(1, 2), point=0.9)
    call = call_of("iris")
    call.headers.update(headers)
    assert asyncio.run(router.metadata(call)).name == named
    assert call.internal_model == "iris_2"


@pytest.mark.parametrize("then", ["infer", "stream"])
def test_who_told_its_metadata_answers_the_call(then):
    points = iter([0.1, *[0.9] * 9])
    router = router_over(EchoUpstream(), versions=(1, 2))
    router._random = lambda: next(points)
    call = call_of("iris")

    async def main():
        await router.metadata(call)
        if then == "infer":
            return (await router.infer(call)).response
        (reply,) = [reply async for reply in router.stream(call, Given(call.payload))]
        return reply.outcome

    assert asyncio.run(main()).model_name == "iris_1"


def test_ready_asks_the_replica():
    assert asyncio.run(router_over(EchoUpstream()).ready(call_of("iris")))
    broken = EchoUpstream(fault=ModelRuntimeError("broken"))
    assert not asyncio.run(router_over(broken).ready(call_of("iris")))


def test_a_model_that_is_loading_is_not_ready_and_an_unknown_one_is_an_error():
    router = router_over(EchoUpstream())
    assert not asyncio.run(router.ready(call_of("wine")))
    with pytest.raises(NotFoundError):
        asyncio.run(router.ready(call_of("rose")))


def in_flight(router):
    return router._table.resolve({}, "iris").candidates[0].upstreams[0].in_flight


@pytest.mark.parametrize("end", ["answered", "failed", "cancelled"])
def test_a_call_counts_as_in_flight_until_it_is(end):
    async def test():
        held = asyncio.get_running_loop().create_future()
        fault = ModelRuntimeError("broken") if end == "failed" else None
        router = router_over(EchoUpstream(fault, held))
        call = asyncio.create_task(router.infer(call_of("iris")))
        await asyncio.sleep(0)
        assert in_flight(router) == 1
        if end == "cancelled":
            call.cancel()
        else:
            held.set_result(None)
        await asyncio.wait([call])
        assert in_flight(router) == 0
        if end == "failed":
            assert call.exception() is fault

    asyncio.run(test())


async def replies_of(stream):
    return [(reply.outcome.model_name, reply.payload, reply.headers) async for reply in stream]


def test_the_first_reply_of_a_stream_names_its_candidate():
    async def test():
        upstream = EchoUpstream()
        stream = router_over(upstream).stream(call_of("iris"), Given("a", "b"))
        assert await replies_of(stream) == [
            ("iris_1", "a", [(b"x-own", b"1"), (b"x-seldon-route", b":iris_1:")]),
            ("iris_1", "b", [(b"x-own", b"1")]),
        ]
        assert (upstream.calls, upstream.closed) == (["iris_1"], 1)

    asyncio.run(test())


@pytest.mark.parametrize(("name", "error"), [("rose", NotFoundError), ("wine", NotReadyError)])
def test_a_stream_to_a_model_without_a_route_is_an_error(name, error):
    stream = router_over(EchoUpstream()).stream(call_of(name), Given("a"))
    with pytest.raises(error):
        asyncio.run(replies_of(stream))


@pytest.mark.parametrize("end", ["ended", "failed", "closed"])
def test_a_stream_counts_as_in_flight_until_it_is(end):
    async def test():
        fault = ModelRuntimeError("broken") if end == "failed" else None
        upstream, spoken = EchoUpstream(fault), Spoken()
        router = router_over(upstream)
        stream = router.stream(call_of("iris"), spoken)
        spoken.say("a")
        if end == "failed":
            with pytest.raises(ModelRuntimeError):
                await anext(stream)
        else:
            await anext(stream)
            assert in_flight(router) == 1
            if end == "closed":
                await stream.aclose()
            else:
                spoken.end()
                assert await replies_of(stream) == []
        assert in_flight(router) == 0
        assert upstream.closed == 1

    asyncio.run(test())


def test_a_stream_goes_on_with_the_version_that_takes_its_models_place():
    async def test():
        upstream, spoken = EchoUpstream(), Spoken()
        router = router_over(upstream)
        stream = router.stream(call_of("iris"), spoken)
        spoken.say("a")
        await anext(stream)
        # The same version with another weight is no reason to begin anew.
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 1, 10, (R0,)),)))
        spoken.say("b")
        await anext(stream)
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 2, 100, (R0,)),)))
        spoken.say("c", "d")
        spoken.end()
        assert await replies_of(stream) == [
            ("iris_2", "c", [(b"x-own", b"1")]),
            ("iris_2", "d", [(b"x-own", b"1")]),
        ]
        assert (upstream.calls, upstream.closed) == (["iris_1", "iris_2"], 2)

    asyncio.run(test())


def test_a_stream_goes_on_with_the_replica_that_takes_the_place_of_its_own():
    async def test():
        old, new, spoken = EchoUpstream(), EchoUpstream(), Spoken()
        router = RouterHandler(RouteTable({R0: old, R1: new}), lambda: 0.0)
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 1, 100, (R0,)),)))
        stream = router.stream(call_of("iris"), spoken)
        spoken.say("a")
        await anext(stream)
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 1, 100, (R1,)),)))
        spoken.say("b")
        assert (await anext(stream)).payload == "b"
        assert (old.closed, new.calls) == (1, ["iris_1"])
        await stream.aclose()

    asyncio.run(test())


def test_a_stream_ends_with_its_model():
    async def test():
        spoken = Spoken()
        router = router_over(EchoUpstream())
        stream = router.stream(call_of("iris"), spoken)
        spoken.say("a")
        await anext(stream)
        router.publish(RouteUpdate("iris"))
        spoken.say("b")
        with pytest.raises(NotFoundError):
            await anext(stream)

    asyncio.run(test())


def test_the_config_is_that_of_the_chosen_version():
    router = router_over(EchoUpstream(), versions=(1, 2), point=0.9)
    assert asyncio.run(router.config(call_of("iris"))).name == "iris_2"


def test_statistics_are_of_every_version_of_the_route_on_every_replica():
    one = EchoUpstream(counts={"iris_1": [ModelStatistics("iris", "1", inference_count=1)]})
    other = EchoUpstream(
        counts={
            "iris_1": [ModelStatistics("iris", "1", inference_count=2)],
            "iris_2": [ModelStatistics("iris", "2", inference_count=5)],
        }
    )
    router = RouterHandler(RouteTable({R0: one, R1: other}), lambda: 0.0)
    candidates = tuple(RouteCandidate("iris", version, 50, (R0, R1)) for version in (1, 2))
    router.publish(RouteUpdate("iris", candidates))
    found = asyncio.run(router.statistics(call_of("iris")))
    assert [(each.version, each.inference_count) for each in found] == [("1", 3), ("2", 5)]
    by_header = call_of("", {b"seldon-model": b"iris"})
    assert asyncio.run(router.statistics(by_header)) == found
    of_version = call_of("iris")
    of_version.version = "2"
    assert asyncio.run(router.statistics(of_version)) == found[1:]
    of_version.version = "7"
    assert asyncio.run(router.statistics(of_version)) == found


def test_statistics_of_a_model_that_no_replica_has_are_not_found():
    with pytest.raises(NotFoundError, match="iris"):
        asyncio.run(router_over(EchoUpstream()).statistics(call_of("iris")))


class Untelling(EchoUpstream):
    """A replica of another kind, which tells no statistics."""

    async def statistics(self, call):
        raise UnsupportedError("it tells no statistics")


def test_statistics_that_no_replica_tells_are_an_error_and_missing_among_those_of_all():
    ours = EchoUpstream(counts={"": [ModelStatistics("wine", "1", inference_count=1)]})
    router = RouterHandler(RouteTable({R0: Untelling(), R1: ours}), lambda: 0.0)
    router.publish(RouteUpdate("iris", (RouteCandidate("iris", 1, 100, (R0,)),)))
    with pytest.raises(UnsupportedError, match="tells no statistics"):
        asyncio.run(router.statistics(call_of("iris")))
    [found] = asyncio.run(router.statistics(call_of()))
    assert found.name == "wine"


def test_statistics_of_no_model_are_those_of_all_and_each_replica_is_asked_once():
    shared = EchoUpstream(counts={"": [ModelStatistics("iris", "1", inference_count=1)]})
    router = RouterHandler(RouteTable({R0: shared, R1: shared}), lambda: 0.0)
    [found] = asyncio.run(router.statistics(call_of()))
    assert (found.name, found.inference_count) == ("iris", 1)


def test_a_route_that_changes_does_not_disturb_a_call_on_its_way():
    async def test():
        held = asyncio.get_running_loop().create_future()
        router = router_over(EchoUpstream(held=held))
        call = asyncio.create_task(router.infer(call_of("iris")))
        await asyncio.sleep(0)
        router.publish(RouteUpdate("iris"))
        held.set_result(None)
        assert (await call).headers[-1] == (b"x-seldon-route", b":iris_1:")

    asyncio.run(test())


class WithoutTheFirst(EchoUpstream):
    """Holds calls, and has no version 1 any more when it lets them go."""

    async def infer(self, call):
        reply = await super().infer(call)
        if call.internal_model == "iris_1":
            raise NotFoundError("model", "iris_1")
        return reply


def waiting_router(loop):
    upstream = WithoutTheFirst(held=loop.create_future())
    return router_over(upstream), upstream


def test_a_call_whose_version_goes_while_it_waits_is_answered_by_the_next():
    async def main():
        router, upstream = waiting_router(asyncio.get_running_loop())
        asking = asyncio.ensure_future(router.infer(call_of("iris")))
        await asyncio.sleep(0)
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 2, 100, (R0,)),)))
        upstream.held.set_result(None)
        reply = await asking
        assert reply.response.model_name == "iris_2"
        assert reply.headers[-1] == (b"x-seldon-route", b":iris_2:")

    asyncio.run(main())


def test_a_call_is_not_in_flight_any_more_where_its_version_went():
    async def main():
        loop = asyncio.get_running_loop()
        old, new = WithoutTheFirst(), EchoUpstream(held=loop.create_future())
        router = RouterHandler(RouteTable({R0: old, R1: new}), lambda: 0.0)
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 1, 100, (R0,)),)))
        old.held = loop.create_future()
        asking = asyncio.ensure_future(router.infer(call_of("iris")))
        await asyncio.sleep(0)
        left = router._table.resolve({}, "iris").candidates[0].upstreams[0]
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 2, 100, (R1,)),)))
        old.held.set_result(None)
        while not new.calls:
            await asyncio.sleep(0)
        assert left.in_flight == 0
        new.held.set_result(None)
        await asking

    asyncio.run(main())


class Missing(EchoUpstream):
    """Takes some messages, and has no model but `iris_2`. `then` is called before it says so."""

    def __init__(self, ahead, then):
        super().__init__()
        self.ahead = ahead
        self.then = then

    async def stream(self, call, messages):
        name = call.internal_model
        assert name not in self.calls, "it was asked already"
        if name == "iris_2":
            async for reply in super().stream(call, messages):
                yield reply
            return
        self.calls.append(name)
        for _ in range(self.ahead):
            await anext(messages)
        self.then()
        raise NotFoundError("model", name)


def test_a_stream_whose_version_goes_while_messages_wait_is_answered_by_the_next():
    def publish():
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 2, 100, (R0,)),)))

    upstream = Missing(2, publish)
    router = router_over(upstream)
    replies = asyncio.run(replies_of(router.stream(call_of("iris"), Given("a", "b", "c"))))
    assert [(name, payload) for name, payload, _ in replies] == [
        ("iris_2", "a"),
        ("iris_2", "b"),
        ("iris_2", "c"),
    ]
    assert upstream.calls == ["iris_1", "iris_2"]
    assert in_flight(router) == 0


def test_a_message_has_its_answer_with_the_final_part_of_it():
    class InParts(EchoUpstream):
        async def stream(self, call, messages):
            async for reply in super().stream(call, messages):
                for is_final in (False, True):
                    yield replace(reply, is_final=is_final, headers=[])
            raise NotFoundError("model", call.internal_model)

    router = router_over(InParts())
    stream = router.stream(call_of("iris"), Given("a", "b"))

    async def main():
        assert [(await anext(stream)).payload for _ in range(4)] == ["a", "a", "b", "b"]
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", 2, 100, (R0,)),)))
        with pytest.raises(NotFoundError):  # nothing is left for the other version
            await anext(stream)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("ahead", "version"), [(0, 2), (2, 1)], ids=["nothing to answer", "still routed"]
)
def test_a_stream_that_finds_no_model_is_not_found_if_no_other_can_help(ahead, version):
    def publish():
        router.publish(RouteUpdate("iris", (RouteCandidate("iris", version, 100, (R0,)),)))

    upstream = Missing(ahead, publish)
    router = router_over(upstream)
    with pytest.raises(NotFoundError):
        asyncio.run(replies_of(router.stream(call_of("iris"), Given("a", "b"))))
    assert upstream.calls == ["iris_1"]


@pytest.mark.parametrize("update", [None, RouteUpdate("iris")], ids=["lost", "deleted"])
def test_a_call_whose_model_goes_while_it_waits_is_not_found(update):
    async def main():
        router, upstream = waiting_router(asyncio.get_running_loop())
        asking = asyncio.ensure_future(router.infer(call_of("iris")))
        await asyncio.sleep(0)
        if update is not None:
            router.publish(update)
        upstream.held.set_result(None)
        with pytest.raises(NotFoundError):
            await asking
        assert upstream.calls == ["iris_1"]

    asyncio.run(main())

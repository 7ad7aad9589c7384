"""The router in the chain of calls."""

import asyncio

import pytest

from seldon_core.errors import ModelRuntimeError, NotFoundError, NotReadyError
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from tests.support.router_fakes import EchoUpstream, call_of

R0 = ReplicaId("mlserver", 0)


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


def test_metadata_is_that_of_the_chosen_version():
    router = router_over(EchoUpstream(), versions=(1, 2), point=0.9)
    assert asyncio.run(router.metadata(call_of("iris"))).name == "iris_2"


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

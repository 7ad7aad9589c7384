"""The router and replicas in other processes: they come, go, refuse and are lost."""

import asyncio

import pytest

from seldon_core.errors import NotFoundError, UnreachableError
from seldon_core.protocol.inference import InferResponse, Payload
from seldon_core.router.handler import RouterHandler
from seldon_core.router.table import RouteTable
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteCandidate, RouteUpdate
from seldon_core.transport.handler import StreamReply
from tests.support.hop import rest_call
from tests.support.router_fakes import EchoUpstream
from tests.support.stream_fakes import Given

R0, R1, R2 = (ReplicaId("mlserver", index) for index in range(3))
REFUSED, LOST = UnreachableError("refused"), UnreachableError("lost", was_sent=True)
MISSING = NotFoundError("model", "iris_1")


class Remote(EchoUpstream):
    """A replica in another process; `faults` are raised by its next calls."""

    def __init__(self, *faults):
        super().__init__()
        self.faults = list(faults)
        self.has_left = False

    def leave(self):
        self.has_left = True

    async def infer(self, call):
        self.fault = self.faults.pop(0) if self.faults else None
        return await super().infer(call)

    async def stream(self, call, messages):
        self.fault = self.faults.pop(0) if self.faults else None
        async for reply in super().stream(call, messages):
            yield reply

    async def metadata(self, call):
        if self.faults:
            raise self.faults.pop(0)
        return await super().metadata(call)

    async def ready(self, call):
        if self.faults:
            raise self.faults.pop(0)
        return True

    async def statistics(self, call):
        if self.faults:
            raise self.faults.pop(0)
        return ()


class Far(Remote):
    """Answers the first message of a stream and is lost then."""

    async def stream(self, call, messages):
        payload = await anext(messages)
        yield StreamReply(payload, InferResponse("far", []))
        await anext(messages)
        raise LOST


def address(port):
    return ReplicaAddress("127.0.0.1", port, port, True)


def router_of(remotes, replicas=None):
    """A router that has been told of `remotes`, by replica; `replicas` serve iris."""
    known = dict(remotes)
    router = RouterHandler(RouteTable({}), lambda: 0.0, lambda replica, _address: known[replica])
    for number, replica in enumerate(remotes):
        router.publish_replica(replica, address(number + 1))
    candidate = RouteCandidate("iris", 1, 100, tuple(replicas or remotes))
    router.publish(RouteUpdate("iris", (candidate,)))
    return router


def call():
    return rest_call(model="")


@pytest.mark.parametrize("fault", [REFUSED, MISSING], ids=["refused", "started anew"])
def test_a_call_that_did_not_run_is_answered_by_another_replica(fault):
    async def test():
        dead, alive = Remote(fault), Remote()
        router = router_of({R0: dead, R1: alive})
        reply = await router.infer(call())
        assert reply.headers == [(b"x-own", b"1"), (b"x-seldon-route", b":iris_1:")]
        assert alive.calls == ["iris_1"]

    asyncio.run(test())


def test_a_replica_that_nobody_has_told_of_is_passed_over():
    async def test():
        alive = Remote()
        await router_of({R1: alive}, (R0, R1)).infer(call())
        assert alive.calls == ["iris_1"]

    asyncio.run(test())


def test_a_lost_call_is_not_asked_a_third_time():
    async def test():
        replicas = {R0: Remote(LOST), R1: Remote(LOST), R2: Remote()}
        router = router_of(replicas)
        with pytest.raises(UnreachableError, match="lost"):
            await router.infer(call())
        assert sum(len(each.calls) for each in replicas.values()) == 2

    asyncio.run(test())


def test_a_call_whose_replica_has_lost_its_route_goes_where_that_leads_now():
    async def test():

        old, new = Remote(), Remote()
        router = router_of({R0: old, R1: new}, (R0,))

        async def lost(asked):
            candidate = RouteCandidate("iris", 2, 100, (R1,))
            router.publish(RouteUpdate("iris", (candidate,)))
            raise LOST

        old.infer = lost
        assert (await router.infer(call())).response.model_name == "iris_2"

    asyncio.run(test())


def test_what_a_model_says_of_itself_is_asked_elsewhere_too():
    async def test():
        router = router_of({R0: Remote(REFUSED, REFUSED), R1: Remote()})
        assert (await router.metadata(call())).name == "iris"
        assert await router.ready(call())

    asyncio.run(test())


def test_a_model_that_cannot_be_reached_is_not_ready():
    async def test():
        assert not await router_of({R0: Remote(REFUSED, REFUSED)}).ready(call())

    asyncio.run(test())


def test_statistics_leave_out_who_cannot_be_reached():
    async def test():
        router = router_of({R0: Remote(REFUSED), R1: Remote()})
        asked = call()
        asked.model = ""
        assert list(await router.statistics(asked)) == []

    asyncio.run(test())


def rolling(remotes, *models):
    """A router with the first replica's version beside the second's, which is always chosen."""
    router = router_of(remotes)
    candidates = (
        RouteCandidate(model, number, number - 1, (replica,))
        for number, (model, replica) in enumerate(zip(models, remotes, strict=True), 1)
    )
    router.publish(RouteUpdate("iris", tuple(candidates)))
    return router


def test_a_version_that_is_lost_while_it_is_rolled_is_stood_in_for_by_the_one_before():
    async def test():
        before, lost = Remote(), Remote(REFUSED, REFUSED, REFUSED)
        router = rolling({R0: before, R1: lost}, "iris", "iris")
        reply = await router.infer(call())
        assert reply.response.model_name == "iris_1"
        assert reply.headers[-1] == (b"x-seldon-route", b":iris_1:")
        payloads = [Payload(None, b"1"), Payload(None, b"2")]
        replies = [reply async for reply in router.stream(call(), Given(*payloads))]
        assert replies[0].headers[-1] == (b"x-seldon-route", b":iris_1:")
        assert (await router.metadata(call())).name
        assert not lost.faults

    asyncio.run(test())


def test_no_other_model_of_an_experiment_stands_in_for_one_that_is_lost():
    async def test():
        router = rolling({R0: Remote(), R1: Remote(REFUSED, REFUSED)}, "other", "iris")
        with pytest.raises(UnreachableError):
            await router.infer(call())

    asyncio.run(test())


@pytest.mark.parametrize("fault", [REFUSED, MISSING], ids=["refused", "started anew"])
def test_a_stream_is_taken_elsewhere_before_its_first_answer(fault):
    async def test():
        alive = Remote()
        router = router_of({R0: Remote(fault), R1: alive})
        payloads = [Payload(None, b"1"), Payload(None, b"2")]
        replies = [reply async for reply in router.stream(call(), Given(*payloads))]
        assert [reply.payload for reply in replies] == payloads
        assert replies[0].headers[-1] == (b"x-seldon-route", b":iris_1:")

    asyncio.run(test())


def test_a_stream_that_has_been_answered_ends_with_its_replica():
    async def test():
        router = router_of({R0: Far(), R1: Remote()})
        replies = router.stream(call(), Given(Payload(None, b"1"), Payload(None, b"2")))
        await anext(replies)
        with pytest.raises(UnreachableError, match="lost"):
            await anext(replies)

    asyncio.run(test())


class Stopping(Remote):
    """Answers one message of each stream, takes another, and stops."""

    async def stream(self, call, messages):
        has_answered = False
        async for payload in messages:
            if has_answered:
                raise REFUSED
            self.calls.append(call.internal_model)
            yield StreamReply(payload, InferResponse("far", []))
            has_answered = True


def test_what_a_replica_had_not_taken_when_it_stopped_is_answered_by_another():
    async def test():
        replicas = {R0: Stopping(), R1: Stopping()}
        router = router_of(replicas)
        payloads = [Payload(None, b"%d" % number) for number in range(6)]
        replies = [reply async for reply in router.stream(call(), Given(*payloads))]
        assert [reply.payload for reply in replies] == payloads
        assert [len(each.calls) for each in replicas.values()] == [3, 3]

    asyncio.run(test())


def test_a_replica_that_moves_or_goes_is_left():
    made = []

    def open_remote(replica, where):
        made.append((replica, where, Remote()))
        return made[-1][2]

    router = RouterHandler(RouteTable({}), lambda: 0.0, open_remote)
    for port in (1, 1, 2):
        router.publish_replica(R0, address(port))
    assert [where.http_port for _, where, _ in made] == [1, 2]
    assert [remote.has_left for *_, remote in made] == [True, False]
    router.publish_replica(R0, None)
    router.publish_replica(R0, None)
    assert made[1][2].has_left


def test_a_router_for_one_process_has_no_use_for_addresses():
    RouterHandler(RouteTable({}), lambda: 0.0).publish_replica(R0, address(1))

"""What Seldon's operator asks, over a scheduler that obeys."""

import asyncio
from typing import Any

import pytest

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.resources.model import KubernetesMeta
from seldon_core.scheduler.events import ServerNotice
from seldon_core.scheduler.operator_api import MOST_REPLICAS, OperatorApi


class Obedient:
    """A scheduler that says yes; it is complete when `may_go` is set."""

    def __init__(self):
        self.platform = self
        self.told: list[Any] = []
        self.may_go = asyncio.Event()

    async def notify_servers(self, notices, *, is_first_sync, actor):
        self.told.append((notices, is_first_sync, actor))

    async def complete(self):
        await self.may_go.wait()


def test_servers_are_taken_in_as_they_are_told():
    scheduler: Any = Obedient()
    meta = pb.KubernetesMeta(namespace="mesh", generation=3)
    request = pb.ServerNotifyRequest(isFirstSync=True)
    request.servers.add(
        name="mlserver", expectedReplicas=2, minReplicas=1, maxReplicas=2**32 - 1, shared=True
    )
    request.servers.add(name="triton", kubernetesMeta=meta)
    asyncio.run(OperatorApi(scheduler).notify(request, "me"))
    notices = [
        ServerNotice("mlserver", 2, 1, 2**32 - 1, is_shared=True),
        ServerNotice("triton", 0, 0, 0, is_shared=False, meta=KubernetesMeta("mesh", 3)),
    ]
    assert scheduler.told == [(notices, True, "me")]


def test_a_name_that_is_none_is_refused():
    scheduler: Any = Obedient()
    request = pb.ServerNotifyRequest(servers=[pb.ServerNotify(name="A")])
    with pytest.raises(InvalidResourceError, match=r"servers\.0\.name: 'A' must"):
        asyncio.run(OperatorApi(scheduler).notify(request, "me"))
    assert scheduler.told == []


def test_servers_are_asked_for_first_and_all_else_once_they_are_there():
    async def scenario():
        scheduler: Any = Obedient()
        messages = OperatorApi(scheduler).follow(pb.ControlPlaneSubscriptionRequest(), "me")
        first = await anext(messages)
        waiting = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        assert not waiting.done()
        scheduler.may_go.set()
        events = [first, await waiting, await anext(messages), await anext(messages)]
        names = [pb.ControlPlaneResponse.Event.Name(each.event) for each in events]
        assert names == ["SEND_SERVERS", "SEND_EXPERIMENTS", "SEND_MODELS", "SEND_PIPELINES"]
        silence = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        assert not silence.done()
        silence.cancel()
        await asyncio.gather(silence, return_exceptions=True)
        await messages.aclose()

    asyncio.run(scenario())


def test_the_scheduler_service_has_its_calls():
    scheduler: Any = Obedient()
    names = [method.name for method in OperatorApi(scheduler).methods()]
    assert names == ["ServerNotify", "SubscribeControlPlane"]


def test_a_number_of_replicas_that_no_server_has_is_refused():
    scheduler: Any = Obedient()
    request = pb.ServerNotifyRequest()
    request.servers.add(name="mlserver", expectedReplicas=MOST_REPLICAS + 1)
    with pytest.raises(InvalidResourceError, match=r"servers\.0\.expectedReplicas: 100001 is"):
        asyncio.run(OperatorApi(scheduler).notify(request, "me"))
    assert scheduler.told == []

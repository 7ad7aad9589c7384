import asyncio

import pytest
from grpc_health.v1 import health_pb2

from seldon_core.protocol import status
from seldon_core.transport.control_health import Health
from seldon_core.transport.conversations import CallStatusError

STATUS = health_pb2.HealthCheckResponse


def methods(health):
    return {method.name: method for service in health.services() for method in service.methods}


def asked_of(name=""):
    return health_pb2.HealthCheckRequest(service=name)


async def check(health, name=""):
    return (await methods(health)["Check"].handler(asked_of(name), "peer")).status


def test_what_is_served_is_said_to_be_until_the_end():
    async def test():
        health = Health(["test.Test"])
        names = ["", "test.Test", "seldon.mlops.health.HealthCheckService"]
        before = [await check(health, name) for name in names]
        own = methods(health)["HealthCheck"].handler
        oks = [(await own(None, "peer")).ok]
        await health.end()
        oks.append((await own(None, "peer")).ok)
        return before, [await check(health, name) for name in names], oks

    before, after, oks = asyncio.run(test())
    assert before == [STATUS.SERVING] * 3
    assert after == [STATUS.NOT_SERVING] * 3
    assert oks == [True, False]


def test_a_service_that_is_not_here_is_not_found():
    with pytest.raises(CallStatusError) as refused:
        asyncio.run(check(Health([]), "test.Other"))
    assert refused.value.code == status.NOT_FOUND
    assert refused.value.message == "there is no service 'test.Other' on this port"


@pytest.mark.parametrize(
    ("name", "is_late", "told"),
    [
        ("", False, [STATUS.SERVING, STATUS.NOT_SERVING]),
        ("", True, [STATUS.NOT_SERVING]),
        ("test.Other", False, [STATUS.SERVICE_UNKNOWN]),
        ("test.Other", True, [STATUS.SERVICE_UNKNOWN]),
    ],
    ids=["known", "known and late", "unknown", "unknown and late"],
)
def test_who_watches_is_told_of_the_end_before_it_comes(name, is_late, told):
    async def test():
        health, heard = Health([]), []
        hear = heard.append
        if is_late:
            await health.end()

        async def watch():
            async for answer in methods(health)["Watch"].handler(asked_of(name), "peer"):
                hear(answer.status)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            tasks.create_task(watch())
            await asyncio.sleep(0)
            await health.end()
            assert heard == [each for each in told for _ in range(2)]

    asyncio.run(test())


def test_the_end_does_not_wait_for_long_for_one_that_does_not_listen():
    async def test():
        health = Health([])
        deaf = methods(health)["Watch"].handler(asked_of(), "peer")
        await anext(deaf)
        begun = asyncio.get_running_loop().time()
        await health.end()
        took = asyncio.get_running_loop().time() - begun
        await deaf.aclose()
        return took

    assert 0.2 < asyncio.run(test()) < 2

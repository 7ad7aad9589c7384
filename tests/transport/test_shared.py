import asyncio

from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.transport import EchoFront, NoRpc


class FakeConnection:
    pass


def test_the_last_connection_that_leaves_is_noticed():
    async def main():
        loop = asyncio.get_running_loop()
        shared = Shared(loop, ListenerSettings(), EchoFront(), NoRpc(), InFlightBytes(1))
        first, second = FakeConnection(), FakeConnection()
        assert shared.on_empty.is_set()
        shared.register(first)
        shared.register(second)
        shared.paused[first] = None
        shared.unregister(first)
        shared.unregister(first)
        assert not shared.on_empty.is_set()
        assert shared.paused == {}
        shared.unregister(second)
        assert shared.on_empty.is_set()

    asyncio.run(main())


def test_the_more_connections_do_not_read_the_fewer_requests_of_each_may_wait():
    async def main():
        loop = asyncio.get_running_loop()
        shared = Shared(loop, ListenerSettings(), EchoFront(), NoRpc(), InFlightBytes(1))
        allowed = []
        for number in (0, 16, 32, 500, 2000):
            shared.paused = dict.fromkeys(range(number))
            allowed.append(shared.outstanding())
        assert allowed == [64, 64, 32, 2, 1]

    asyncio.run(main())


def test_patience_is_shorter_while_the_budget_is_used_up():
    async def main():
        loop, budget = asyncio.get_running_loop(), InFlightBytes(10)
        settings = ListenerSettings(stall_timeout_s=5)
        shared = Shared(loop, settings, EchoFront(), NoRpc(), budget)
        assert shared.patience_s(60.0) == 60.0
        budget.take(10)
        assert shared.patience_s(60.0) == 5.0
        assert shared.patience_s(3.0) == 3.0

    asyncio.run(main())

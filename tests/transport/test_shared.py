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

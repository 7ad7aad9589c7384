"""A router in a process of its own, its parts apart."""

import asyncio
from typing import Any

from seldon_core.config.load import load_settings
from seldon_core.router.repository import RouteIndex
from seldon_core.router_process import RouterProcess, open_router_process
from seldon_core.transport.control import RouteUpdate
from tests.support.diary import Diary


class Link:
    """The link to a scheduler."""

    def __init__(self):
        self.has_routes = asyncio.Event()
        self.said: list[Any] = []

    async def follow(self):
        self.said.append("follow")


class Quiet:
    """A router that hears of routes."""

    def publish(self, update):
        """Nothing is made of it."""


class Listener:
    """A data port."""

    def __init__(self, said):
        self.said = said

    async def drain(self, timeout_s):
        self.said.append(timeout_s)


def test_it_is_ready_once_it_knows_where_calls_go():
    async def scenario():
        link: Any = Link()
        index = RouteIndex(Quiet())
        process = RouterProcess(link, index)
        assert (process.live(), process.ready()) == (True, False)
        assert process.not_ready() == ["the scheduler has not told where calls go yet"]
        index.publish(RouteUpdate("iris", notice="is loading"))
        link.has_routes.set()
        assert process.ready()
        assert [row["name"] for row in process.status()] == ["iris"]
        assert "model_repository" not in process.metadata().extensions
        await process.begin()
        process.attach(Listener(link.said))
        await process.drain(5)
        assert process.not_ready() == ["the process is stopping"]
        assert link.said == ["follow", 5]

    asyncio.run(scenario())


def test_its_ports_are_open_before_there_is_a_scheduler():
    flags = {f"{group}.port": 0 for group in ("listener", "admin")} | {"agent.port": 1}
    settings = load_settings(None, {}, flags).settings

    async def scenario():
        diary = Diary()
        async with open_router_process(settings, diary) as process:
            assert diary.ports.data
            assert (diary.ports.scheduler, diary.ports.agent) == (None, None)
            assert not process.ready()
            reader, writer = await asyncio.open_connection("127.0.0.1", diary.ports.data)
            writer.write(b"GET /v2/models/iris HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"has not told yet where calls go" in answer

    asyncio.run(scenario())

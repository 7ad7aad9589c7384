"""A process with the scheduler and not every other role."""

import asyncio
import socket
from pathlib import Path

import pytest

from seldon_core.aio.supervise import open_tasks
from seldon_core.config.load import load_settings
from seldon_core.errors import ConfigError
from seldon_core.resources.model import FoundModels
from seldon_core.roles import Role
from seldon_core.router.link import RouteLink
from seldon_core.scheduler_process import open_scheduler_process
from seldon_core.transport.rpc_client import open_rpc_client
from tests.support.diary import Diary
from tests.support.scheduler_fakes import FakeRoutes

FREE = {f"{group}.port": 0 for group in ("listener", "scheduler", "agent", "admin")}


def opened(folder, roles, **flags):
    """The ports of a process with `roles`, and whether it has a data port to drain."""
    settings = load_settings(None, {}, FREE | flags).settings

    async def scenario():
        diary = Diary()
        opening = open_scheduler_process(
            settings, Path(folder), FoundModels(), diary, roles=frozenset(roles)
        )
        async with opening as process:
            await process.begin()
            await process.drain(1)
            return diary.ports, process.listener is not None, len(process.status())

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("roles", "has_data_port"),
    [
        ({Role.SCHEDULER}, False),
        ({Role.SCHEDULER, Role.ROUTER}, True),
        (set(Role), True),
    ],
    ids=["alone", "with a router", "with everything"],
)
def test_it_opens_the_ports_of_its_roles(tmp_path, roles, has_data_port):
    ports, has_listener, models = opened(tmp_path, roles)
    assert (ports.data is not None, has_listener) == (has_data_port, has_data_port)
    assert ports.scheduler
    assert ports.agent
    assert models == 0


def test_its_control_ports_are_on_loopback_unless_that_is_said_to_be_insecure(tmp_path):
    ports, _, _ = opened(tmp_path, {Role.SCHEDULER})
    assert ports.control_host == "127.0.0.1"
    with pytest.raises(ConfigError, match=r"control\.host"):
        opened(tmp_path, {Role.SCHEDULER}, **{"control.host": "0.0.0.0"})


@pytest.mark.parametrize(
    ("flags", "host"),
    [
        ({}, "127.0.0.1"),
        ({"control.host": "0.0.0.0", "control.insecure": True}, socket.gethostname()),
    ],
    ids=["control ports on loopback", "open to others"],
)
def test_routers_elsewhere_are_told_where_the_replicas_inside_are(tmp_path, flags, host):
    given = FREE | {"listener.host": "0.0.0.0"} | flags
    settings = load_settings(None, {}, given).settings

    async def scenario():
        diary, routes = Diary(), FakeRoutes()
        opening = open_scheduler_process(settings, tmp_path, FoundModels(), diary)
        async with opening as process:
            await process.begin()
            async with (
                open_rpc_client("127.0.0.1", diary.ports.agent, "the scheduler") as client,
                open_tasks("test") as tasks,
            ):
                link = RouteLink(client, routes)
                tasks.start(link.follow(), name="follow")
                async with asyncio.timeout(20):
                    await link.has_routes.wait()
            await process.drain(1)
        return {str(replica): address.host for replica, address in routes.replicas.items()}

    assert asyncio.run(scenario()) == {"mlserver/0": host, "triton/0": host}

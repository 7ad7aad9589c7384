"""A process with the scheduler and not every other role."""

import asyncio
from pathlib import Path

import pytest

from seldon_core.config.load import load_settings
from seldon_core.errors import ConfigError
from seldon_core.resources.model import FoundModels
from seldon_core.roles import Role
from seldon_core.scheduler_process import open_scheduler_process
from tests.support.diary import Diary

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

"""A replica in a process of its own, its parts apart."""

import asyncio
from typing import Any

import pytest

from seldon_core.agent_process import AgentProcess, definition_of, open_agent_process
from seldon_core.config.load import load_settings
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.transport.control import HeldModel, ModelReport, ReplicaId, ReplicaModelEvent
from tests.support.diary import Diary

REPLICA = ReplicaId("mlserver", 1)


class Link:
    """The link to a scheduler."""

    def __init__(self):
        self.was_subscribed = self.is_subscribed = False
        self.said: list[Any] = []

    def attach(self, agent):
        self.said.append(agent)

    def report(self, report):
        self.said.append(report)

    async def drain(self, timeout_s):
        self.said.append(("link", timeout_s))


class Agent:
    """An agent that holds one model."""

    def held(self):
        return (HeldModel(ModelVersion(ModelSpec("iris", "/iris", replicas=2), 3)),)


def process_of(link: Any) -> AgentProcess:
    process, agent, listener = AgentProcess(REPLICA), Agent(), Link()
    listener.drain = lambda timeout_s: link.drain(("listener", timeout_s))  # type: ignore[method-assign]
    process.attach(link, agent, listener)  # type: ignore[arg-type]
    return process


def test_it_is_ready_once_the_scheduler_has_taken_it():
    link = Link()
    process = AgentProcess(REPLICA)
    assert (process.live(), process.ready()) == (True, False)
    process = process_of(link)
    assert process.not_ready() == ["the scheduler has not taken this replica yet"]
    link.was_subscribed = True
    assert process.ready()


def test_it_passes_reports_on_and_begins_with_its_agent():
    link = Link()
    report = ModelReport(REPLICA, "iris", 1, ReplicaModelEvent.LOADED)
    AgentProcess(REPLICA).report(report)  # nothing was ordered, so nobody hears it
    process = process_of(link)
    process.report(report)
    asyncio.run(process.begin())
    assert link.said[0] == report
    assert isinstance(link.said[1], Agent)


def test_it_shows_what_it_holds():
    (row,) = process_of(Link()).status()
    assert (row["name"], row["version"], row["replicas"]) == ("iris", 3, ["mlserver/1"])


def test_it_says_that_it_has_no_repository():
    assert "trace" in process_of(Link()).metadata().extensions
    assert "model_repository" not in process_of(Link()).metadata().extensions


@pytest.mark.parametrize("is_subscribed", [True, False], ids=["linked", "alone"])
def test_it_has_its_models_served_elsewhere_before_it_ends(is_subscribed):
    link = Link()
    link.is_subscribed = is_subscribed
    process = process_of(link)
    asyncio.run(process.drain(5))
    *drained, (_, (which, left_s)) = link.said
    assert drained == ([("link", 5)] if is_subscribed else [])
    assert which == "listener"
    assert 4 < left_s < 5
    assert process.not_ready() == ["the process is stopping"]


def test_what_is_left_of_the_time_is_for_the_requests():
    link: Any = Link()
    link.is_subscribed = True

    async def drain(timeout_s):
        await asyncio.sleep(timeout_s)

    process = process_of(link)
    answered = link.drain
    link.drain = drain
    process._listener.drain = answered
    asyncio.run(process.drain(0.02))
    assert link.said == [("link", 0.0)]


def settings(**flags):
    given = {name.replace("_", ".", 1): value for name, value in flags.items()}
    return load_settings(None, {}, given).settings


@pytest.mark.parametrize(
    ("flags", "capability"),
    [
        ({"agent_serverName": "triton"}, "onnx"),
        ({"agent_serverName": "mine"}, "sklearn"),
        ({"agent_serverName": "triton", "agent_capabilities": "x"}, "x"),
    ],
    ids=["a default server", "any other", "as told"],
)
def test_it_can_what_its_server_can(flags, capability):
    assert capability in definition_of(settings(**flags).agent).capabilities


@pytest.mark.parametrize(
    ("scheduler", "host", "is_warned"),
    [("10.0.0.9", "", True), ("10.0.0.9", "10.0.0.7", False), ("localhost", "", False)],
    ids=["elsewhere", "elsewhere, and said where routers find it", "on this machine"],
)
def test_a_replica_that_other_machines_do_not_reach_says_so(scheduler, host, is_warned, caplog):
    ports = dict.fromkeys(("listener_port", "admin_port"), 0)
    given = settings(scheduler_host=scheduler, agent_host=host, agent_workers=1, **ports)

    async def scenario():
        async with open_agent_process(given, [], Diary()):
            pass

    asyncio.run(scenario())
    assert ("only routers on this machine reach this replica" in caplog.text) is is_warned

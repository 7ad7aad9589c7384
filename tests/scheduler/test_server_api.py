"""Our own API for servers, over a scheduler that obeys."""

import asyncio
from typing import Any

import pytest

from seldon_core.errors import InvalidResourceError
from seldon_core.proto import servers_pb2 as pb
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.decisions import Change
from seldon_core.scheduler.fleet_state import Phase, Replica
from seldon_core.scheduler.server_api import ServerApi
from seldon_core.transport.control import ReplicaId


class Obedient:
    """A scheduler that says yes."""

    def __init__(self):
        self.platform = self
        self.told: list[Any] = []

    async def _tell(self, what, change, actor):
        self.told.append((what, actor))
        return change

    def declare_server(self, spec, *, actor):
        return self._tell(spec, Change.CREATED, actor)

    def unload_server(self, name, *, actor):
        return self._tell(name, Change.DELETED, actor)

    def declare_server_config(self, spec, *, actor):
        return self._tell(spec, Change.UNCHANGED, actor)

    def unload_server_config(self, name, *, actor):
        return self._tell(name, Change.DELETED, actor)

    async def carried_out(self):
        self.told.append("asked")

    def server_specs(self):
        return [ServerSpec("s", replicas=2)]

    def server_configs(self):
        return [ServerConfigSpec("c")]


class Runner:
    """Two replicas, of which one pauses."""

    def __init__(self):
        self.pids = {ReplicaId("s", 0): 7}

    def replicas(self):
        spec = ServerSpec("s")
        return {
            ReplicaId("s", 0): Replica(spec, 1, Phase.READY, 0, 0),
            ReplicaId("s", 1): Replica(spec, 2, Phase.PAUSING, 0, 0, ends=3, last_end="signal 9"),
        }

    def notices(self):
        return {"t": "it lacks a disk"}


@pytest.fixture
def scheduler():
    return Obedient()


@pytest.fixture
def api(scheduler):
    return ServerApi(scheduler, Runner())


def test_servers_and_configs_are_declared_and_deleted(api, scheduler):
    calls = [
        (api.apply_server, pb.Server(name="s", replicas=1), "CREATED"),
        (api.apply_config, pb.ServerConfig(name="c"), "UNCHANGED"),
        (api.delete_server, pb.ServerReference(name="s"), "DELETED"),
        (api.delete_config, pb.ServerReference(name="c"), "DELETED"),
    ]
    for call, request, change in calls:
        assert asyncio.run(call(request, "me")) == pb.ServerChange(change=change)
    assert scheduler.told == [
        (ServerSpec("s"), "me"),
        (ServerConfigSpec("c"), "me"),
        ("s", "me"),
        ("c", "me"),
    ]


def test_what_is_no_server_is_refused(api, scheduler):
    with pytest.raises(InvalidResourceError):
        asyncio.run(api.apply_server(pb.Server(name="S"), "me"))
    assert scheduler.told == []


def test_what_was_declared_is_listed_with_its_processes(api, scheduler):
    listed = asyncio.run(api.list_servers(pb.ListServersRequest(), "me"))
    assert [(server.name, server.replicas) for server in listed.servers] == [("s", 2)]
    assert [config.name for config in listed.configs] == ["c"]
    assert list(listed.processes) == [
        pb.AgentProcess(serverName="s", replicaIdx=0, phase="ready", pid=7),
        pb.AgentProcess(serverName="s", replicaIdx=1, phase="pausing", ends=3, lastEnd="signal 9"),
    ]
    assert listed.notices == {"t": "it lacks a disk"}
    assert scheduler.told == ["asked"]


def test_where_nobody_runs_servers_there_are_no_processes(scheduler):
    api = ServerApi(scheduler, None)
    assert not asyncio.run(api.list_servers(pb.ListServersRequest(), "me")).processes


def test_every_method_has_its_handler(api):
    (service,) = api.services()
    assert service.name == "seldon_core.control.Servers"
    assert [method.name for method in service.methods] == [
        "ApplyServer",
        "DeleteServer",
        "ApplyServerConfig",
        "DeleteServerConfig",
        "ListServers",
    ]

"""Our own API for servers that are run here: declare them and their configs, see how they fare."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from seldon_core.proto import servers_pb2 as pb
from seldon_core.protocol.server_message import (
    server_config_message_of,
    server_config_of,
    server_message_of,
    server_of,
)
from seldon_core.scheduler.fleet_state import Replica
from seldon_core.scheduler.service import Scheduler
from seldon_core.transport.control import ReplicaId
from seldon_core.transport.control_services import ControlService, UnaryMethod


class Runner(Protocol):
    """Who runs agent processes on this machine."""

    @property
    def pids(self) -> Mapping[ReplicaId, int]:
        """The ids of the processes that run."""

    def replicas(self) -> Mapping[ReplicaId, Replica]:
        """Return every replica that has a process here, or pauses between two."""

    def notices(self) -> Mapping[str, str]:
        """Return why servers have fewer processes here than they ask for, by their names."""


class ServerApi:
    """Handlers of calls; `runner` is None where declared servers are not run."""

    def __init__(self, scheduler: Scheduler, runner: Runner | None) -> None:
        self._scheduler = scheduler
        self._runner = runner

    def services(self) -> Sequence[ControlService]:
        """Return what a control port is to serve."""
        return (
            ControlService(
                "seldon_core.control.Servers",
                (
                    UnaryMethod("ApplyServer", pb.Server, self.apply_server),
                    UnaryMethod("DeleteServer", pb.ServerReference, self.delete_server),
                    UnaryMethod("ApplyServerConfig", pb.ServerConfig, self.apply_config),
                    UnaryMethod("DeleteServerConfig", pb.ServerReference, self.delete_config),
                    UnaryMethod("ListServers", pb.ListServersRequest, self.list_servers),
                ),
            ),
        )

    async def apply_server(self, request: pb.Server, peer: str) -> pb.ServerChange:
        """Declare a server and tell what that changed."""
        change = await self._scheduler.platform.declare_server(server_of(request), actor=peer)
        return pb.ServerChange(change=change.name)

    async def delete_server(self, request: pb.ServerReference, peer: str) -> pb.ServerChange:
        """Delete a declared server; answers before its models are elsewhere."""
        change = await self._scheduler.platform.unload_server(request.name, actor=peer)
        return pb.ServerChange(change=change.name)

    async def apply_config(self, request: pb.ServerConfig, peer: str) -> pb.ServerChange:
        """Declare what servers have in common and tell what that changed."""
        config = server_config_of(request)
        change = await self._scheduler.platform.declare_server_config(config, actor=peer)
        return pb.ServerChange(change=change.name)

    async def delete_config(self, request: pb.ServerReference, peer: str) -> pb.ServerChange:
        """Delete a server config."""
        change = await self._scheduler.platform.unload_server_config(request.name, actor=peer)
        return pb.ServerChange(change=change.name)

    async def list_servers(self, _: pb.ListServersRequest, __: str) -> pb.ListServersResponse:
        """Return what was declared, and how the processes fare that run it here."""
        await self._scheduler.carried_out()
        return pb.ListServersResponse(
            servers=map(server_message_of, self._scheduler.platform.server_specs()),
            configs=map(server_config_message_of, self._scheduler.platform.server_configs()),
            processes=self._processes(),
            notices=self._runner.notices() if self._runner is not None else {},
        )

    def _processes(self) -> list[pb.AgentProcess]:
        if self._runner is None:
            return []
        pids = self._runner.pids
        return [
            pb.AgentProcess(
                serverName=replica.server,
                replicaIdx=replica.replica_idx,
                phase=each.phase.value,
                pid=pids.get(replica, 0),
                ends=each.ends,
                lastEnd=each.last_end,
            )
            for replica, each in self._runner.replicas().items()
        ]

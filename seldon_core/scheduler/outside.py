"""Carries out what the machine decided on replicas, routes and servers: everything outside it."""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol, assert_never

from seldon_core.errors import InvalidResourceError
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.remote import Remote
from seldon_core.resources.server import ServerConfigSpec, ServerSpec
from seldon_core.scheduler.decisions import (
    AskForReplicas,
    ConfigureServers,
    LoadOnReplica,
    PublishReplica,
    PublishRoute,
    PublishServer,
    RunServer,
    ScaleModel,
    UnloadOnReplica,
)
from seldon_core.scheduler.watching import Watch, Watches
from seldon_core.transport.control import (
    AgentLink,
    ModelReport,
    ReplicaId,
    ReplicaModelEvent,
    RouteSink,
)

_log = logging.getLogger(__name__)

Outward = (
    LoadOnReplica
    | UnloadOnReplica
    | PublishRoute
    | PublishReplica
    | PublishServer
    | RunServer
    | ConfigureServers
    | AskForReplicas
    | ScaleModel
)


class ServerOwner(Protocol):
    """Runs the replicas of declared servers as processes of this machine."""

    def run_server(self, spec: ServerSpec, replicas: int) -> None:
        """Keep so many replicas of a server running by `spec` from now on; 0 ends them."""

    def configure(self, config: ServerConfigSpec) -> None:
        """Have the servers that name `config` be as it says."""


class Outside:
    """The agents, the routers, who runs servers, and those who follow them.

    `remote_for` says by which remote a model is fetched; what it raises goes to `report` as the
    failure of the load.
    `scalings` counts how often models got more replicas by how much they were called, and fewer.
    """

    def __init__(
        self,
        links: Mapping[ReplicaId, AgentLink],
        routes: RouteSink,
        owner: ServerOwner | None,
        remote_for: Callable[[ModelSpec], Remote | None] = lambda _: None,
        report: Callable[[ModelReport], None] = lambda _: None,
    ) -> None:
        self._remote_for = remote_for
        self._report = report
        self._links = links
        self._routes = routes
        self._owner = owner
        self._servers, self._asks = Watches(), Watches()
        self._asked: dict[str, int] = {}
        self.scalings = {"up": 0, "down": 0}

    def carry_out(self, decision: Outward) -> None:
        """Do what was decided."""
        match decision:
            case LoadOnReplica() | UnloadOnReplica():
                self._order(decision)
            case PublishRoute(update):
                self._routes.publish(update)
            case PublishReplica(replica, address):
                self._routes.publish_replica(replica, address)
            case PublishServer(server):
                self.mark_server(server)
            case AskForReplicas(server, replicas):
                self._asked[server] = replicas
                self._asks.mark(server)
                self.mark_server(server)  # who follows servers looks for both
            case ScaleModel(before=before, replicas=replicas):
                self.scalings["up" if replicas > before else "down"] += 1
            case RunServer() | ConfigureServers():
                self._run(decision)
            case _:
                assert_never(decision)

    def mark_server(self, name: str) -> None:
        """Tell those who follow servers that one changed."""
        self._servers.mark(name)

    def watch_servers(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of servers whose status changes."""
        return self._servers.open()

    def watch_asks(self) -> AbstractContextManager[Watch]:
        """Follow, for the length of a block, the names of servers for which replicas are asked."""
        return self._asks.open()

    def asked_replicas(self, name: str) -> int | None:
        """Return how many replicas were asked for last for a server, None if nobody asked."""
        return self._asked.get(name)

    def end(self) -> None:
        """Send away who follows."""
        self._servers.end()
        self._asks.end()

    def _order(self, order: LoadOnReplica | UnloadOnReplica) -> None:
        link = self._links.get(order.replica)
        if link is None:  # it ended just now: that it is lost is one of the next events
            return
        if isinstance(order, LoadOnReplica):
            self._load(link, order.replica, order.version)
        else:
            link.unload_model(order.model, order.version)

    def _load(self, link: AgentLink, replica: ReplicaId, version: ModelVersion) -> None:
        """Have a version loaded by the remote that it is on as things are now.

        An agent that finds Secrets itself is told the name of one that is not here.
        """
        try:
            remote = self._remote_for(version.spec)
        except InvalidResourceError as error:
            if not link.finds_secrets:
                self._fail(replica, version, str(error))
                return
            remote = None
        link.load_model(version, remote)

    def _fail(self, replica: ReplicaId, version: ModelVersion, reason: str) -> None:
        """Take a load for failed that the replica never hears of."""
        name, number = version.spec.name, version.version
        _log.error(
            "model failed to load model=%s replica=%s reason=%r",
            version.internal_name,
            replica,
            reason,
        )
        failed = ReplicaModelEvent.LOAD_FAILED
        self._report(ModelReport(replica, name, number, failed, reason))

    def _run(self, decision: RunServer | ConfigureServers) -> None:
        if self._owner is None:
            return
        if isinstance(decision, RunServer):
            self._owner.run_server(decision.spec, decision.replicas)
        else:
            self._owner.configure(decision.config)

"""Servers as the scheduler shows them: the cells of a table, conditions, a manifest."""

from dataclasses import dataclass
from typing import Final

from seldon_core.cli.seen import NOTHING, Condition
from seldon_core.config.sizes import describe_bytes
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.proto import servers_pb2
from seldon_core.protocol.server_message import server_of
from seldon_core.resources.kubernetes import (
    API_VERSION,
    KINDS,
    SERVER,
    Kind,
    server_manifest_of,
)

LOOP_AFTER: Final = 3
"""So many ends of a process in a row are told of."""


@dataclass(frozen=True, slots=True)
class SeenServer:
    """A server as its status tells.

    `declared` is what a manifest said of it, None if none did. `processes` are its replicas that
    the scheduler's process runs, `notice` is why they are fewer than it asks for.
    """

    status: pb.ServerStatusResponse
    declared: servers_pb2.Server | None = None
    processes: tuple[servers_pb2.AgentProcess, ...] = ()
    notice: str = ""

    @classmethod
    def of(
        cls, status: pb.ServerStatusResponse, known: servers_pb2.ListServersResponse
    ) -> "SeenServer":
        """Return a server with what is `known` of it, of all that was declared."""
        name = status.serverName
        return cls(
            status,
            next((server for server in known.servers if server.name == name), None),
            tuple(process for process in known.processes if process.serverName == name),
            known.notices.get(name, ""),
        )

    @property
    def kind(self) -> Kind:
        """Server."""
        return KINDS[SERVER]

    @property
    def name(self) -> str:
        """The server's name."""
        return self.status.serverName

    @property
    def namespace(self) -> str:
        """Servers that nobody declared are there for every namespace."""
        return self.status.kubernetesMeta.namespace

    @property
    def is_deleted(self) -> bool:
        """Whether it is to have no replicas any more; one that is gone is not shown at all."""
        return self.declared is None and self.expected == 0

    @property
    def is_gone(self) -> bool:
        """A server that is gone is not shown at all."""
        return False

    @property
    def state(self) -> str:
        """A server has conditions only."""
        return ""

    @property
    def expected(self) -> int | None:
        """How many replicas there should be, None if nobody said."""
        return None if self.status.expectedReplicas < 0 else self.status.expectedReplicas

    @property
    def is_ready(self) -> bool:
        """Whether as many replicas are connected as should be, and one at least."""
        return self.status.availableReplicas >= max(1, self.expected or 0)

    @property
    def summary(self) -> str:
        """How many replicas there are, and which of them do not come up."""
        expected = "" if self.expected is None else f" of {self.expected}"
        loops = "".join(
            f"; the process of replica {process.replicaIdx} ended {process.ends} times in a row "
            f"({process.lastEnd})"
            for process in self.processes
            if process.ends >= LOOP_AFTER
        )
        notice = f"; {self.notice}" if self.notice else ""
        return f"connected replicas: {self.status.availableReplicas}{expected}{notice}{loops}"

    @property
    def total_bytes(self) -> int:
        """The memory for models of all replicas."""
        return sum(replica.totalMemoryBytes for replica in self.status.resources)

    @property
    def capacity_bytes(self) -> int:
        """What may be placed in all, over-commit included."""
        return sum(
            replica.totalMemoryBytes * (100 + replica.overCommitPercentage) // 100
            for replica in self.status.resources
        )

    @property
    def free_bytes(self) -> int:
        """What may still be placed, over-commit included, on all replicas."""
        return sum(replica.availableMemoryBytes for replica in self.status.resources)

    def conditions(self) -> list[Condition]:
        """Return Seldon's two conditions of a server."""
        reason = "" if self.is_ready else self.summary
        return [
            Condition("StatefulSetOrDeploymentReady", self.is_ready, reason),
            Condition("Ready", self.is_ready, reason),
        ]

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table."""
        return (
            self.name,
            self.conditions()[0].status,
            str(self.status.availableReplicas),
            str(self.status.numLoadedModelReplicas),
            describe_bytes(self.capacity_bytes),
            describe_bytes(self.free_bytes),
        )

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a wide table."""
        percentages = sorted({replica.overCommitPercentage for replica in self.status.resources})
        return (
            *self.cells(now),
            NOTHING if self.expected is None else str(self.expected),
            ",".join(f"{percentage} %" for percentage in percentages) or NOTHING,
        )

    def document(self) -> dict[str, object]:
        """Return what Kubernetes shows of a server, as far as the scheduler knows it."""
        meta = self.status.kubernetesMeta
        metadata: dict[str, object] = {"name": self.name}
        if meta.namespace:
            metadata["namespace"] = meta.namespace
        if meta.generation:
            metadata["generation"] = meta.generation
        return {
            "apiVersion": API_VERSION,
            "kind": SERVER,
            "metadata": metadata,
            "spec": self._spec(),
            "status": {
                "loadedModels": self.status.numLoadedModelReplicas,
                "replicas": self.status.availableReplicas,
                "selector": f"seldon-server-name={self.name}",
                "conditions": [condition.document() for condition in self.conditions()],
            },
        }

    def _spec(self) -> object:
        """What was declared, with the number of replicas that scaling made of it."""
        spec: dict[str, object] = {}
        if self.declared is not None:
            given = server_manifest_of(server_of(self.declared))["spec"]
            spec |= given if isinstance(given, dict) else {}
        if self.expected is not None:
            spec["replicas"] = self.expected
        return spec

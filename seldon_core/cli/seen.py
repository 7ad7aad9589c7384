"""Models and servers as the scheduler shows them: the cells of a table, conditions, a manifest."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from seldon_core.cli.durations import show_age
from seldon_core.config.sizes import describe_bytes
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import spec_of
from seldon_core.resources.kubernetes import API_VERSION, KINDS, MODEL, SERVER, Kind, manifest_of
from seldon_core.resources.model import DEFAULT_NAMESPACE

NOTHING: Final = "<none>"
"""What a table shows where there is nothing, as kubectl does."""


_REASON: Final = 80  # characters of a reason in a table; a wide one has all of it


@dataclass(frozen=True, slots=True)
class Condition:
    """A statement about a resource and whether it holds; `changed_at` is UTC seconds, 0 unknown."""

    type: str
    holds: bool
    reason: str = ""
    message: str = ""
    changed_at: float = 0.0

    @property
    def status(self) -> str:
        """Whether it holds, as Kubernetes writes it."""
        return "True" if self.holds else "False"

    def document(self) -> dict[str, object]:
        """Return the condition as it stands in a status."""
        document: dict[str, object] = {"type": self.type, "status": self.status}
        if self.changed_at:
            document["lastTransitionTime"] = show_time(self.changed_at)
        return document | {
            name: text
            for name, text in (("reason", self.reason), ("message", self.message))
            if text
        }


class Resource(Protocol):
    """What every kind of resource can be asked."""

    @property
    def kind(self) -> Kind:
        """Its kind."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def namespace(self) -> str:
        """Its namespace, "" if it is in all of them."""

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted and nothing of it is left."""

    @property
    def state(self) -> str:
        """The name of its state, "" if its kind has none."""

    @property
    def summary(self) -> str:
        """Its state and the reason in a few words."""

    def conditions(self) -> list[Condition]:
        """Return what can be waited for, and whether it holds."""

    def cells(self, now: float) -> tuple[str, ...]:
        """Return its row in a table at `now`, UTC seconds; see `HEADERS`."""

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return its row in a wide table; see `WIDE_HEADERS`."""

    def document(self) -> dict[str, object]:
        """Return its manifest with its status."""


HEADERS: Final = {
    MODEL: ("NAME", "READY", "DESIRED", "AVAILABLE", "STATE", "CHANGED", "REASON"),
    SERVER: ("NAME", "READY", "REPLICAS", "MODELS", "MEMORY", "FREE"),
}
WIDE_HEADERS: Final = {
    MODEL: (
        *HEADERS[MODEL][:-1],
        "VERSION",
        "SERVER",
        "MEMORY",
        "REQUIREMENTS",
        "STORAGE URI",
        HEADERS[MODEL][-1],
    ),
    SERVER: (*HEADERS[SERVER], "EXPECTED", "OVER-COMMIT"),
}


@dataclass(frozen=True, slots=True)
class SeenModel:
    """A model as its status tells. The version meant is the latest."""

    status: pb.ModelStatusResponse

    @property
    def kind(self) -> Kind:
        """Model."""
        return KINDS[MODEL]

    @property
    def name(self) -> str:
        """The model's name."""
        return self.status.modelName

    @property
    def latest(self) -> pb.ModelVersionStatus:
        """The version that was declared last."""
        return self.status.versions[-1] if self.status.versions else pb.ModelVersionStatus()

    @property
    def namespace(self) -> str:
        """What its manifest says, else the default one."""
        return self.latest.kubernetesMeta.namespace or DEFAULT_NAMESPACE

    @property
    def state(self) -> str:
        """The name of its state, by Seldon."""
        return state_name(self.latest.state.state)

    @property
    def reason(self) -> str:
        """Why it is in this state, "" if nobody said."""
        return self.latest.state.reason

    @property
    def summary(self) -> str:
        """State and reason."""
        return ": ".join(part for part in (self.state, self.reason) if part)

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted and is unloaded everywhere."""
        return self.status.deleted and self.state == "ModelTerminated"

    @property
    def changed_at(self) -> float:
        """When it came into its state, UTC seconds; 0 if that is not known."""
        return seconds_of(self.latest.state.lastChangeTimestamp)

    def conditions(self) -> list[Condition]:
        """Return Seldon's `ModelReady` and the `Ready` that every kind has."""
        ready = self.state == "ModelAvailable"
        details = (ready, self.reason, self.state, self.changed_at)
        return [Condition("ModelReady", *details), Condition("Ready", *details)]

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table, the reason cut to what fits beside the rest."""
        is_long = len(self.reason) > _REASON
        reason = f"{self.reason[: _REASON - 1]}…" if is_long else self.reason
        return (*self._cells(now), reason)

    def wide_cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a wide table."""
        declared = self.latest.modelDefn.modelSpec
        return (
            *self._cells(now),
            str(self.latest.version),
            self.latest.serverName or NOTHING,
            describe_bytes(declared.memoryBytes) if declared.memoryBytes else NOTHING,
            ",".join(declared.requirements) or NOTHING,
            declared.uri,
            self.reason,
        )

    def _cells(self, now: float) -> tuple[str, ...]:
        state = self.latest.state
        return (
            self.name,
            self.conditions()[0].status,
            str(self.latest.modelDefn.deploymentSpec.replicas),
            str(state.availableReplicas),
            self.state,
            show_since(self.changed_at, now),
        )

    def document(self) -> dict[str, object]:
        """Return its manifest with its status, as Kubernetes shows it."""
        state = self.latest.state
        status: dict[str, object] = {}
        if self.latest.kubernetesMeta.generation:
            status["observedGeneration"] = self.latest.kubernetesMeta.generation
        status["replicas"] = state.availableReplicas + state.unavailableReplicas
        status["availableReplicas"] = state.availableReplicas
        if self.latest.serverName:
            status["selector"] = f"server={self.latest.serverName}"
        if state.modelGwState:
            reason = f"({state.modelGwReason}) " if state.modelGwReason else ""
            status["modelgwReady"] = state_name(state.modelGwState) + reason
        status["conditions"] = [condition.document() for condition in self.conditions()]
        return manifest_of(spec_of(self.latest.modelDefn)) | {"status": status}


@dataclass(frozen=True, slots=True)
class SeenServer:
    """A server as its status tells."""

    status: pb.ServerStatusResponse

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
        """How many replicas there are."""
        expected = "" if self.expected is None else f" of {self.expected}"
        return f"connected replicas: {self.status.availableReplicas}{expected}"

    @property
    def total_bytes(self) -> int:
        """The memory for models of all replicas."""
        return sum(replica.totalMemoryBytes for replica in self.status.resources)

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
            describe_bytes(self.total_bytes),
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
            "spec": {} if self.expected is None else {"replicas": self.expected},
            "status": {
                "loadedModels": self.status.numLoadedModelReplicas,
                "replicas": self.status.availableReplicas,
                "selector": f"seldon-server-name={self.name}",
                "conditions": [condition.document() for condition in self.conditions()],
            },
        }


def state_name(number: int) -> str:
    """Return the name of a model's state; the number of one that only newer schedulers know."""
    return _name_of(pb.ModelStatus.ModelState, number)


def replica_state_name(number: int) -> str:
    """Return the name of the state of a version on one replica, or its number likewise."""
    return _name_of(pb.ModelReplicaStatus.ModelReplicaState, number)


def state_names() -> Iterator[str]:
    """Yield the names of the states that a model can be in."""
    for name, number in pb.ModelStatus.ModelState.items():
        if number:
            yield name


def _name_of(enum: Any, number: int) -> str:
    try:
        return str(enum.Name(number))
    except ValueError:
        return str(number)


def seconds_of(timestamp: Any) -> float:
    """Return a protobuf timestamp as UTC seconds; 0 for none and for Go's year 1."""
    seconds = timestamp.seconds + timestamp.nanos / 1e9
    return float(max(0.0, seconds))


def show_time(seconds: float) -> str:
    """Return an instant as Kubernetes writes it: `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_since(seconds: float, now: float) -> str:
    """Return how long ago an instant is at `now`."""
    return show_age(now - seconds) if seconds else "<unknown>"

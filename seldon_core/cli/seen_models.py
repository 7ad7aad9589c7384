"""Models as the scheduler shows them: the cells of a table, conditions, a manifest."""

from collections.abc import Iterator
from dataclasses import dataclass

from seldon_core.cli.seen import NOTHING, Condition, cut, name_of, seconds_of, show_since
from seldon_core.config.sizes import describe_bytes
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import spec_of
from seldon_core.resources.knobs import KNOBS
from seldon_core.resources.kubernetes import KINDS, MODEL, Kind, manifest_of
from seldon_core.resources.model import DEFAULT_NAMESPACE

_SCALE_TO_ZERO = KNOBS["scale_to_zero"].name


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
    def is_deleted(self) -> bool:
        """Whether it was deleted."""
        return self.status.deleted

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted and is unloaded everywhere."""
        return self.is_deleted and self.state == "ModelTerminated"

    @property
    def is_asleep(self) -> bool:
        """Whether it is scaled to zero and the next call loads it."""
        parameters = self.latest.modelDefn.modelSpec.parameters
        return self.state == "ModelScaledDown" and any(
            each.name == _SCALE_TO_ZERO and each.value == "true" for each in parameters
        )

    @property
    def changed_at(self) -> float:
        """When it came into its state, UTC seconds; 0 if that is not known."""
        return seconds_of(self.latest.state.lastChangeTimestamp)

    def conditions(self) -> list[Condition]:
        """Return Seldon's `ModelReady` and the `Ready` that every kind has."""
        ready = self.state == "ModelAvailable" or self.is_asleep
        details = (ready, self.reason, self.state, self.changed_at)
        return [Condition("ModelReady", *details), Condition("Ready", *details)]

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table, the reason cut to what fits beside the rest."""
        return (*self._cells(now), cut(self.reason))

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


def state_name(number: int) -> str:
    """Return the name of a model's state; the number of one that only newer schedulers know."""
    return name_of(pb.ModelStatus.ModelState, number)


def replica_state_name(number: int) -> str:
    """Return the name of the state of a version on one replica, or its number likewise."""
    return name_of(pb.ModelReplicaStatus.ModelReplicaState, number)


def state_names() -> Iterator[str]:
    """Yield the names of the states that a model can be in."""
    for name, number in pb.ModelStatus.ModelState.items():
        if number:
            yield name

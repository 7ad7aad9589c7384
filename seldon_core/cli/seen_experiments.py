"""Experiments as the scheduler shows them: the cells of a table, conditions, a manifest."""

from dataclasses import dataclass

from seldon_core.cli.seen import NOTHING, Condition, cut
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.experiment_message import experiment_of
from seldon_core.resources.declared_documents import experiment_document
from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.kubernetes import EXPERIMENT, KINDS, Kind
from seldon_core.resources.model import DEFAULT_NAMESPACE


@dataclass(frozen=True, slots=True)
class SeenExperiment:
    """An experiment as its status tells."""

    status: pb.ExperimentStatusResponse

    @property
    def kind(self) -> Kind:
        """Experiment."""
        return KINDS[EXPERIMENT]

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.status.experimentName

    @property
    def namespace(self) -> str:
        """What its manifest says, else the default one."""
        return self.status.kubernetesMeta.namespace or DEFAULT_NAMESPACE

    @property
    def state(self) -> str:
        """An experiment has conditions only."""
        return ""

    @property
    def summary(self) -> str:
        """Whether it is active, or why not."""
        return self.status.statusDescription

    @property
    def is_deleted(self) -> bool:
        """Whether it was stopped."""
        return self.status.deleted

    @property
    def is_gone(self) -> bool:
        """Nothing is left of an experiment that was stopped."""
        return self.is_deleted

    def conditions(self) -> list[Condition]:
        """Return Seldon's three, and the `Ready` that every kind has."""
        status = self.status
        conditions = [
            Condition("ExperimentReady", status.active, status.statusDescription),
            _told("Candidates", status.candidatesReady),
            _told("Mirror", status.mirrorReady),
        ]
        failing = next((one for one in conditions if not one.holds), conditions[0])
        return [*conditions, Condition("Ready", failing.holds, failing.reason, failing.message)]

    def cells(self, now: float) -> tuple[str, ...]:
        """Return the row of a table, the reason cut to what fits beside the rest."""
        *cells, reason = self.wide_cells(now)
        return (*cells[:4], cut(reason))

    def wide_cells(self, _now: float) -> tuple[str, ...]:
        """Return the row of a wide table."""
        spec = self.spec()
        ready, candidates, mirror, whole = self.conditions()
        return (
            self.name,
            whole.status,
            spec.default or NOTHING,
            _split(spec),
            ready.status,
            candidates.status,
            mirror.status,
            spec.resource_type.value,
            self.status.statusDescription,
        )

    def document(self) -> dict[str, object]:
        """Return its manifest with its status, as Kubernetes shows it."""
        status: dict[str, object] = {}
        if self.status.kubernetesMeta.generation:
            status["observedGeneration"] = self.status.kubernetesMeta.generation
        status["conditions"] = [condition.document() for condition in self.conditions()]
        return experiment_document(self.spec()) | {"status": status}

    def spec(self) -> ExperimentSpec:
        """Return what was declared; of Seldon's scheduler, which does not tell, the name."""
        if not self.status.HasField("experiment"):
            return ExperimentSpec(self.name)
        return experiment_of(self.status.experiment)


def _told(what: str, is_ready: bool) -> Condition:
    said = "ready" if is_ready else "not ready"
    return Condition(f"{what}Ready", is_ready, "", f"{what} {said}")


def _split(spec: ExperimentSpec) -> str:
    shares = [f"{one.name}={one.weight}" for one in spec.candidates]
    if spec.mirror is not None:
        shares.append(f"mirror:{spec.mirror.name}={spec.mirror.percent}%")
    return ",".join(shares) or NOTHING

"""An Experiment: traffic split over models or pipelines, and what makes one valid."""

from dataclasses import dataclass
from enum import Enum

from seldon_core.resources.fault import Fault
from seldon_core.resources.model import DEFAULT_NAMESPACE, KubernetesMeta


class ResourceType(Enum):
    """What the members of an experiment are."""

    MODEL = "model"
    PIPELINE = "pipeline"


@dataclass(frozen=True, slots=True)
class ExperimentCandidate:
    """A model or pipeline that may answer; its share is `weight` by the sum of all weights."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class ExperimentMirror:
    """A model or pipeline that gets a copy of `percent` of the calls; its answers are dropped."""

    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class ExperimentSpec:
    """What a user declared.

    `default` is the candidate whose own route the experiment takes over, None if it has only the
    route `<name>.experiment`. `sticky_sessions` is echoed and has no effect: a caller that sends
    `x-seldon-route` back always stays where it was.
    """

    name: str
    candidates: tuple[ExperimentCandidate, ...] = ()
    default: str | None = None
    mirror: ExperimentMirror | None = None
    resource_type: ResourceType = ResourceType.MODEL
    sticky_sessions: bool = False
    meta: KubernetesMeta | None = None

    @property
    def namespace(self) -> str:
        """The namespace that the experiment is in."""
        return (self.meta and self.meta.namespace) or DEFAULT_NAMESPACE

    @property
    def members(self) -> tuple[str, ...]:
        """The names of the candidates, then the mirror's."""
        mirror = () if self.mirror is None else (self.mirror.name,)
        return (*(candidate.name for candidate in self.candidates), *mirror)


def experiment_fault(spec: ExperimentSpec, holder: str | None = None) -> Fault | None:
    """Return the first thing that is wrong with an experiment, None if nothing is.

    `holder` is the name of another experiment that has the same default, if there is one.
    """
    members = spec.members
    if spec.default is not None and holder is not None:
        return Fault(
            "default",
            f"{spec.resource_type.value} {spec.default!r} is the default of experiment {holder!r} "
            f"already, so it cannot be that of {spec.name!r} too; stop the other one first",
        )
    if spec.default is not None and spec.default not in _candidates_of(spec):
        there_are = ", ".join(map(repr, _candidates_of(spec))) or "none"
        return Fault(
            "default",
            f"{spec.default!r} is not among the candidates of experiment {spec.name!r} "
            f"({there_are}); add it to them or leave default out",
        )
    if not members:
        return Fault(
            "candidates",
            f"experiment {spec.name!r} has neither a candidate nor a mirror to send calls to",
        )
    twice = next((name for name in members if members.count(name) > 1), None)
    if twice is not None:
        return Fault(
            "candidates",
            f"{spec.resource_type.value} {twice!r} is in experiment {spec.name!r} more than once; "
            "name each candidate, and the mirror, once",
        )
    return _range_fault(spec)


def _candidates_of(spec: ExperimentSpec) -> list[str]:
    return [candidate.name for candidate in spec.candidates]


def _range_fault(spec: ExperimentSpec) -> Fault | None:
    """What Seldon does not look at, and makes no sense."""
    if "" in spec.members:
        return Fault("candidates", f"a member of experiment {spec.name!r} has no name")
    if spec.mirror is not None and spec.mirror.percent > 100:
        return Fault(
            "mirror.percent",
            f"{spec.mirror.percent} of experiment {spec.name!r} is more than 100 percent",
        )
    return None

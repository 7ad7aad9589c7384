"""What the scheduler knows of pipelines and experiments. Changed inside `machine.handle` only.

Side of a pipeline version: Create (nobody is connected) | Creating -> Ready | Failed, and once it
is deleted or superseded Terminating -> Terminated | FailedTerminating.
Experiment: inactive <-> active, as its members can serve; stopped.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from seldon_core.resources.experiment import ExperimentSpec, ResourceType
from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler.acknowledgements import Clocks
from seldon_core.scheduler.declared_events import Side
from seldon_core.scheduler.records import StoredExperiment, StoredPipeline
from seldon_core.transport.control import RouteUpdate

if TYPE_CHECKING:
    from seldon_core.scheduler.declared_status import ExperimentStatus, PipelineStatus


class PipelineState(Enum):
    """The state of a version on one side, by Seldon's names."""

    CREATE = "PipelineCreate"
    CREATING = "PipelineCreating"
    READY = "PipelineReady"
    FAILED = "PipelineFailed"
    TERMINATE = "PipelineTerminate"
    TERMINATING = "PipelineTerminating"
    TERMINATED = "PipelineTerminated"
    REBALANCING = "PipelineRebalancing"
    FAILED_TERMINATING = "PipelineFailedTerminating"


@dataclass(slots=True)
class SideRecord:
    """A version on one side. `member` is who was told to take it in last, "" if nobody."""

    state: PipelineState = PipelineState.CREATE
    reason: str = ""
    member: str = ""


@dataclass(slots=True, eq=False)
class PipelineVersionRecord:
    """One generation of a pipeline; `changed_at` is when one of its sides changed last."""

    version: PipelineVersion
    declared_at: float
    changed_at: float
    sides: dict[Side, SideRecord] = field(
        default_factory=lambda: {side: SideRecord() for side in Side}
    )

    @property
    def is_over(self) -> bool:
        """Whether nobody has it any more."""
        return all(side.state is PipelineState.TERMINATED for side in self.sides.values())

    def set(self, side: Side, state: PipelineState, reason: str, now: float) -> None:
        """Have one side come into a state."""
        record = self.sides[side]
        if (record.state, record.reason) != (state, reason):
            record.state, record.reason, self.changed_at = state, reason, now


@dataclass(slots=True, eq=False)
class PipelineRecord:
    """A name and its versions from the oldest to the latest.

    `attempts` counts the orders that failed since one went well, and `wake_at` is when the pipeline
    wants to be looked at although nothing happened. `saved` is what is kept of it, and `shown` the
    status that watchers know.
    """

    name: str
    versions: dict[int, PipelineVersionRecord] = field(default_factory=dict)
    deleted_at: float | None = None
    attempts: int = 0
    wake_at: float | None = None
    route: RouteUpdate | None = None
    saved: StoredPipeline | None = None
    shown: "PipelineStatus | None" = None

    @property
    def latest(self) -> PipelineVersionRecord:
        """The version that was declared last; there is always one."""
        return self.versions[max(self.versions)]

    @property
    def is_deleted(self) -> bool:
        """Whether somebody deleted it."""
        return self.deleted_at is not None


@dataclass(slots=True, eq=False)
class ExperimentRecord:
    """An experiment; `problem` says why it is inactive, "" while it is active.

    `route` is what was published last for `<name>.experiment`.
    """

    name: str
    spec: ExperimentSpec
    declared_at: float
    problem: str = ""
    deleted_at: float | None = None
    wake_at: float | None = None
    route: RouteUpdate | None = None
    saved: StoredExperiment | None = None
    shown: "ExperimentStatus | None" = None

    @property
    def is_deleted(self) -> bool:
        """Whether somebody stopped it."""
        return self.deleted_at is not None

    @property
    def is_active(self) -> bool:
        """Whether its routes are in place."""
        return not self.is_deleted and not self.problem


Member = tuple[ResourceType, str]


@dataclass(slots=True)
class DeclaredState:
    """Pipelines and experiments, each in the order in which it came.

    `members` has those connected of each side, `clocks` what they were told. `pipelines_of` and
    `experiments_of` say which of them a model or another member is in, deleted ones left out, and
    `defaults` which experiment has it as its default. `taken` is the split published last in the
    place of a member's own route. `touched_…` are what the event at hand may have changed, and
    `released` the members that an experiment no longer has as its default. `wakeups` is a heap of
    (time, what, name); an entry counts if the record's `wake_at` is that time.
    """

    pipelines: dict[str, PipelineRecord] = field(default_factory=dict)
    experiments: dict[str, ExperimentRecord] = field(default_factory=dict)
    members: dict[Side, dict[str, None]] = field(
        default_factory=lambda: {side: {} for side in Side}
    )
    clocks: dict[Side, Clocks] = field(default_factory=lambda: {side: Clocks() for side in Side})
    pipelines_of: dict[str, dict[str, None]] = field(default_factory=dict)
    experiments_of: dict[Member, dict[str, None]] = field(default_factory=dict)
    defaults: dict[Member, str] = field(default_factory=dict)
    taken: dict[Member, RouteUpdate] = field(default_factory=dict)
    released: dict[Member, None] = field(default_factory=dict)
    touched_pipelines: dict[str, None] = field(default_factory=dict)
    touched_experiments: dict[str, None] = field(default_factory=dict)
    wakeups: list[tuple[float, str, str]] = field(default_factory=list)

"""What the scheduler knows of pipelines and experiments: versions in their order, their ends."""

from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler.declared_state import (
    DeclaredState,
    ExperimentRecord,
    PipelineRecord,
    PipelineState,
    PipelineVersionRecord,
    SideRecord,
)
from tests.support.declared_worlds import ENGINE, GATEWAY, a_pipeline, an_experiment


def a_version(number=1):
    return PipelineVersionRecord(PipelineVersion(a_pipeline(), number, "u"), 1.0, 1.0)


def test_a_version_begins_with_nobody_on_either_side():
    assert a_version().sides == {ENGINE: SideRecord(), GATEWAY: SideRecord()}
    assert SideRecord() == SideRecord(PipelineState.CREATE, "", "")


def test_a_version_is_over_when_both_sides_are():
    version = a_version()
    version.set(ENGINE, PipelineState.TERMINATED, "gone", 2.0)
    assert not version.is_over
    version.set(GATEWAY, PipelineState.TERMINATED, "gone", 3.0)
    assert version.is_over
    assert version.sides[ENGINE] == SideRecord(PipelineState.TERMINATED, "gone")


def test_a_change_is_one_of_the_state_or_of_the_reason():
    version = a_version()
    changed = []
    for now, state, reason in [
        (2.0, PipelineState.CREATE, ""),
        (3.0, PipelineState.CREATE, "why"),
        (4.0, PipelineState.CREATE, "why"),
        (5.0, PipelineState.CREATING, "why"),
    ]:
        version.set(GATEWAY, state, reason, now)
        changed.append(version.changed_at)
    assert changed == [1.0, 3.0, 3.0, 5.0]


def test_the_latest_version_has_the_highest_number():
    pipeline = PipelineRecord("p", {1: a_version(1), 10: a_version(10), 9: a_version(9)})
    assert pipeline.latest.version.version == 10


def test_a_pipeline_is_deleted_from_when_somebody_deleted_it():
    assert not PipelineRecord("p").is_deleted
    assert PipelineRecord("p", deleted_at=0.0).is_deleted


def test_an_experiment_is_active_while_it_has_no_problem_and_is_not_stopped():
    experiment = ExperimentRecord("e", an_experiment("e", "a"), 1.0)
    assert experiment.is_active
    experiment.problem = "a is not there"
    assert not experiment.is_active
    experiment.problem, experiment.deleted_at = "", 0.0
    assert experiment.is_deleted
    assert not experiment.is_active


def test_states_share_nothing():
    one, other = DeclaredState(), DeclaredState()
    one.members[GATEWAY]["g"] = None
    assert other.members == {ENGINE: {}, GATEWAY: {}}
    assert one.clocks.keys() == {ENGINE, GATEWAY}
    assert one.clocks[ENGINE] is not one.clocks[GATEWAY]

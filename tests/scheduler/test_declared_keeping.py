"""What of a pipeline or an experiment outlives a restart."""

from seldon_core.scheduler.declared_keeping import (
    restored_experiment,
    restored_pipeline,
    stored_experiment,
    stored_pipeline,
)
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.pipelines import NOBODY
from seldon_core.scheduler.records import (
    StoredExperiment,
    StoredPipeline,
    StoredPipelineVersion,
)
from tests.support.declared_worlds import (
    ENGINE,
    GATEWAY,
    a_pipeline,
    an_experiment,
    join,
    load_pipeline,
    start,
    stop,
)
from tests.support.scheduler_worlds import a_machine

FIRST, SECOND = a_pipeline("p", "a"), a_pipeline("p", "b")
PIPELINE = StoredPipeline(
    "p",
    (
        StoredPipelineVersion(1, "u1", FIRST, 10.0, 15.0),
        StoredPipelineVersion(3, "u3", SECOND, 11.0, None),
    ),
    None,
)


def test_of_a_pipeline_each_version_is_kept_and_when_it_was_over():
    machine = a_machine()
    load_pipeline(machine, SECOND, now=5, uid="u5")
    load_pipeline(machine, FIRST, now=7, uid="u7")
    assert stored_pipeline(machine.state.declared.pipelines["p"]) == StoredPipeline(
        "p",
        (
            StoredPipelineVersion(1, "u5", SECOND, 5, 7),
            StoredPipelineVersion(2, "u7", FIRST, 7, None),
        ),
        None,
    )


def test_a_version_that_somebody_may_still_run_is_not_over():
    machine = a_machine()
    join(machine)
    load_pipeline(machine, now=5)
    load_pipeline(machine, now=7)
    first, _ = stored_pipeline(machine.state.declared.pipelines["p"]).versions
    assert first.terminated_at is None


def test_what_was_kept_of_a_pipeline_is_what_comes_back():
    assert stored_pipeline(restored_pipeline(PIPELINE, now=20.0)) == PIPELINE


def test_after_a_restart_nobody_runs_a_pipeline_and_only_the_past_is_over():
    pipeline = restored_pipeline(PIPELINE, now=20.0)
    first, latest = pipeline.versions.values()
    assert first.is_over
    assert first.changed_at == 15.0
    assert {side: (its.state, its.reason) for side, its in latest.sides.items()} == {
        ENGINE: (PipelineState.CREATE, NOBODY[ENGINE]),
        GATEWAY: (PipelineState.CREATE, NOBODY[GATEWAY]),
    }
    assert latest.changed_at == 20.0
    assert pipeline.saved == PIPELINE


def test_a_deleted_pipeline_comes_back_as_one_that_is_over():
    kept = StoredPipeline("p", (StoredPipelineVersion(1, "u", FIRST, 1.0, None),), 2.0)
    pipeline = restored_pipeline(kept, now=20.0)
    assert pipeline.is_deleted
    assert pipeline.latest.is_over
    assert pipeline.latest.changed_at == 20.0


def test_an_experiment_is_kept_with_its_end():
    machine = a_machine()
    spec = an_experiment("e", "a", default="a")
    start(machine, spec, now=3)
    experiment = machine.state.declared.experiments["e"]
    assert stored_experiment(experiment) == StoredExperiment("e", spec, 3, None)
    stop(machine, now=4)
    assert stored_experiment(experiment) == StoredExperiment("e", spec, 3, 4)


def test_what_was_kept_of_an_experiment_is_what_comes_back():
    kept = StoredExperiment("e", an_experiment("e", "a"), 3.0, 4.0)
    experiment = restored_experiment(kept)
    assert stored_experiment(experiment) == kept
    assert experiment.saved == kept
    assert experiment.is_deleted

"""What operators see of pipelines and experiments."""

from seldon_core.resources.experiment import ResourceType
from seldon_core.scheduler.declared_decisions import OrderPipeline
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.declared_views import (
    ACTIVE,
    STOPPED,
    experiment_status,
    pipeline_status,
)
from tests.support.declared_worlds import (
    ENGINE,
    GATEWAY,
    a_pipeline,
    acknowledge,
    an_experiment,
    declare_model,
    delete_model,
    join,
    load_pipeline,
    made,
    serve_model,
    start,
    stop,
    unload_pipeline,
)
from tests.support.scheduler_worlds import R0, a_machine


def seen_pipeline(machine, name="p"):
    return pipeline_status(machine.state, machine.state.declared.pipelines[name])


def seen_experiment(machine, name="e"):
    return experiment_status(machine.state, machine.state.declared.experiments[name])


def members(status):
    """Whether the candidates are ready, and the mirror."""
    return status.candidates_ready, status.mirror_ready


def test_a_pipeline_has_its_versions_from_the_oldest_with_both_sides():
    machine = a_machine()
    join(machine, side=ENGINE)
    (order,) = made(load_pipeline(machine), OrderPipeline)
    acknowledge(machine, order, now=3)
    load_pipeline(machine, now=4)
    status = seen_pipeline(machine)
    assert (status.name, status.is_deleted) == ("p", False)
    assert [version.version.version for version in status.versions] == [1, 2]
    latest = status.latest
    assert (latest.state, latest.gateway_state) == (PipelineState.CREATING, PipelineState.CREATE)
    assert latest.gateway_reason.startswith("no pipeline gateway is connected")
    assert latest.changed_at == 4


def test_models_are_ready_when_some_version_of_each_can_be_called():
    machine = a_machine(R0)
    load_pipeline(machine, a_pipeline("p", "a", "b"))
    serve_model(machine, "a")
    assert not seen_pipeline(machine).latest.models_ready
    declare_model(machine, "b")
    assert not seen_pipeline(machine).latest.models_ready
    delete_model(machine, "b")
    assert not seen_pipeline(machine).latest.models_ready
    serve_model(machine, "c")
    load_pipeline(machine, a_pipeline("p", "a", "c"))
    first, second = seen_pipeline(machine).versions
    assert (first.models_ready, second.models_ready) == (False, True)
    unload_pipeline(machine)
    assert not seen_pipeline(machine).latest.models_ready


def test_an_experiment_says_which_of_its_members_are_ready():
    machine = a_machine(R0)
    start(machine, an_experiment("e", "a", mirror="b"))
    assert members(seen_experiment(machine)) == (False, False)
    assert "'a'" in seen_experiment(machine).description
    serve_model(machine, "b")
    assert members(seen_experiment(machine)) == (False, True)
    serve_model(machine, "a")
    status = seen_experiment(machine)
    assert members(status) == (True, True)
    assert (status.is_active, status.description) == (True, ACTIVE)
    delete_model(machine, "a")
    assert members(seen_experiment(machine)) == (False, True)


def test_a_mirror_that_was_not_wanted_is_ready():
    machine = a_machine()
    start(machine, an_experiment("e", "a"))
    assert members(seen_experiment(machine)) == (False, True)


def test_an_experiment_over_pipelines_asks_for_both_of_their_sides():
    machine = a_machine()
    start(machine, an_experiment("e", "p", resource_type=ResourceType.PIPELINE))
    assert members(seen_experiment(machine)) == (False, True)
    for side in (ENGINE, GATEWAY):
        join(machine, side=side)
    engine, gateway = made(load_pipeline(machine), OrderPipeline)
    acknowledge(machine, engine)
    assert not seen_experiment(machine).candidates_ready
    acknowledge(machine, gateway)
    assert seen_experiment(machine).candidates_ready
    unload_pipeline(machine)
    assert not seen_experiment(machine).candidates_ready


def test_an_experiment_that_was_stopped_has_to_do_with_nothing():
    machine = a_machine(R0)
    serve_model(machine, "a")
    start(machine, an_experiment("e", "a"))
    stop(machine)
    status = seen_experiment(machine)
    assert (status.is_deleted, status.is_active) == (True, False)
    assert members(status) == (False, False)
    assert status.description == STOPPED

"""Pipelines and experiments within the machine: what is kept, told, and forgotten."""

import pytest

from seldon_core.scheduler.decisions import Drop, PublishRoute, Save
from seldon_core.scheduler.declared_decisions import (
    OrderPipeline,
    PublishExperiment,
    PublishPipeline,
)
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.events import ReplicaConnected, SyncReached, Tick
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.retries import DELETED_TTL_S
from seldon_core.transport.control import ReplicaConfig
from tests.support.declared_worlds import (
    ENGINE,
    GATEWAY,
    a_pipeline,
    acknowledge,
    an_experiment,
    delete_model,
    join,
    load_pipeline,
    made,
    report_model,
    routes,
    serve_model,
    start,
    stop,
    unload_pipeline,
)
from tests.support.scheduler_worlds import R0, a_machine, restart


def kept(decisions):
    return [(each.stored.kind, each.stored.name) for each in made(decisions, Save)]


def test_what_is_declared_is_kept_and_told():
    machine = a_machine()
    decisions = load_pipeline(machine)
    assert kept(decisions) == [(Kind.PIPELINE, "p")]
    assert PublishPipeline("p") in decisions
    decisions = start(machine, an_experiment("e", "a"))
    assert kept(decisions) == [(Kind.EXPERIMENT, "e")]
    assert PublishExperiment("e") in decisions


def test_a_refusal_keeps_and_tells_nothing():
    machine = a_machine()
    assert len(unload_pipeline(machine)) == 1
    assert len(stop(machine)) == 1
    assert len(start(machine, an_experiment("e"))) == 1


def test_a_pipeline_s_own_route_says_why_it_cannot_be_called():
    machine = a_machine()
    decisions = load_pipeline(machine)
    assert routes(decisions)["p.pipeline"].startswith(
        "cannot be called: no dataflow engine is connected"
    )
    assert made(load_pipeline(machine), PublishRoute) == []
    assert routes(unload_pipeline(machine)) == {"p.pipeline": ""}


def test_models_are_ready_when_each_step_s_is():
    machine = a_machine(R0)
    load_pipeline(machine, a_pipeline("p", "a", "b"))
    serve_model(machine, "a")
    assert not machine.pipeline("p").latest.models_ready
    decisions = serve_model(machine, "b")
    assert machine.pipeline("p").latest.models_ready
    assert made(decisions, PublishPipeline) == [PublishPipeline("p")]
    decisions = delete_model(machine, "a")
    assert made(decisions, PublishPipeline) == [PublishPipeline("p")]
    assert not machine.pipeline("p").latest.models_ready


def test_an_event_of_a_model_that_flips_nothing_is_not_told():
    machine = a_machine(R0)
    load_pipeline(machine)
    serve_model(machine, "a")
    assert made(report_model(machine, "a", "UnloadFailed"), PublishPipeline) == []


def test_the_models_of_a_former_version_are_of_no_interest():
    machine = a_machine(R0)
    load_pipeline(machine, a_pipeline("p", "a"))
    load_pipeline(machine, a_pipeline("p", "b"))
    machine_before = machine.pipeline("p").latest
    serve_model(machine, "a")
    assert machine.pipeline("p").latest == machine_before
    serve_model(machine, "b")
    assert machine.pipeline("p").latest.models_ready


def test_everything_comes_back_after_a_restart():
    machine = a_machine(R0)
    decisions = [
        *serve_model(machine, "a"),
        *load_pipeline(machine),
        *load_pipeline(machine, now=2),
        *start(machine, an_experiment("e", "a", default="a")),
        *load_pipeline(machine, a_pipeline("gone")),
        *unload_pipeline(machine, "gone"),
        *start(machine, an_experiment("ended", "a")),
        *stop(machine, "ended"),
    ]
    successor = restart(machine, decisions, now=9)
    assert successor.pipeline_names() == ["p", "gone"]
    assert successor.experiment_names() == ["e", "ended"]
    first, second = successor.pipeline("p").versions
    assert first.state is PipelineState.TERMINATED
    assert first.changed_at == 2
    assert (second.state, second.version.uid) == (PipelineState.CREATE, "uid2")
    assert successor.pipeline("gone").latest.state is PipelineState.TERMINATED
    assert not successor.experiment("e").is_active
    assert successor.experiment("ended").is_deleted

    successor.handle(SyncReached(9))

    successor.handle(ReplicaConnected(9, R0, ReplicaConfig(("sklearn",), 100, 0)))
    back = report_model(successor, "a", now=10)
    assert routes(back) == {"e.experiment": [("a_1", 5000)], "a": [("a_1", 5000)]}
    assert successor.pipeline("p").latest.models_ready


def test_a_restart_keeps_nothing_anew():
    machine = a_machine()
    decisions = [*load_pipeline(machine), *start(machine, an_experiment("e", "a"))]
    successor = restart(machine, decisions)
    assert made(successor.handle(SyncReached(2)), Save) == []


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        pytest.param(unload_pipeline, Kind.PIPELINE, id="pipeline"),
        pytest.param(
            lambda machine, now: stop(machine, "p", now), Kind.EXPERIMENT, id="experiment"
        ),
    ],
)
def test_what_was_deleted_long_ago_is_forgotten(end, kind):
    machine = a_machine()
    load_pipeline(machine)
    start(machine, an_experiment("p", "a"))
    end(machine, now=5)
    assert machine.next_wakeup() == 5 + DELETED_TTL_S
    assert machine.handle(Tick(4 + DELETED_TTL_S)) == []
    assert machine.handle(Tick(5 + DELETED_TTL_S)) == [Drop(kind, "p")]
    is_left = (machine.pipeline("p") is not None, machine.experiment("p") is not None)
    assert is_left == (kind is Kind.EXPERIMENT, kind is Kind.PIPELINE)
    assert machine.next_wakeup() is None


def test_what_was_declared_again_is_not_forgotten():
    machine = a_machine()
    load_pipeline(machine)
    start(machine, an_experiment("e", "a"))
    unload_pipeline(machine)
    stop(machine)
    load_pipeline(machine)
    start(machine, an_experiment("e", "a"))
    assert machine.next_wakeup() is None
    assert machine.handle(Tick(2 + DELETED_TTL_S)) == []
    assert machine.pipeline("p") is not None
    assert machine.experiment("e") is not None


def test_a_pipeline_whose_sides_are_all_ready_says_that_calls_do_not_go_there():

    machine = a_machine()
    for side in (ENGINE, GATEWAY):
        join(machine, side=side)
    orders = made(load_pipeline(machine), OrderPipeline)
    assert "has yet to take it in" in machine.state.declared.pipelines["p"].route.notice
    decisions = [one for order in orders for one in acknowledge(machine, order)]
    assert "takes no calls from this program" in routes(decisions)["p.pipeline"]


def test_names_of_what_there_is_not_are_not_kept_in_mind():
    machine = a_machine()
    for number in range(10):
        unload_pipeline(machine, f"p{number}")
    assert machine.state.declared.touched_pipelines == {}


def test_what_is_deleted_and_declared_over_and_over_leaves_few_wakeups():
    machine = a_machine()
    for now in range(3_000):
        load_pipeline(machine, now=now)
        unload_pipeline(machine, now=now)
        start(machine, an_experiment("e", "a"), now=now)
        stop(machine, now=now)
    assert len(machine.state.declared.wakeups) < 2_000
    assert machine.handle(Tick(2_999 + DELETED_TTL_S)) == [
        Drop(Kind.EXPERIMENT, "e"),
        Drop(Kind.PIPELINE, "p"),
    ]

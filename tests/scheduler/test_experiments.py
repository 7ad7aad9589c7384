"""Experiments: when they are active, and the routes that follow."""

from dataclasses import replace

import pytest

from seldon_core.errors import InvalidResourceError, NotFoundError
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.model import KubernetesMeta
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Change,
    PublishRoute,
    UnloadOnReplica,
)
from seldon_core.scheduler.declared_decisions import OrderPipeline, PublishExperiment
from seldon_core.scheduler.experiments import MOST_WEIGHT
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
    report_model,
    routes,
    serve_model,
    start,
    stop,
)
from tests.support.scheduler_worlds import R0, R1, a_machine

HALVES = [("a_1", 5000), ("b_1", 5000)]


def with_models(*names):
    machine = a_machine(R0)
    for name in names:
        serve_model(machine, name)
    return machine


def answer(decisions):
    (one,) = made(decisions, AnswerCaller)
    return one


def test_an_experiment_whose_members_serve_is_active_and_routed():
    machine = with_models("a", "b")
    decisions = start(machine, an_experiment("e", "a", "b"))
    assert answer(decisions).change is Change.CREATED
    assert routes(decisions) == {"e.experiment": HALVES}
    status = machine.experiment("e")
    assert (status.is_active, status.candidates_ready, status.mirror_ready) == (True,) * 3
    assert status.description == "experiment active"


def test_the_default_s_own_route_is_taken_over():
    machine = with_models("a", "b")
    decisions = start(machine, an_experiment("e", "a", "b", default="b"))
    assert routes(decisions) == {"e.experiment": HALVES, "b": HALVES}


def test_shares_follow_the_weights_and_the_versions_of_each():
    machine = a_machine(R0, R1)
    serve_model(machine, "b")
    declare_model(machine, "a", replicas=2)
    for replica in (R0, R1):
        report_model(machine, "a", replica=replica)
    start(machine, an_experiment("e", "a", "b"))
    declare_model(machine, "a", now=2, replicas=2, memory_bytes=1)
    decisions = report_model(machine, "a", version=2, replica=R0, now=3)
    own = dict(routes(decisions)["a"])
    assert routes(decisions)["e.experiment"] == [
        *((name, 50 * share) for name, share in own.items()),
        ("b_1", 5000),
    ]


def test_a_member_that_cannot_serve_makes_it_inactive_with_the_reason():
    machine = with_models("a")
    decisions = start(machine, an_experiment("e", "a", "b", default="a"))
    problem = "model 'b' of route 'e.experiment' cannot serve: there is none of this name"
    assert routes(decisions) == {"e.experiment": f"is not active: {problem}"}
    status = machine.experiment("e")
    assert (status.is_active, status.candidates_ready, status.description) == (
        False,
        False,
        problem,
    )


def test_it_becomes_active_when_its_members_have_come():
    machine = with_models("a")
    start(machine, an_experiment("e", "a", "b", default="a"))
    decisions = declare_model(machine, "b")
    assert "is loading" in routes(decisions)["e.experiment"]
    decisions = report_model(machine, "b")
    assert routes(decisions) == {
        "e.experiment": HALVES,
        "a": HALVES,
        "b": [("b_1", 100)],
    }
    assert made(decisions, PublishExperiment) == [PublishExperiment("e")]


def test_a_member_that_goes_gives_the_default_its_own_route_back():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", "b", default="a"))
    decisions = delete_model(machine, "b")
    assert routes(decisions)["a"] == [("a_1", 100)]
    assert routes(decisions)["e.experiment"].startswith("is not active: model 'b'")
    kinds = [type(each) for each in decisions if isinstance(each, PublishRoute | UnloadOnReplica)]
    assert kinds == [PublishRoute, PublishRoute, PublishRoute, UnloadOnReplica]


def test_a_default_that_goes_has_no_route_any_more():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", "b", default="a"))
    assert routes(delete_model(machine, "a"))["a"] == ""


def test_a_new_version_of_the_default_changes_the_split_and_not_its_own_route():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", "b", default="a"))
    declare_model(machine, "a", now=2, memory_bytes=1)
    decisions = report_model(machine, "a", version=2, now=3)
    split = [("a_2", 5000), ("b_1", 5000)]
    assert routes(decisions) == {"e.experiment": split, "a": split}
    assert len(made(decisions, PublishRoute)) == 2


def test_a_mirror_that_cannot_serve_makes_it_inactive():
    machine = with_models("a")
    start(machine, an_experiment("e", "a", mirror="m"))
    status = machine.experiment("e")
    assert (status.is_active, status.candidates_ready, status.mirror_ready) == (False, True, False)
    serve_model(machine, "m")
    assert machine.experiment("e").is_active


def test_an_experiment_of_a_mirror_alone_answers_nobody():
    machine = with_models("m")
    decisions = start(machine, an_experiment("e", mirror="m"))
    assert routes(decisions) == {
        "e.experiment": "only mirrors: it has no candidate that could answer"
    }
    assert machine.experiment("e").is_active


def test_another_default_gives_the_former_one_its_route_back():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", "b", default="a"))
    decisions = start(machine, an_experiment("e", "a", "b", default="b"))
    assert answer(decisions).change is Change.CONFIGURED
    assert routes(decisions) == {"a": [("a_1", 100)], "b": HALVES}


def test_the_same_again_changes_nothing():
    machine = with_models("a", "b")
    spec = an_experiment("e", "a", "b", default="a")
    start(machine, spec)
    decisions = start(machine, spec)
    assert decisions == [AnswerCaller(7, change=Change.UNCHANGED)]


def test_stopping_takes_the_routes_away_and_may_be_repeated():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", "b", default="a"))
    decisions = stop(machine)
    assert answer(decisions).change is Change.DELETED
    assert routes(decisions) == {"e.experiment": "", "a": [("a_1", 100)]}
    status = machine.experiment("e")
    assert (status.is_deleted, status.is_active) == (True, False)
    assert status.description == "experiment stopped"
    assert answer(stop(machine)).change is Change.UNCHANGED


def test_a_stopped_experiment_follows_its_members_no_more_and_can_be_started_again():
    machine = with_models("a", "b")
    spec = an_experiment("e", "a", "b", default="a")
    start(machine, spec)
    stop(machine)
    assert set(routes(delete_model(machine, "b"))) == {"b"}
    assert answer(start(machine, spec)).change is Change.CREATED
    assert not machine.experiment("e").is_active


def test_what_nobody_started_cannot_be_stopped():
    refused = answer(stop(a_machine()))
    assert isinstance(refused.error, NotFoundError)
    assert str(refused.error) == "experiment 'e' not found"


def test_a_default_belongs_to_one_experiment_at_a_time():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", default="a"))
    other = an_experiment("f", "a", default="a")
    refused = answer(start(machine, other))
    assert isinstance(refused.error, InvalidResourceError)
    assert "is the default of experiment 'e' already" in str(refused.error)
    assert machine.experiment("f") is None
    stop(machine)
    assert answer(start(machine, other)).error is None


def test_a_pipeline_of_the_default_s_name_is_another():
    machine = with_models("a")
    start(machine, an_experiment("e", "a", default="a"))
    pipelines = an_experiment("f", "a", default="a", resource_type=ResourceType.PIPELINE)
    assert answer(start(machine, pipelines)).error is None


def test_an_experiment_that_is_not_valid_is_refused_and_changes_nothing():
    machine = with_models("a", "b")
    spec = an_experiment("e", "a")
    start(machine, spec)
    assert answer(start(machine, an_experiment("e"))).error is not None
    assert machine.experiment("e").spec == spec


def test_a_name_belongs_to_one_namespace():
    machine = with_models("a")
    spec = an_experiment("e", "a")
    start(machine, spec)
    refused = answer(start(machine, replace(spec, meta=KubernetesMeta("team"))))
    assert "already declared in namespace 'default'" in str(refused.error)
    stop(machine)
    assert answer(start(machine, replace(spec, meta=KubernetesMeta("team")))).error is None


@pytest.mark.parametrize("is_default", [True, False], ids=["as default", "as candidate"])
def test_an_experiment_over_pipelines_waits_until_they_can_be_called(is_default):
    machine = a_machine()
    load_pipeline(machine, a_pipeline("p"))
    spec = an_experiment(
        "e", "p", resource_type=ResourceType.PIPELINE, default="p" if is_default else None
    )
    decisions = start(machine, spec)
    assert set(routes(decisions)) == {"e.experiment"}
    description = machine.experiment("e").description
    assert description.startswith("pipeline 'p' of route 'e.experiment' cannot serve: cannot be")
    assert not machine.experiment("e").candidates_ready
    assert GATEWAY.value not in description  # what runs it is missing first


def test_a_pipeline_that_is_ready_makes_its_candidate_ready():

    machine = a_machine()
    for side in (GATEWAY, ENGINE):
        join(machine, side=side)
    spec = an_experiment("e", "p", resource_type=ResourceType.PIPELINE)
    start(machine, spec)
    told = made(load_pipeline(machine), OrderPipeline)
    assert not machine.experiment("e").candidates_ready
    decisions = [one for order in told for one in acknowledge(machine, order)]
    assert machine.experiment("e").candidates_ready
    assert PublishExperiment("e") in decisions


def test_a_candidate_that_lacks_replicas_is_not_ready_though_its_route_stays():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", "b"))
    decisions = declare_model(machine, "a", now=2, replicas=2)
    assert made(decisions, PublishRoute) == []
    assert PublishExperiment("e") in decisions
    status = machine.experiment("e")
    assert (status.is_active, status.candidates_ready) == (True, False)


def test_the_rest_of_a_split_stays_where_one_of_two_experiments_ends():
    machine = with_models("a", "b")
    start(machine, an_experiment("e", "a", "b", default="a"))
    start(machine, an_experiment("f", "a", "b", default="b"))
    assert routes(stop(machine, "f")) == {"f.experiment": "", "b": [("b_1", 100)]}
    assert machine.experiment("e").is_active


def test_the_largest_weights_are_what_a_router_can_be_told():
    machine = with_models("a", "b", "c")
    members = (("a", 2**32 - 1), ("b", 2**31), ("c", 1))
    candidates = tuple(ExperimentCandidate(name, weight) for name, weight in members)
    decisions = start(machine, ExperimentSpec("e", candidates))
    a, b, c = (share for _, share in routes(decisions)["e.experiment"])
    assert a <= MOST_WEIGHT
    assert a == pytest.approx(2 * b, rel=0.01)
    assert c == 1  # little, and more than nothing

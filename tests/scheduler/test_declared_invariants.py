"""Pipelines and experiments among anything in any order; and each rule, when it is broken."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.pipeline import PipelineSpec, PipelineStep
from seldon_core.scheduler.acknowledgements import Answer, Operation
from seldon_core.scheduler.decisions import (
    Drop,
    LoadOnReplica,
    PublishRoute,
    Save,
    UnloadOnReplica,
)
from seldon_core.scheduler.declared_decisions import (
    OrderPipeline,
    PublishExperiment,
    PublishPipeline,
)
from seldon_core.scheduler.declared_events import (
    ExperimentStartRequested,
    ExperimentStopRequested,
    PipelineAcknowledged,
    PipelineLoadRequested,
    PipelineMemberJoined,
    PipelineMemberLeft,
    PipelineUnloadRequested,
    Side,
)
from seldon_core.scheduler.declared_invariants import declared_violations
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    SyncReached,
    Tick,
    restored_event,
)
from seldon_core.scheduler.experiments import own_route
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaModelEvent
from tests.support.declared_worlds import (
    GATEWAY,
    an_experiment,
    join,
    load_pipeline,
    serve_model,
    start,
)
from tests.support.scheduler_worlds import R0, a_machine

MODELS = st.sampled_from(["a", "b", "c"])
PIPELINES = st.sampled_from(["p", "q"])
EXPERIMENTS = st.sampled_from(["e", "f"])
MEMBERS = st.sampled_from(["g", "h"])
SIDES = st.sampled_from(list(Side))


@st.composite
def specs(draw):
    sort = draw(st.sampled_from([ResourceType.MODEL] * 3 + [ResourceType.PIPELINE]))
    names = MODELS if sort is ResourceType.MODEL else PIPELINES
    members = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    has_mirror = len(members) > 1 and draw(st.booleans())
    mirror = ExperimentMirror(members.pop(), 10) if has_mirror else None
    default = draw(st.sampled_from([None, *members]))
    candidates = tuple(ExperimentCandidate(name, draw(st.integers(0, 9))) for name in members)
    return ExperimentSpec(draw(EXPERIMENTS), candidates, default, mirror, sort)


class DeclaredInAnyOrder(RuleBasedStateMachine):
    """Whatever is declared, loaded, connected and answered, and however often it all restarts.

    Its other side is what a router was told, what is kept, and the orders of members.
    """

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.kept = {}
        self.begin()

    def begin(self):
        self.machine = SchedulerMachine()
        self.routes, self.orders, self.loads, self.told = {}, [], [], {}
        for stored in list(self.kept.values()):
            self.send(restored_event(self.now, stored))
        self.send(SyncReached(self.now))
        self.send(ReplicaConnected(self.now, R0, ReplicaConfig(("sklearn",), 10**9, 0)))

    def send(self, event):
        self.now += 1
        for decision in self.machine.handle(event):
            match decision:
                case Save(stored):
                    self.kept[stored.kind, stored.name] = stored
                case Drop(kind, name):
                    self.kept.pop((kind, name))
                case PublishRoute(update):
                    self.routes[update.name] = update
                case LoadOnReplica(_, version):
                    self.loads.append((version, ReplicaModelEvent.LOADED))
                case UnloadOnReplica(_, model, number):
                    self.loads.append(((model, number), ReplicaModelEvent.UNLOADED))
                case OrderPipeline():
                    self.orders.append(decision)
                case PublishPipeline(pipeline=name):
                    self.told[name] = self.machine.pipeline(name)
                case PublishExperiment(experiment=name):
                    self.told[name] = self.machine.experiment(name)

    @rule(name=MODELS, uri=st.sampled_from(["/a", "/b"]))
    def declare_model(self, name, uri):
        self.send(ModelLoadRequested(self.now, ModelSpec(name, uri), 1))

    @rule(name=MODELS)
    def delete_model(self, name):
        self.send(ModelUnloadRequested(self.now, name, 1))

    @rule(place=st.integers(0, 9), works=st.sampled_from([True, True, True, False]))
    def report(self, place, works):
        if not self.loads:
            return
        about, event = self.loads.pop(place % len(self.loads))
        name, number = about if isinstance(about, tuple) else (about.spec.name, about.version)
        if not works:
            event = ReplicaModelEvent(event.value.replace("oaded", "oadFailed"))
        self.send(ModelReported(self.now, ModelReport(R0, name, number, event)))

    @rule(name=PIPELINES, models=st.lists(MODELS, min_size=1, unique=True), same=st.booleans())
    def load_pipeline(self, name, models, same):
        spec = PipelineSpec(name, tuple(map(PipelineStep, models)))
        self.send(PipelineLoadRequested(self.now, spec, f"u{self.now}", 1, only_if_changed=same))

    @rule(name=PIPELINES)
    def unload_pipeline(self, name):
        self.send(PipelineUnloadRequested(self.now, name, 1))

    @rule(spec=specs())
    def start(self, spec):
        self.send(ExperimentStartRequested(self.now, spec, 1))

    @rule(name=EXPERIMENTS)
    def stop(self, name):
        self.send(ExperimentStopRequested(self.now, name, 1))

    @rule(side=SIDES, member=MEMBERS)
    def join(self, side, member):
        self.send(PipelineMemberJoined(self.now, side, member))

    @rule(side=SIDES, member=MEMBERS)
    def leave(self, side, member):
        self.send(PipelineMemberLeft(self.now, side, member))

    @rule(place=st.integers(0, 9), works=st.sampled_from([True, True, False]))
    def acknowledge(self, place, works):
        if not self.orders:
            return
        order = self.orders.pop(place % len(self.orders))
        answers = {
            Operation.CREATE: (Answer.FAILED, Answer.READY),
            Operation.DELETE: (Answer.TERMINATE_FAILED, Answer.TERMINATED),
        }
        version = order.version
        self.send(
            PipelineAcknowledged(
                self.now,
                order.side,
                order.member,
                version.spec.name,
                version.version,
                version.uid,
                order.timestamp,
                answers[order.operation][works],
                1,
            )
        )

    @rule(later=st.sampled_from([0, 70, 100_000]))
    def tick(self, later):
        wakeup = self.machine.next_wakeup()
        if wakeup is not None:
            self.now = max(self.now + later, wakeup)
            self.send(Tick(self.now))

    @rule()
    def restart(self):
        self.begin()

    @invariant()
    def no_rule_is_broken(self):
        assert list(declared_violations(self.machine.state)) == []

    @invariant()
    def routers_know_each_name_s_route_or_split(self):
        state = self.machine.state
        for model in state.models.values():
            member = (ResourceType.MODEL, model.name)
            wanted = state.declared.taken.get(member) or own_route(state, member)
            assert self.routes[model.name] == wanted
        for name, record in state.declared.experiments.items():
            told = self.routes.get(f"{name}.experiment")
            assert told == record.route or (told is None and record.is_deleted)

    @invariant()
    def what_is_known_is_kept_and_was_told(self):
        kept = {(kind.value, name) for kind, name in self.kept if kind.value != "model"}
        pipelines, experiments = self.machine.pipeline_names(), self.machine.experiment_names()
        assert {each for each in kept if each[0] != "server"} == {
            *(("pipeline", name) for name in pipelines),
            *(("experiment", name) for name in experiments),
        }
        for name in pipelines:
            assert self.told[name] == self.machine.pipeline(name)
        for name in experiments:
            assert self.told[name] == self.machine.experiment(name)


test_no_rule_is_broken_whatever_happens = DeclaredInAnyOrder.TestCase


def broken(machine):
    return list(declared_violations(machine.state))


def with_everything():
    machine = a_machine(R0)
    serve_model(machine, "a")
    load_pipeline(machine)
    start(machine, an_experiment("e", "a", default="a"))
    assert broken(machine) == []
    return machine, machine.state.declared


def spoil_side(declared, state):
    declared.pipelines["p"].latest.sides[GATEWAY].state = state


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda its: spoil_side(its, PipelineState.TERMINATED), "is PipelineTerminated, deleted"),
        (lambda its: spoil_side(its, PipelineState.READY), "with '', who is not connected"),
        (lambda its: its.members[GATEWAY].update(g=None), "waits for somebody and somebody is"),
        (lambda its: setattr(its.experiments["e"], "problem", "x"), "is inactive for 'x'"),
        (lambda its: setattr(its.experiments["e"], "route", None), "another route than its mem"),
        (lambda its: setattr(its.experiments["e"], "deleted_at", 1), "stopped and is still routed"),
        (lambda its: its.taken.clear(), "are split, not"),
        (lambda its: its.defaults.update({(ResourceType.MODEL, "b"): "e"}), "does not have it"),
        (lambda its: its.pipelines_of.clear(), "models are in {}"),
        (lambda its: its.experiments_of.clear(), "members are in {}"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_broken_rule_is_told(spoil, said):
    machine, declared = with_everything()
    spoil(declared)
    assert any(said in sentence for sentence in broken(machine))


def test_an_inactive_experiment_that_is_routed_breaks_a_rule():
    machine, declared = with_everything()
    machine.state.models["a"].route = None
    declared.experiments[
        "e"
    ].problem = "model 'a' of route 'e.experiment' cannot serve: there is none of this name"
    assert "experiment e is inactive and routed" in broken(machine)


def test_an_older_version_that_was_relieved_breaks_a_rule():
    machine, declared = with_everything()
    join(machine)
    load_pipeline(machine, now=2)
    spoil_side(declared, PipelineState.READY)
    assert any("version 1 is PipelineCreating though" in each for each in broken(machine))

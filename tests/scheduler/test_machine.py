"""The scheduler's machine: worked cases as transcripts, and anything in any order."""

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    LoadOnReplica,
    PublishRoute,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.transport.control import ModelReport, ReplicaId, ReplicaModelEvent
from tests.support.transcripts import replay

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_scheduler_decides_as_the_transcript_says(path, request):
    written = path.read_text()
    played = replay(written)
    if request.config.getoption("--rewrite"):
        path.write_text(played)
    else:
        assert played == written


def test_the_repr_is_the_state_in_one_line():
    machine = SchedulerMachine()
    machine.handle(ModelLoadRequested(1, ModelSpec("iris", "/iris"), caller=1))
    assert repr(machine) == "<SchedulerMachine 0 replicas; iris v1 ScheduleFailed>"


def test_a_model_is_settled_when_nothing_is_under_way():
    machine = SchedulerMachine()
    mlserver = ReplicaId("mlserver", 0)

    def report(event):
        machine.handle(ModelReported(1, ModelReport(mlserver, "iris", 1, event)))
        return machine.is_settled("iris")

    assert machine.is_settled("iris")
    machine.handle(ReplicaConnected(1, mlserver, (), 100, 0))
    machine.handle(ModelLoadRequested(1, ModelSpec("iris", "/iris"), caller=1))
    assert not machine.is_settled("iris")
    assert report(ReplicaModelEvent.LOADED)
    machine.handle(ModelUnloadRequested(1, "iris", caller=2))
    assert not machine.is_settled("iris")
    assert report(ReplicaModelEvent.UNLOADED)
    assert machine.status_of("iris") is None


SPECS = st.builds(
    ModelSpec,
    name=st.sampled_from(["iris", "wine", "add"]),
    storage_uri=st.sampled_from(["/a", "/b", "/c"]),
    requirements=st.sampled_from([(), ("python",), ("sklearn",), ("gpu",)]),
    memory_bytes=st.sampled_from([0, 30, 60, 200]),
    replicas=st.integers(0, 3),
    server=st.sampled_from([None, None, "mlserver"]),
)
REPLICAS = st.sampled_from(
    [ReplicaId(server, index) for server in ("mlserver", "triton") for index in range(3)]
)
CAPABILITIES = {"mlserver": ("sklearn", "python"), "triton": ("onnx", "python")}


class AnyOrder(RuleBasedStateMachine):
    """Whatever is asked for, however loads end, whichever replica goes and when."""

    def __init__(self):
        super().__init__()
        self.machine = SchedulerMachine()
        self.now = 0.0
        self.orders = []  # (replica, model, version, is it a load), oldest first
        self.loaded = set()  # what replicas hold, as they see it
        self.routes = {}

    def send(self, event_type, *args):
        """Handle an event as the shell would; the replicas' orders wait for their reports."""
        self.now += 1
        answers = 0
        for decision in self.machine.handle(event_type(self.now, *args)):
            match decision:
                case LoadOnReplica(replica, version):
                    name, number = version.spec.name, version.version
                    model = self.machine.state.models[name]
                    assert not model.is_deleted
                    assert number == model.latest.version.version
                    assert (replica, name, number) not in self.loaded or self.is_stuck(name, number)
                    self.orders.append((replica, name, number, True))
                case UnloadOnReplica(replica, model, number):
                    routed = self.routes.get(model)
                    candidates = routed.candidates if routed is not None else ()
                    for candidate in candidates:
                        assert candidate.version != number or replica not in candidate.replicas
                    self.orders.append((replica, model, number, False))
                case PublishRoute(update):
                    self.routes[update.name] = update
                case AnswerCaller():
                    answers += 1
        assert answers == (event_type in (ModelLoadRequested, ModelUnloadRequested))

    def is_stuck(self, name, number):
        """Whether a version failed to unload somewhere."""
        record = self.machine.state.models[name].versions[number]
        return bool(record.replicas_in(ReplicaState.UNLOAD_FAILED, ReplicaState.LOADING))

    def healthy(self):
        """The models that can be called now."""
        return {name for name, route in self.routes.items() if route.candidates}

    @rule(spec=SPECS)
    def load(self, spec):
        before = self.healthy()
        self.send(ModelLoadRequested, spec, 1)
        if spec.replicas > 0:
            assert spec.name in self.healthy() or spec.name not in before

    @rule(name=st.sampled_from(["iris", "wine", "add"]))
    def unload(self, name):
        self.send(ModelUnloadRequested, name, 1)
        assert name not in self.healthy()

    @rule(replica=REPLICAS, memory=st.sampled_from([50, 100]))
    def connect(self, replica, memory):
        self.forget(replica)
        self.send(ReplicaConnected, replica, CAPABILITIES[replica.server], memory, 10)

    @rule(replica=REPLICAS)
    def lose(self, replica):
        self.forget(replica)
        self.send(ReplicaLost, replica)

    def forget(self, replica):
        self.orders = [order for order in self.orders if order[0] != replica]
        self.loaded = {held for held in self.loaded if held[0] != replica}

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), works=st.booleans(), memory=st.sampled_from([0, 40]))
    def order_ends(self, data, works, memory):
        replicas = sorted({order[0] for order in self.orders}, key=str)
        replica = data.draw(st.sampled_from(replicas))
        order = next(order for order in self.orders if order[0] == replica)
        self.orders.remove(order)
        _, model, version, is_load = order
        before = self.healthy()
        if is_load and works:
            self.loaded.add((replica, model, version))
            event = ReplicaModelEvent.LOADED
        elif is_load:
            event, memory = ReplicaModelEvent.LOAD_FAILED, 0
        elif works:
            self.loaded.discard((replica, model, version))
            event, memory = ReplicaModelEvent.UNLOADED, 0
        else:
            event, memory = ReplicaModelEvent.UNLOAD_FAILED, 0
        self.send(ModelReported, ModelReport(replica, model, version, event, "why", memory))
        assert before <= self.healthy()  # a report, good or bad, takes no route away

    @rule(replica=REPLICAS, event=st.sampled_from(list(ReplicaModelEvent)))
    def stray_report(self, replica, event):
        """From nowhere, about a version that nobody has."""
        before = repr(self.machine)
        self.now += 1
        report = ModelReport(replica, "iris", 999, event)
        for decision in self.machine.handle(ModelReported(self.now, report)):
            assert decision == UnloadOnReplica(replica, "iris", 999)
        assert repr(self.machine) == before

    @invariant()
    def the_state_is_sound(self):
        assert violations(self.machine.state) == []

    @invariant()
    def nothing_is_routed_that_its_replica_does_not_hold(self):
        for route in self.routes.values():
            for candidate in route.candidates:
                assert candidate.replicas
                for replica in candidate.replicas:
                    assert (replica, candidate.model, candidate.version) in self.loaded

    @invariant()
    def a_model_is_on_its_way_only_while_an_order_is(self):
        under_way = {order[1] for order in self.orders}
        for row in self.machine.status():
            if row.state in (ModelState.PROGRESSING, ModelState.TERMINATING):
                assert row.name in under_way

    @invariant()
    def when_all_is_quiet_only_the_latest_or_what_serves_is_loaded(self):
        if self.orders:
            return
        for replica, name, number in self.loaded:
            model = self.machine.state.models[name]
            record = model.versions[number]
            serves = any(c.version == number for c in self.routes[name].candidates)
            stuck = record.state is ModelState.TERMINATE_FAILED
            assert serves or stuck or record is model.latest, (replica, name, number)


TestAnyOrder = AnyOrder.TestCase

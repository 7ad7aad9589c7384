"""The scheduler's machine: worked cases as transcripts, and anything in any order."""

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Drop,
    LoadOnReplica,
    PublishRoute,
    PublishStatus,
    Save,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelRestored,
    ModelUnloadRequested,
    ReplicaConnected,
    ReplicaLost,
    SyncReached,
    Tick,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.state import ModelState, ReplicaState
from seldon_core.transport.control import ModelReport, ReplicaConfig, ReplicaId, ReplicaModelEvent
from tests.support.scheduler_worlds import R0, R1, a_machine, load, report, unload
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
    machine = a_machine()
    load(machine)
    assert repr(machine) == "<SchedulerMachine 0 replicas; iris v1 ScheduleFailed>"


def test_a_model_is_settled_when_nothing_is_under_way():
    machine = a_machine(R0)
    assert machine.is_settled("iris")
    load(machine)
    assert not machine.is_settled("iris")
    report(machine, 1, "Loaded")
    assert machine.is_settled("iris")
    unload(machine)
    assert not machine.is_settled("iris")
    report(machine, 1, "Unloaded")
    assert machine.is_settled("iris")


def test_a_deleted_model_is_settled_when_each_of_its_versions_is_gone():
    machine = a_machine(R0)
    load(machine)
    report(machine, 1, "Loaded")
    load(machine, is_again=True)
    report(machine, 2, "Loaded")
    unload(machine)
    report(machine, 2, "Unloaded")
    assert not machine.is_settled("iris")
    report(machine, 1, "Unloaded")
    assert machine.is_settled("iris")


def test_models_and_servers_are_shown_by_name_and_all_together():
    machine = a_machine(R0)
    load(machine)
    assert machine.models() == [machine.model("iris")]
    assert machine.model_names() == ["iris"]
    assert machine.servers() == [machine.server("mlserver")]
    assert machine.model("rose") is None
    assert machine.server("rose") is None


def test_what_the_filters_say_is_told_of_models_that_are_not_deleted():
    machine = a_machine(R0)
    load(machine)
    assert [verdict.replica_idx for verdict in machine.explain("iris")] == [None, 0]
    unload(machine)
    assert machine.explain("iris") == []
    assert machine.explain("rose") == []


def test_nothing_is_placed_before_the_expected_replicas_are_there():
    machine = SchedulerMachine()
    decisions = load(machine)
    decisions += machine.handle(ReplicaConnected(2, R0, ReplicaConfig((), 100, 0)))
    assert not any(isinstance(made, LoadOnReplica) for made in decisions)
    assert machine.model("iris").latest.state is ModelState.PROGRESSING
    assert LoadOnReplica in {type(made) for made in machine.handle(SyncReached(3))}


def test_a_status_is_told_of_when_it_changes_only():
    machine = a_machine(R0)
    assert PublishStatus("iris") in load(machine)
    assert PublishStatus("iris") in report(machine, 1, "Loaded")
    assert PublishStatus("iris") not in load(machine)
    assert PublishStatus("iris") in load(machine, replicas=2)


def test_only_what_an_event_changes_is_looked_at():
    machine = a_machine(R0)
    load(machine)
    machine.handle(ModelLoadRequested(1, ModelSpec("wine", "/wine"), caller=1))
    assert list(machine.state.touched) == ["wine"]


def test_a_replica_that_connects_before_models_are_placed_concerns_none():
    machine = SchedulerMachine()
    load(machine)
    machine.handle(ReplicaConnected(2, R0, ReplicaConfig((), 100, 0)))
    assert not machine.state.touched


def test_capabilities_are_taken_without_the_blanks_around_them():
    machine = a_machine()
    machine.handle(ReplicaConnected(1, R0, ReplicaConfig((" sklearn ",), 100, 0)))
    load(machine, requirements=("sklearn",))
    assert machine.model("iris").latest.state is ModelState.PROGRESSING


def test_what_failed_is_tried_again_when_a_replica_is_lost():
    machine = a_machine(R0, R1)
    load(machine)
    report(machine, 1, "LoadFailed", R0)
    decisions = machine.handle(ReplicaLost(2, R1))
    assert [made.replica for made in decisions if isinstance(made, LoadOnReplica)] == [R0]


SPECS = st.builds(
    ModelSpec,
    name=st.sampled_from(["iris", "iris", "wine"]),
    storage_uri=st.sampled_from(["/a", "/b", "/c"]),
    requirements=st.sampled_from([(), (), (), ("python",), ("sklearn",), ("gpu",)]),
    memory_bytes=st.sampled_from([0, 10, 30, 60, 200]),
    replicas=st.sampled_from([1, 1, 1, 0, 2, 3]),
    server=st.sampled_from([None, None, "mlserver"]),
)
REPLICAS = st.sampled_from(
    [ReplicaId(server, index) for server in ("mlserver", "triton") for index in range(3)]
)
CAPABILITIES = {"mlserver": ("sklearn", "python"), "triton": ("onnx", "python")}


class AnyOrder(RuleBasedStateMachine):
    """Whatever is asked for, however loads end, whichever replica goes and when.

    And however often the scheduler ends in between, with nothing left but what was kept.
    """

    def __init__(self):
        super().__init__()
        self.machine = SchedulerMachine()
        self.now = 0.0
        self.orders = []  # (replica, model, version, is it a load), oldest first
        self.loaded = set()  # what replicas hold, as they see it
        self.routes = {}
        self.kept = {}
        self.declared = {}  # what was answered: the spec, None if the model was deleted
        self.send(SyncReached)
        for server in CAPABILITIES:
            self.connect(ReplicaId(server, 0), 100)

    def send(self, event_type, *args):
        """Handle an event as the shell would; the replicas' orders wait for their reports."""
        self.now += 1
        answers = 0
        for decision in self.machine.handle(event_type(self.now, *args)):
            match decision:
                case LoadOnReplica(replica, version):
                    name, number = version.spec.name, version.version
                    model = self.machine.state.models[name]
                    assert number in {record.number for record in model.standing()}
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
                case Save(stored):
                    self.kept[stored.name] = stored
                case Drop(Kind.MODEL, name):
                    self.kept.pop(name, None)
                    self.declared.pop(name, None)
                case AnswerCaller(error=error):
                    answers += 1
                    accepted = error is None
        if answers and accepted:
            self.note(*args)
        assert answers == (event_type in (ModelLoadRequested, ModelUnloadRequested))

    def note(self, asked, caller, actor="", from_folder=False, is_again=False):
        if not isinstance(asked, ModelSpec):
            if not self.machine.state.models[asked].from_folder:
                self.declared[asked] = None
        elif not self.machine.state.models[asked.name].from_folder:
            self.declared[asked.name] = asked

    def is_stuck(self, name, number):
        """Whether a version failed to unload somewhere."""
        record = self.machine.state.models[name].versions[number]
        return bool(record.replicas_in(ReplicaState.UNLOAD_FAILED, ReplicaState.LOADING))

    def healthy(self):
        """The models that can be called now."""
        return {name for name, route in self.routes.items() if route.candidates}

    @rule(spec=SPECS, from_folder=st.sampled_from([False, False, True]), is_again=st.booleans())
    def load(self, spec, from_folder, is_again):
        before = self.healthy()
        self.send(ModelLoadRequested, spec, 1, "", from_folder, is_again)
        if spec.replicas > 0:
            assert spec.name in self.healthy() or spec.name not in before

    @rule(name=st.sampled_from(["iris", "wine", "rose"]))
    def unload(self, name):
        self.send(ModelUnloadRequested, name, 1)
        assert name not in self.healthy()

    @rule(replica=REPLICAS, memory=st.sampled_from([50, 100]))
    def connect(self, replica, memory):
        self.forget(replica)
        self.send(
            ReplicaConnected, replica, ReplicaConfig(CAPABILITIES[replica.server], memory, 10)
        )

    @rule(replica=REPLICAS)
    def lose(self, replica):
        self.forget(replica)
        self.send(ReplicaLost, replica)

    @precondition(lambda self: self.machine.next_wakeup() is not None)
    @rule(late=st.sampled_from([0, 0.5, 100]))
    def time_passes(self, late):
        self.now = max(self.now, self.machine.next_wakeup() + late - 1)  # `send` adds one
        before = self.healthy()
        self.send(Tick)
        assert before <= self.healthy()

    @rule(replicas=st.lists(REPLICAS, unique=True, max_size=4), is_synced_first=st.booleans())
    def restart(self, replicas, is_synced_first):
        """The process is killed; what it had not kept is gone, and so is every replica."""
        lasting = {
            name: route.candidates[0].version
            for name, route in self.routes.items()
            if route.candidates and not self.machine.state.models[name].from_folder
        }
        self.machine = SchedulerMachine()
        self.orders, self.loaded, self.routes = [], set(), {}
        for stored in list(self.kept.values()):
            self.send(ModelRestored, stored)
        for name, spec in self.declared.items():
            model = self.machine.state.models[name]
            assert model.is_deleted == (spec is None)
            assert spec is None or model.latest.version.spec == spec
        for name, number in lasting.items():  # what served is to serve again
            assert number in {r.number for r in self.machine.state.models[name].standing()}
        if is_synced_first:
            self.send(SyncReached)
        for replica in replicas:
            self.send(
                ReplicaConnected, replica, ReplicaConfig(CAPABILITIES[replica.server], 100, 10)
            )
        if not is_synced_first:
            self.send(SyncReached)

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
        for model in self.machine.models():
            if model.latest.state in (ModelState.PROGRESSING, ModelState.TERMINATING):
                assert model.name in under_way

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

"""The scheduler's machine among anything in any order: a Hypothesis state machine.

Its other side is a world of replicas: what they hold as they see it, the orders that they have yet
to carry out, and which of them the routers can reach.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.resources.server import ServerSpec
from seldon_core.scheduler import slices
from seldon_core.scheduler.decisions import (
    AnswerCaller,
    Drop,
    LoadOnReplica,
    PublishReplica,
    PublishRoute,
    RunServer,
    Save,
    UnloadOnReplica,
)
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ModelScalingSignalled,
    ModelUnloadRequested,
    ModelWakeRequested,
    ReplicaConnected,
    ReplicaDrainRequested,
    ReplicaLost,
    ServerDeclared,
    ServerNotice,
    ServersNotified,
    ServerUnloadRequested,
    SyncReached,
    Tick,
    restored_event,
)
from seldon_core.scheduler.invariants import violations
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.scheduler.records import Kind
from seldon_core.scheduler.state import HAS_COME, ModelState, ReplicaState
from seldon_core.transport.control import (
    HeldModel,
    ModelReport,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaId,
    ReplicaModelEvent,
    ScalingSignal,
    SignalKind,
)

SPECS = st.builds(
    ModelSpec,
    name=st.sampled_from(["iris", "iris", "wine", "rose"]),
    storage_uri=st.sampled_from(["/a", "/b", "/c"]),
    requirements=st.sampled_from([(), (), (), ("python",), ("sklearn",), ("gpu",)]),
    memory_bytes=st.sampled_from([0, 10, 30, 60, 200]),
    replicas=st.sampled_from([1, 1, 1, 0, 2, 3]),
    min_replicas=st.sampled_from([0, 0, 1]),
    max_replicas=st.sampled_from([0, 0, 3]),
    knobs=st.sampled_from(
        [
            Knobs(),
            Knobs(),
            Knobs(target_rps=2.0),
            Knobs(scale_to_zero=True),
            Knobs(scale_to_zero=True, target_rps=2.0),
        ]
    ),
    server=st.sampled_from([None, None, "mlserver"]),
)
CAPABILITIES = {"mlserver": ("sklearn", "python"), "triton": ("onnx", "python")}
SERVERS = st.sampled_from(list(CAPABILITIES))
REPLICAS = st.sampled_from(
    [ReplicaId(server, index) for server in CAPABILITIES for index in range(3)]
)
ADDRESS = ReplicaAddress("there", 9000, 9000, is_ours=True)
STRAY = HeldModel(ModelVersion(ModelSpec("stray", "/stray"), 7))
OTHER_SPEC = HeldModel(ModelVersion(ModelSpec("iris", "/elsewhere"), 1))
NEVER_WAS = HeldModel(ModelVersion(ModelSpec("iris", "/a"), 999))
UNLOADING_EVENTS = (ReplicaModelEvent.UNLOADED, ReplicaModelEvent.UNLOAD_FAILED)


class AnyOrder(RuleBasedStateMachine):
    """Whatever is asked for, however loads end, whichever replica goes and when.

    And however often the scheduler ends in between, with nothing left but what was kept, while
    replicas go on, or do not.
    """

    def __init__(self):
        super().__init__()
        self.slice, slices.SLICE = slices.SLICE, 1  # two models are too many for one step
        self.now = 0.0
        self.caller = 0
        self.orders = []  # (replica, version, is it a load), oldest first
        self.loaded = {}  # what replicas hold, as they see it: (replica, model, number) -> version
        self.connected = set()
        self.kept = {}
        self.declared = {}  # what was answered: the spec, None if the model was deleted
        self.servers = {}  # the same of servers
        self.start()
        self.send(SyncReached)
        for server in CAPABILITIES:
            self.connect(ReplicaId(server, 0), 100, [])

    def start(self):
        self.machine = SchedulerMachine()
        self.routes = {}
        self.reachable = set()
        self.running = {}
        self.drains = {}  # replicas by the callers who drain them

    def send(self, event_type, *args):
        """Handle an event as the shell would; the replicas' orders wait for their reports."""
        self.now += 1
        event = event_type(self.now, *args)
        answers = []
        for decision in self.machine.handle(event):
            if isinstance(decision, AnswerCaller):
                answers.append(decision)
            else:
                self.carry_out(decision)
        for answer in answers:
            self.drains.pop(answer.caller, None)
        mine = [answer for answer in answers if answer.caller == getattr(event, "caller", 0)]
        asked = hasattr(event, "caller") and not isinstance(event, ReplicaDrainRequested)
        assert len(mine) <= 1
        assert len(mine) == 1 or not asked
        return bool(mine) and mine[0].error is None

    def ask(self, event_type, *args):
        """Send a request of a caller of its own."""
        self.caller += 1
        return self.send(event_type, *args)

    def carry_out(self, decision):
        match decision:
            case LoadOnReplica(replica, version):
                assert replica in self.connected
                model = self.machine.state.models[version.spec.name]
                assert version.version in {record.number for record in model.standing()}
                self.orders.append((replica, version, True))
            case UnloadOnReplica(replica, model, number):
                self.assert_not_routed(replica, model, number)
                self.orders.append((replica, ModelVersion(ModelSpec(model, ""), number), False))
            case PublishRoute(update):
                self.routes[update.name] = update
            case PublishReplica(replica, address):
                (self.reachable.discard if address is None else self.reachable.add)(replica)
            case RunServer(spec, replicas):
                self.running[spec.name] = replicas
            case Save(stored):
                self.kept[stored.kind, stored.name] = stored
            case Drop(kind, name):
                self.kept.pop((kind, name), None)
                if kind is Kind.MODEL:
                    self.declared.pop(name, None)
                else:
                    assert name not in self.servers

    def assert_not_routed(self, replica, model, number):
        routed = self.routes.get(model)
        for candidate in routed.candidates if routed is not None else ():
            assert candidate.version != number or replica not in candidate.replicas

    def healthy(self):
        """The models that can be called now."""
        return {
            name
            for name, route in self.routes.items()
            if any(self.reachable.intersection(each.replicas) for each in route.candidates)
        }

    # What users ask for.

    @rule(spec=SPECS, from_folder=st.sampled_from([False, False, True]), is_again=st.booleans())
    def load(self, spec, from_folder, is_again):
        before = self.healthy()
        if self.ask(ModelLoadRequested, spec, self.caller + 1, "", from_folder, is_again):
            self.note(spec.name, spec)
        if spec.replicas > 0:
            assert spec.name in self.healthy() or spec.name not in before

    @rule(name=st.sampled_from(["iris", "wine", "rose", "stray"]))
    def unload(self, name):
        if self.ask(ModelUnloadRequested, name, self.caller + 1):
            self.note(name, None)
        assert name not in self.healthy()

    def note(self, name, spec):
        if not self.machine.state.models[name].from_folder:
            self.declared[name] = spec

    @rule(name=SERVERS, replicas=st.integers(0, 3), bound=st.sampled_from([0, 0, 3]))
    def declare_server(self, name, replicas, bound):
        spec = ServerSpec(name, replicas=replicas, max_replicas=bound)
        assert self.ask(ServerDeclared, spec, self.caller + 1)
        self.servers[name] = spec
        assert self.running[name] == replicas or bound

    @rule(name=SERVERS)
    def unload_server(self, name):
        server = self.machine.state.servers.get(name)
        is_left_over = server and not server.replicas and server.expected_replicas == -1
        is_known = self.servers.pop(name, None) is not None or bool(is_left_over)
        assert self.ask(ServerUnloadRequested, name, self.caller + 1) == is_known
        assert self.running.get(name, 0) == 0

    @rule(
        name=SERVERS,
        replicas=st.integers(0, 3),
        bounds=st.sampled_from([(0, 0), (1, 3), (0, 3)]),
        is_first=st.booleans(),
    )
    def notify(self, name, replicas, bounds, is_first):
        if name in self.servers:
            return
        before = self.healthy()
        notice = ServerNotice(name, replicas, *bounds)
        assert self.ask(ServersNotified, (notice,), is_first, self.caller + 1)
        assert before <= self.healthy()

    # What replicas do.

    @rule(
        replica=REPLICAS,
        memory=st.sampled_from([50, 100]),
        strays=st.sampled_from([[], [], [STRAY], [OTHER_SPEC], [NEVER_WAS], [STRAY, NEVER_WAS]]),
        keeps=st.booleans(),
    )
    def reconnect(self, replica, memory, strays, keeps):
        """It is back, whether its loss was noticed or not, with what it held, or without."""
        if not keeps:
            self.forget(replica)
        self.connect(replica, memory, strays)

    def connect(self, replica, memory, strays):
        # What it was ordered before, it has been told by a link that is no more.
        self.orders = [order for order in self.orders if order[0] != replica]
        for stray in strays:
            spec, number = stray.version.spec, stray.version.version
            self.loaded.setdefault((replica, spec.name, number), stray.version)
        held = [HeldModel(version) for key, version in self.loaded.items() if key[0] == replica]
        self.connected.add(replica)
        capabilities = CAPABILITIES[replica.server]
        config = ReplicaConfig(capabilities, memory, 10, address=ADDRESS, held=tuple(held))
        self.send(ReplicaConnected, replica, config)
        assert replica in self.reachable
        assert replica not in self.drains.values()

    @rule(replica=REPLICAS)
    def lose(self, replica):
        self.forget(replica)
        self.connected.discard(replica)
        self.send(ReplicaLost, replica)
        assert replica not in self.reachable
        assert replica not in self.drains.values()

    @rule(replica=REPLICAS)
    def drain(self, replica):
        before = self.healthy()
        self.drains[self.caller + 1] = replica
        self.ask(ReplicaDrainRequested, replica, self.caller + 1)
        assert before <= self.healthy()
        assert replica in self.connected or self.caller not in self.drains

    def forget(self, replica):
        self.orders = [order for order in self.orders if order[0] != replica]
        self.loaded = {key: value for key, value in self.loaded.items() if key[0] != replica}

    @precondition(lambda self: self.orders)
    @rule(
        data=st.data(),
        works=st.booleans(),
        memory=st.sampled_from([0, 40]),
        is_double=st.booleans(),
    )
    def order_ends(self, data, works, memory, is_double):
        replicas = sorted({order[0] for order in self.orders}, key=str)
        before = self.healthy()
        self.end_order(data.draw(st.sampled_from(replicas)), works, memory, is_double)
        assert before <= self.healthy()  # a report, good or bad, takes no route away

    def end_order(self, replica, works=True, memory=0, is_double=False):
        order = next(order for order in self.orders if order[0] == replica)
        self.orders.remove(order)
        _, version, is_load = order
        name, number = version.spec.name, version.version
        if is_load and works:
            self.loaded[replica, name, number] = version
            event = ReplicaModelEvent.LOADED
        elif is_load:
            self.loaded.pop((replica, name, number), None)
            event, memory = ReplicaModelEvent.LOAD_FAILED, 0
        elif works:
            self.loaded.pop((replica, name, number), None)
            event, memory = ReplicaModelEvent.UNLOADED, 0
        else:
            event, memory = ReplicaModelEvent.UNLOAD_FAILED, 0
        report = ModelReport(replica, name, number, event, "why", memory)
        count = len(self.orders)
        self.send(ModelReported, report)
        if is_double and len(self.orders) == count:
            self.send(ModelReported, report)

    @rule(replica=REPLICAS, event=st.sampled_from(list(ReplicaModelEvent)))
    def stray_report(self, replica, event):
        """From nowhere, about a version that nobody has."""
        before = repr(self.machine)
        self.now += 1
        report = ModelReport(replica, "iris", 998, event)
        for decision in self.machine.handle(ModelReported(self.now, report)):
            assert decision == UnloadOnReplica(replica, "iris", 998)
        assert repr(self.machine) == before

    @rule(
        replica=REPLICAS,
        name=st.sampled_from(["iris", "wine", "rose", "stray"]),
        number=st.integers(0, 3),
        kind=st.sampled_from(SignalKind),
        amount=st.sampled_from([0, 1, 5, 100]),
        later=st.sampled_from([0, 0, 400]),
    )
    def signal(self, replica, name, number, kind, amount, later):
        """How much a model is called takes no route away, and asks for no more than is allowed."""
        before = self.healthy()
        self.now += later
        self.send(ModelScalingSignalled, ScalingSignal(replica, name, number, kind, amount))
        model = self.machine.state.models.get(name)
        slept = {name} if kind is SignalKind.UNUSED and model and model.latest.is_asleep else set()
        assert before - slept <= self.healthy()
        if model is not None and model.latest.chosen is not None:
            spec, replicas = model.latest.version.spec, model.latest.replicas
            least = 0 if spec.knobs.scale_to_zero else max(spec.min_replicas, 1)
            assert least <= replicas
            assert replicas <= max(spec.max_replicas, spec.replicas) or not spec.max_replicas

    @rule(name=st.sampled_from(["iris", "wine", "rose", "stray"]))
    def wake(self, name):
        """A call to a model takes no route away, and leaves it asleep only if that is deleted."""
        before = self.healthy()
        model = self.machine.state.models.get(name)
        is_there = model is not None and not model.is_deleted
        assert self.ask(ModelWakeRequested, name, self.caller + 1) == is_there
        assert before <= self.healthy()
        assert not (is_there and model.latest.is_asleep)

    @rule(data=st.data(), event=st.sampled_from(UNLOADING_EVENTS))
    def unasked_report(self, data, event):
        """A replica says that it unloaded what it was not asked to unload: it is not believed."""
        ordered = {(replica, v.spec.name, v.version) for replica, v, _ in self.orders}
        idle = sorted((key for key in self.loaded if key not in ordered), key=str)
        if idle:
            replica, name, number = data.draw(st.sampled_from(idle))
            before = self.healthy()
            self.send(ModelReported, ModelReport(replica, name, number, event, "lies"))
            assert before <= self.healthy()

    # What time and misfortune do.

    @precondition(lambda self: self.machine.next_wakeup() is not None)
    @rule(late=st.sampled_from([0, 0.5, 100]))
    def time_passes(self, late):
        before = self.healthy()
        self.pass_time(late)
        assert before <= self.healthy()

    def pass_time(self, late=0):
        self.now = max(self.now, self.machine.next_wakeup() + late - 1)  # `send` adds one
        self.send(Tick)

    @rule(
        replicas=st.lists(REPLICAS, unique=True, max_size=4),
        is_synced_first=st.booleans(),
        keeps=st.booleans(),
        patience=st.sampled_from([0, 5]),
    )
    def restart(self, replicas, is_synced_first, keeps, patience):
        """The process is killed; what it had not kept is gone, replicas only if they like."""
        lasting = {
            name: {candidate.version for candidate in route.candidates}
            for name, route in self.routes.items()
            if any(candidate.replicas for candidate in route.candidates)
            and not self.machine.state.models[name].from_folder
            and not self.machine.state.models[name].is_adopted
            and name not in self.machine.state.to_place
        }
        self.start()
        self.orders = []
        self.connected.clear()
        if not keeps:
            self.loaded.clear()
        for stored in list(self.kept.values()):
            self.send(lambda now, kept: restored_event(now, kept), stored)
        self.check_restored(lasting)
        if is_synced_first:
            self.send(SyncReached, patience)
        for replica in replicas:
            self.connect(replica, 100, [])
        self.loaded = {key: value for key, value in self.loaded.items() if key[0] in replicas}
        if not is_synced_first:
            self.send(SyncReached, patience)

    def check_restored(self, lasting):
        state = self.machine.state
        for name, spec in self.declared.items():
            model = state.models[name]
            assert model.is_deleted == (spec is None)
            assert spec is None or model.latest.version.spec == spec
        for name, spec in self.servers.items():
            assert state.servers[name].spec == spec
            assert name in self.running
        for name, numbers in lasting.items():  # what served is to serve again
            assert numbers <= {record.number for record in state.models[name].standing()}

    # What is always true.

    @invariant()
    def the_state_is_sound(self):
        found = violations(self.machine.state)
        assert found == [], found

    @invariant()
    def nothing_is_routed_that_its_replica_does_not_hold(self):
        for route in self.routes.values():
            assert sum(candidate.weight for candidate in route.candidates) in (0, 100)
            for candidate in route.candidates:
                for replica in self.reachable.intersection(candidate.replicas):
                    held = self.loaded[replica, candidate.model, candidate.version]
                    model = self.machine.state.models[candidate.model]
                    declared = model.versions[candidate.version].version.spec
                    assert held.spec.storage_uri == declared.storage_uri

    @invariant()
    def a_model_is_on_its_way_only_while_somebody_does_something(self):
        state = self.machine.state
        under_way = {order[1].spec.name for order in self.orders}
        for model in self.machine.models():
            if model.latest.state in (ModelState.PROGRESSING, ModelState.TERMINATING):
                waits = any(r.server in state.awaited for r in state.models[model.name].standing())
                drains = any(
                    replica.state is ReplicaState.DRAINING for replica in model.latest.replicas
                )
                is_queued = model.name in state.to_place
                is_tried_again = state.models[model.name].wake_at is not None
                is_nobodys_turn = not (is_queued or waits or drains or is_tried_again)
                assert model.name in under_way or not (is_nobodys_turn and state.is_synced)

    @invariant()
    def when_all_is_quiet_only_the_latest_or_what_serves_is_loaded(self):
        state = self.machine.state
        if self.orders or state.to_place or state.awaited:
            return
        for replica, name, number in self.loaded:
            model = state.models.get(name)
            record = model.versions.get(number) if model is not None else None
            if record is None:
                continue  # it was to unload what was never declared, and could not
            serves = any(c.version == number for c in self.routes[name].candidates)
            stuck = record.state is ModelState.TERMINATE_FAILED
            assert serves or stuck or record is model.latest, (replica, name, number)

    def teardown(self):
        """With replicas enough, and all orders carried out, everything comes to its end."""
        try:
            self.come_to_the_end()
        finally:
            slices.SLICE = self.slice

    def come_to_the_end(self):
        for name in CAPABILITIES:
            if name in self.servers:
                self.declare_server(name, 3, 3)
            else:
                self.notify(name, 3, (3, 3), False)
        for server in CAPABILITIES:
            for index in range(3):
                self.connect(ReplicaId(server, index), 2000, [])
        for _ in range(400):
            if self.orders:
                self.end_order(self.orders[0][0])
            elif self.machine.next_wakeup() is not None and not self.is_at_rest():
                self.pass_time()
            else:
                break
        assert self.is_at_rest()
        assert not self.drains
        self.the_state_is_sound()
        for name, spec in self.declared.items():
            model = self.machine.state.models.get(name)
            if spec is None or "gpu" in spec.requirements:
                continue
            latest = model.latest
            assert latest.state in HAS_COME, (name, latest.state, latest.reason)
            holders = [key for key in self.loaded if key[1] == name]
            assert len(holders) == min(3, latest.replicas)  # scaling may have chosen more than 3
            assert {number for _, _, number in holders} <= {latest.number}

    def is_at_rest(self):
        state = self.machine.state
        return not (self.orders or state.to_place or state.awaited or self.in_trouble())

    def in_trouble(self):
        return [
            model.name
            for model in self.machine.state.models.values()
            if "gpu" not in model.latest.version.spec.requirements
            and model.wake_at is not None
            and not (model.is_deleted and model.is_gone)
        ]

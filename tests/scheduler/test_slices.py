from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler import slices
from seldon_core.scheduler.decisions import LoadOnReplica, PublishReplica, PublishRoute
from seldon_core.scheduler.events import (
    ModelLoadRequested,
    ModelReported,
    ReplicaConnected,
    ReplicaLost,
    Tick,
)
from seldon_core.scheduler.machine import SchedulerMachine
from seldon_core.transport.control import (
    ModelReport,
    ReplicaAddress,
    ReplicaConfig,
    ReplicaModelEvent,
)
from tests.support.scheduler_worlds import R0, R1, a_machine

THERE = ReplicaConfig((), 10_000, 0, address=ReplicaAddress("there", 9000, 9000, is_ours=True))
MODELS = 3 * slices.SLICE


def a_full_machine():
    """A machine with many models, all on one replica of two."""
    machine = a_machine()
    machine.handle(ReplicaConnected(1, R0, THERE))
    for number in range(MODELS):
        name = f"m{number}"
        machine.handle(ModelLoadRequested(1, ModelSpec(name, f"/{name}"), caller=1))
        report = ModelReport(R0, name, 1, ReplicaModelEvent.LOADED)
        machine.handle(ModelReported(1, report))
    machine.handle(ReplicaConnected(1, R1, THERE))
    return machine


def loads(decisions):
    return [made.version.spec.name for made in decisions if isinstance(made, LoadOnReplica)]


def test_the_loss_of_a_replica_with_many_models_is_handled_in_slices():
    machine = a_full_machine()
    decisions = machine.handle(ReplicaLost(2, R0))
    assert decisions[1] == PublishReplica(R0, None)  # at once, whatever the routes say yet
    placed = loads(decisions)
    assert len(placed) == slices.SLICE
    assert not machine.is_settled(f"m{MODELS - 1}")
    while machine.next_wakeup() == 2:
        made = loads(machine.handle(Tick(2)))
        assert len(made) <= slices.SLICE
        placed += made
    assert placed == [f"m{number}" for number in range(MODELS)]


def test_what_a_replica_does_not_hold_any_more_is_not_routed_there_when_it_is_back():
    machine = a_full_machine()
    machine.handle(ReplicaLost(2, R0))
    decisions = machine.handle(ReplicaConnected(2, R0, THERE))
    back = decisions.index(PublishReplica(R0, THERE.address))
    routed = {made.update.name for made in decisions[:back] if isinstance(made, PublishRoute)}
    assert routed == {f"m{number}" for number in range(slices.SLICE, MODELS)}


def test_a_model_that_is_gone_before_its_turn_is_passed_over():
    machine: SchedulerMachine = a_full_machine()
    machine.handle(ReplicaLost(2, R0))
    del machine.state.models[f"m{MODELS - 1}"]
    while machine.next_wakeup() == 2:
        machine.handle(Tick(2))
    assert not machine.state.to_place

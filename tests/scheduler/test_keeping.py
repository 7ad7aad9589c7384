"""What of a model outlives a restart."""

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelSpec
from seldon_core.scheduler.events import ModelWakeRequested, ServerNotice, ServersNotified
from seldon_core.scheduler.keeping import restored, stored_of
from seldon_core.scheduler.records import StoredModel, StoredVersion
from seldon_core.scheduler.state import ModelState
from seldon_core.transport.control import ReplicaId
from tests.support.scheduler_worlds import R0, a_machine, load, report, restart

IRIS = ModelSpec("iris", "/iris")
STORED = StoredModel(
    "iris",
    (
        StoredVersion(3, IRIS, "mlserver", 10.0, 15.0),
        StoredVersion(4, IRIS, "triton", 11.0, None),
        StoredVersion(5, IRIS, "", 12.0, None),
    ),
    fallback=4,
    deleted_at=None,
)


def test_declarations_and_the_version_that_serves_are_kept():
    machine = a_machine(R0)
    load(machine, uri="/1", now=5)
    report(machine, 1, "Loaded", now=6)
    load(machine, uri="/2", now=7, requirements=("gpu",))
    assert stored_of(machine.state.models["iris"]) == StoredModel(
        "iris",
        (
            StoredVersion(1, ModelSpec("iris", "/1"), "mlserver", 5, None),
            StoredVersion(2, ModelSpec("iris", "/2", requirements=("gpu",)), "", 7, None),
        ),
        fallback=1,
        deleted_at=None,
    )


def test_what_was_kept_is_what_comes_back():
    assert stored_of(restored(STORED, now=20.0)) == STORED


def test_after_a_restart_nothing_is_loaded_and_only_the_past_is_over():
    model = restored(STORED, now=20.0)
    assert [record.state for record in model.versions.values()] == [
        ModelState.TERMINATED,
        ModelState.PROGRESSING,
        ModelState.PROGRESSING,
    ]
    assert [record.changed_at for record in model.versions.values()] == [15.0, 20.0, 20.0]
    assert all(record.assignments == {} for record in model.versions.values())
    assert [record.number for record in model.standing()] == [4, 5]
    assert model.saved == STORED


def test_what_served_stays_though_the_latest_is_declared_with_no_replica_and_was_woken():
    machine = a_machine(R0, ReplicaId("triton", 0))
    decided = load(machine, replicas=0, knobs=Knobs(scale_to_zero=True))
    decided += machine.handle(ModelWakeRequested(2, "iris", caller=5))
    decided += report(machine, 1, "Loaded")
    decided += machine.handle(ServersNotified(3, (ServerNotice("mlserver", 0),), False, caller=6))
    assert [record.number for record in machine.state.models["iris"].standing()] == [1, 2]
    successor = restart(machine, decided)
    assert [record.number for record in successor.state.models["iris"].standing()] == [1, 2]

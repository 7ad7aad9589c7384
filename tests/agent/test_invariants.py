"""What is found broken in a pool, and that writing its books anew mends it."""

import pytest

from seldon_core.agent.events import InferArrived, ModelAdded, Tick
from seldon_core.agent.invariants import violations
from seldon_core.agent.slots import Residence
from tests.agent.test_pool import pool_of


def test_a_pool_that_is_sound_has_none():
    pool = pool_of(10, a=4, b=3, c=6, d=3)
    pool.handle(InferArrived(0, "a", 1))
    assert violations(pool) == []


def spoil_used(pool):
    pool.used += 1


def spoil_leaving(pool):
    pool.leaving += 1


def spoil_registered(pool):
    pool.registered += 1


def spoil_idle(pool):
    pool._idle.clear()


def spoil_residents(pool):
    pool._resident.clear()


def spoil_wanted(pool):
    pool._wanted.clear()


def spoil_names(pool):
    pool._wanted["nobody"] = 0.0


def spoil_doors(pool):
    pool.slots["d"].admits = False


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_used, "bytes are counted as used, and"),
        (spoil_leaving, "bytes are counted as leaving, and"),
        (spoil_registered, "bytes are counted as registered, and"),
        (spoil_idle, "which is not what the list of idle models says"),
        (spoil_residents, "which is not what the list of residents says"),
        (spoil_wanted, "x is waited for and does not want room"),
        (spoil_names, "nobody is wanted and unknown"),
        (spoil_doors, "d admits=False, which is not what its state wants"),
    ],
    ids=lambda value: getattr(value, "__name__", "told")[6:],
)
def test_what_is_broken_is_told_and_mended(spoil, told):
    pool = pool_of(10, a=4, c=6, d=4)
    assert pool.try_admit("c") is not None
    pool.handle(ModelAdded(1, "x", 10))  # finds no room beside c, and has d go
    pool.handle(InferArrived(1, "x", 1))
    if spoil in (spoil_doors, spoil_idle):
        pool = pool_of(10, c=6, d=4)
    spoil(pool)
    assert any(told in sentence for sentence in violations(pool)), violations(pool)
    pool.rebuild(2)
    assert violations(pool) == []


def test_those_who_waited_are_served_oldest_first_after_it():
    pool = pool_of(10, a=6, b=6, c=6, used=10)
    slot = pool.try_admit("used")
    for request, model in enumerate("cab"):
        pool.handle(InferArrived(1 + request, model, request))
    pool.rebuild(9)
    assert list(pool.books()["wanted"]) == ["c", "a", "b"]
    assert pool.next_wakeup() == 1.1
    assert pool.release(slot)


def test_who_waited_for_a_closed_model_is_admitted_by_it():
    pool = pool_of(10, iris=6, other=6)
    pool.try_admit("other")
    pool.handle(InferArrived(1, "iris", 7))
    pool.handle(Tick(1.1))
    pool.handle(InferArrived(1.2, "other", 9))
    assert violations(pool) == []
    [admit] = pool.rebuild(2)
    assert admit.request == 9
    assert pool.slots["other"].residence is Residence.RESIDENT
    assert violations(pool) == []

"""The model pool, driven by events and its hot-path methods alone: no loop, no clock."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seldon_core.agent.decisions import (
    Admit,
    Refusal,
    Refuse,
    ReportLoaded,
    ReportLoadFailed,
    ReportUnloaded,
    StartLoad,
    StartUnload,
)
from seldon_core.agent.events import (
    InferAbandoned,
    InferArrived,
    LoadFailed,
    LoadFinished,
    ModelAdded,
    ModelGrew,
    ModelRemoved,
    Tick,
    UnloadFinished,
)
from seldon_core.agent.invariants import violations
from seldon_core.agent.pool import ModelPool
from seldon_core.agent.slots import Residence


def pool_of(capacity, over_commit=1000, **models):
    """A pool that loaded each of `models` (bytes) in this order, as far as they fit."""
    pool = ModelPool(capacity, over_commit)
    for model, nbytes in models.items():
        settle(pool, pool.handle(ModelAdded(0, model, nbytes)), models)
    return pool


def settle(pool, decisions, nbytes):
    """Carry out every load and unload at once."""
    todo = list(decisions)
    while todo:
        decision = todo.pop(0)
        if isinstance(decision, StartLoad):
            todo += pool.handle(LoadFinished(0, decision.model, nbytes[decision.model]))
        elif isinstance(decision, StartUnload):
            todo += pool.handle(UnloadFinished(0, decision.model))


def use_once(pool, model):
    slot = pool.try_admit(model)
    assert slot is not None
    assert list(pool.release(slot)) == []


def residents(pool):
    return {s.model for s in pool.slots.values() if s.residence is Residence.RESIDENT}


def test_an_added_model_is_loaded_and_reported():
    pool = ModelPool(10)
    assert pool.handle(ModelAdded(0, "iris", 4)) == [StartLoad("iris")]
    assert pool.handle(LoadFinished(1, "iris", 4)) == [ReportLoaded("iris")]
    assert residents(pool) == {"iris"}


def test_a_resident_model_admits_at_once_and_is_pinned_until_released():
    pool = pool_of(10, iris=10, other=10)  # other evicted iris
    slot = pool.try_admit("other")
    assert slot is not None
    assert pool.handle(InferArrived(1, "iris", 7)) == []  # the only victim is in use
    assert list(pool.release(slot)) == [StartUnload("other")]
    assert pool.handle(UnloadFinished(2, "other")) == [StartLoad("iris", is_reload=True)]
    assert pool.handle(LoadFinished(3, "iris", 10)) == [Admit(7)]


def test_a_request_by_event_to_a_resident_model_is_admitted_at_once():
    assert pool_of(10, iris=4).handle(InferArrived(1, "iris", 7)) == [Admit(7)]


@pytest.mark.parametrize("state", ["unknown", "leaving"])
def test_a_request_to_a_model_that_is_not_here_is_refused(state):
    pool = pool_of(10, iris=4)
    if state == "leaving":
        pool.try_admit("iris")
        pool.handle(ModelRemoved(1, "iris"))
    model = "iris" if state == "leaving" else "nobody"
    assert pool.try_admit(model) is None
    decision: Any
    [decision] = pool.handle(InferArrived(1, model, 7))
    assert (decision.request, decision.refusal) == (7, Refusal.UNKNOWN)


def test_a_failed_first_load_is_reported_and_forgotten():
    pool = ModelPool(10)
    pool.handle(ModelAdded(0, "iris", 4))
    pool.handle(InferArrived(0, "iris", 7))
    assert pool.handle(LoadFailed(1, "iris", "no such file")) == [
        Refuse(7, Refusal.LOAD_FAILED, "no such file"),
        ReportLoadFailed("iris", "no such file"),
    ]
    assert (pool.slots, pool.used, pool.registered) == ({}, 0, 0)


def test_a_failed_reload_refuses_every_waiting_request_and_is_tried_again():
    pool = pool_of(10, iris=6, other=6)
    assert pool.handle(InferArrived(1, "iris", 7)) == [StartUnload("other")]
    pool.handle(InferArrived(1, "iris", 8))
    pool.handle(UnloadFinished(2, "other"))
    assert pool.handle(LoadFailed(3, "iris", "gone")) == [
        Refuse(7, Refusal.LOAD_FAILED, "gone"),
        Refuse(8, Refusal.LOAD_FAILED, "gone"),
    ]
    assert pool.used == 0
    assert pool.handle(InferArrived(4, "iris", 9)) == [StartLoad("iris", is_reload=True)]


def test_the_least_recently_used_idle_model_makes_room():
    pool = pool_of(10, new=5, old=5)
    use_once(pool, "old")
    use_once(pool, "new")  # not in the order of their loads
    assert pool.handle(ModelAdded(9, "next", 5)) == [StartUnload("old")]
    assert pool.handle(UnloadFinished(10, "old")) == [StartLoad("next")]


def test_no_more_is_unloaded_than_the_waiting_model_needs():
    pool = pool_of(10, a=5, b=5, c=5)
    assert residents(pool) == {"b", "c"}
    assert pool.handle(InferArrived(8, "a", 8)) == [StartUnload("b")]
    assert pool.handle(InferArrived(9, "a", 9)) == []  # room is on its way


def test_a_smaller_model_does_not_overtake_the_oldest_that_waits():
    pool = pool_of(10, big=8, used=6)
    slot = pool.try_admit("used")
    pool.handle(InferArrived(1, "big", 1))
    assert pool.handle(ModelAdded(2, "small", 2)) == []
    assert list(pool.release(slot)) == [StartUnload("used")]
    assert pool.handle(UnloadFinished(3, "used")) == [
        StartLoad("big", is_reload=True),
        StartLoad("small"),
    ]


def test_more_may_be_registered_than_fits_up_to_the_over_commit():
    pool = pool_of(10, 20, a=6, b=6)
    assert pool.limit == 12
    assert residents(pool) == {"b"}
    [decision] = pool.handle(ModelAdded(1, "c", 1))
    assert isinstance(decision, ReportLoadFailed)
    assert "12 bytes of 12 bytes" in decision.reason


def test_a_model_larger_than_the_capacity_is_refused_however_much_is_over_committed():
    [decision] = ModelPool(10, 100).handle(ModelAdded(1, "huge", 11))
    assert decision == ReportLoadFailed("huge", "it needs 11 bytes, the server has 10 bytes")


def test_a_model_measured_larger_than_the_capacity_fails_and_is_unloaded():
    pool = ModelPool(10, 1000)
    pool.handle(ModelAdded(0, "huge", 0))
    pool.handle(InferArrived(0, "huge", 1))
    refuse: Any
    refuse, unload = pool.handle(LoadFinished(1, "huge", 11))
    assert refuse.refusal is Refusal.LOAD_FAILED
    assert unload == StartUnload("huge", is_eviction=False)
    assert pool.handle(UnloadFinished(2, "huge")) == [
        ReportLoadFailed("huge", "it takes 11 bytes, the server has 10 bytes")
    ]
    assert pool.used == pool.registered == 0


def test_a_model_measured_larger_than_declared_evicts_idle_ones():
    pool = pool_of(10, a=5)
    pool.handle(ModelAdded(1, "b", 0))
    assert pool.handle(LoadFinished(2, "b", 8)) == [ReportLoaded("b"), StartUnload("a")]


def test_what_is_measured_over_the_capacity_leaves_when_it_falls_idle():
    pool = pool_of(10, a=5)
    slot = pool.try_admit("a")
    pool.handle(ModelAdded(1, "b", 0))
    pool.handle(InferArrived(1, "b", 1))
    pool.handle(LoadFinished(2, "b", 8))
    assert list(pool.release(slot)) == [StartUnload("a")]


def test_a_model_that_grows_pushes_idle_ones_out():
    pool = pool_of(10, a=4, b=5)
    assert pool.try_admit("b") is not None
    assert pool.handle(ModelGrew(1, "b", 3)) == [StartUnload("a")]
    pool.handle(UnloadFinished(2, "a"))
    assert (pool.used, pool.registered) == (8, 12)


def test_a_model_that_grew_takes_its_whole_room_when_it_comes_back():
    pool = pool_of(10, a=4, b=5)
    pool.handle(ModelGrew(1, "b", 3))
    use_once(pool, "b")
    settle(pool, [], {})
    assert pool.handle(UnloadFinished(2, "a")) == []
    assert pool.handle(InferArrived(3, "a", 1)) == [StartUnload("b")]
    assert pool.handle(UnloadFinished(4, "b")) == [StartLoad("a", is_reload=True)]
    assert pool.handle(LoadFinished(5, "a", 4)) == [Admit(1)]
    pool.release(pool.slots["a"])
    assert pool.handle(InferArrived(6, "b", 2)) == [StartUnload("a")]


def test_a_model_is_not_counted_beyond_what_could_ever_come_back():
    pool = pool_of(10, a=4)
    slot = pool.try_admit("a")
    assert pool.handle(ModelGrew(1, "a", 30)) == []
    assert pool.used == pool.registered == 10
    assert list(pool.release(slot)) == []


def test_what_grows_while_it_leaves_is_counted_as_leaving():
    pool = pool_of(10, a=6, b=6)
    assert pool.handle(InferArrived(1, "a", 1)) == [StartUnload("b")]
    assert pool.handle(ModelGrew(2, "b", 2)) == []
    assert pool.used == 8
    assert pool.handle(UnloadFinished(3, "b")) == [StartLoad("a", is_reload=True)]
    assert pool.used == 6


def test_an_added_model_that_is_loaded_already_is_reported_again():
    pool = pool_of(10, iris=4)
    assert pool.handle(ModelAdded(1, "iris", 4)) == [ReportLoaded("iris")]


def test_a_model_that_is_being_loaded_is_not_loaded_twice():
    pool = ModelPool(10)
    pool.handle(ModelAdded(0, "iris", 4))
    assert pool.handle(ModelAdded(1, "iris", 4)) == []


def test_a_removed_model_lets_running_requests_finish_then_goes():
    pool = pool_of(10, iris=4)
    slot = pool.try_admit("iris")
    pool.pin(slot)
    assert pool.handle(ModelRemoved(1, "iris")) == []
    assert list(pool.release(slot)) == []
    assert list(pool.release(slot)) == [StartUnload("iris", is_eviction=False)]
    assert pool.handle(UnloadFinished(2, "iris")) == [ReportUnloaded("iris")]
    assert (pool.slots, pool.used, pool.registered) == ({}, 0, 0)


def test_an_idle_removed_model_goes_at_once():
    pool = pool_of(10, iris=4)
    assert pool.handle(ModelRemoved(1, "iris")) == [StartUnload("iris", is_eviction=False)]


def test_removing_an_evicted_model_refuses_who_waits_for_it():
    pool = pool_of(10, iris=6, other=6)
    slot = pool.try_admit("other")
    pool.handle(InferArrived(1, "iris", 7))
    assert pool.handle(ModelRemoved(2, "iris")) == [
        Refuse(7, Refusal.REMOVED, "model iris: it was unloaded"),
        ReportUnloaded("iris"),
    ]
    assert pool.next_wakeup() is None
    assert list(pool.release(slot)) == []


def test_removing_what_is_not_here_is_reported_as_done():
    assert ModelPool(10).handle(ModelRemoved(1, "iris")) == [ReportUnloaded("iris")]


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_model_removed_during_its_load_goes_after_it(ends):
    pool = ModelPool(10)
    pool.handle(ModelAdded(0, "iris", 4))
    assert pool.handle(ModelRemoved(1, "iris")) == []
    if ends == "badly":
        assert pool.handle(LoadFailed(2, "iris", "x")) == [ReportUnloaded("iris")]
        return
    assert pool.handle(LoadFinished(2, "iris", 4)) == [StartUnload("iris", is_eviction=False)]
    assert pool.handle(UnloadFinished(3, "iris")) == [ReportUnloaded("iris")]


def test_a_model_ordered_again_while_it_leaves_comes_back_after():
    pool = pool_of(10, iris=4)
    pool.handle(ModelRemoved(1, "iris"))
    assert pool.handle(ModelAdded(2, "iris", 4)) == []
    assert pool.handle(UnloadFinished(3, "iris")) == [ReportUnloaded("iris"), StartLoad("iris")]


def test_a_model_removed_again_after_it_was_ordered_again_stays_away():
    pool = pool_of(10, iris=4)
    pool.handle(ModelRemoved(1, "iris"))
    pool.handle(ModelAdded(2, "iris", 4))
    assert pool.handle(ModelRemoved(3, "iris")) == []
    assert pool.handle(UnloadFinished(4, "iris")) == [ReportUnloaded("iris")]


def test_the_last_client_that_leaves_takes_its_models_claim_along():
    pool = pool_of(10, iris=6, other=6)
    slot = pool.try_admit("other")
    pool.handle(InferArrived(1, "iris", 7))
    pool.handle(InferArrived(1, "iris", 8))
    assert pool.handle(InferAbandoned(2, "iris", 7)) == []
    assert pool.next_wakeup() == 1.1
    assert pool.handle(InferAbandoned(2, "iris", 8)) == []
    assert pool.next_wakeup() is None
    assert list(pool.release(slot)) == []


def starving():
    """iris waits since 1, while other (which fills the memory) is always in use."""
    pool = pool_of(10, iris=6, other=6)
    slot = pool.try_admit("other")
    pool.handle(InferArrived(1, "iris", 7))
    return pool, slot


def test_a_waiting_model_does_not_starve_while_its_victim_is_asked_for_all_the_time():
    pool, first = starving()
    second = pool.try_admit("other")
    assert second is not None  # it is not yet old enough
    assert list(pool.release(first)) == []
    assert pool.next_wakeup() == 1.1
    assert pool.handle(Tick(1.1)) == []
    assert pool.try_admit("other") is None
    assert pool.handle(InferArrived(1.2, "other", 9)) == []
    assert list(pool.release(second)) == [StartUnload("other")]
    assert pool.handle(UnloadFinished(2, "other")) == [StartLoad("iris", is_reload=True)]
    # And now the other way round: other is wanted since 1.2.
    assert pool.handle(LoadFinished(2.1, "iris", 6)) == [Admit(7)]
    assert pool.next_wakeup() == pytest.approx(1.3)


def test_a_tick_that_comes_early_changes_nothing():
    pool, _ = starving()
    assert pool.handle(Tick(1.05)) == []
    assert pool.try_admit("other") is not None


def test_a_victim_in_use_blocks_at_most_ten_seconds():
    pool, slot = starving()
    pool.handle(Tick(1.1))
    pool.handle(InferArrived(5, "other", 9))
    assert pool.next_wakeup() == 11
    refuse: Any
    refuse, admit = pool.handle(Tick(11))
    assert (refuse.request, refuse.refusal) == (7, Refusal.NO_ROOM)
    assert admit == Admit(9)  # the victim is open again, for who came meanwhile too
    assert pool.try_admit("other") is slot
    assert pool.next_wakeup() is None


def test_a_first_load_that_finds_no_room_fails():
    pool = pool_of(10, other=6)
    pool.try_admit("other")
    pool.handle(ModelAdded(1, "iris", 6))
    pool.handle(Tick(1.1))
    [decision] = pool.handle(Tick(11))
    assert isinstance(decision, ReportLoadFailed)
    assert "no room for model iris (6 bytes) in 10 s" in decision.reason
    assert "iris" not in pool.slots


def test_victims_open_again_when_room_comes_from_elsewhere():
    pool = pool_of(10, a=5, b=5, c=5)  # b and c are in memory
    b, c = pool.try_admit("b"), pool.try_admit("c")
    pool.handle(InferArrived(1, "a", 1))
    pool.handle(Tick(1.1))
    assert pool.try_admit("b") is None
    assert pool.try_admit("c") is c  # only as many are closed as are needed
    pool.release(c)
    pool.handle(InferArrived(2, "b", 2))
    assert list(pool.release(c)) == [StartUnload("c")]
    assert pool.handle(UnloadFinished(3, "c")) == [StartLoad("a", is_reload=True), Admit(2)]
    assert pool.try_admit("b") is b


def test_the_room_of_a_model_that_is_leaving_anyway_is_counted_before_others_are_closed():
    pool = pool_of(10, a=5, b=5, c=5)
    b, c = pool.try_admit("b"), pool.try_admit("c")
    pool.handle(ModelRemoved(1, "b"))
    pool.handle(InferArrived(1, "a", 1))
    pool.handle(Tick(1.1))
    assert pool.try_admit("c") is c
    assert list(pool.release(b)) == [StartUnload("b", is_eviction=False)]


def test_a_victim_that_is_removed_meanwhile_does_not_open_again():
    pool, slot = starving()
    pool.handle(Tick(1.1))
    pool.handle(ModelRemoved(1.2, "other"))
    pool.handle(InferAbandoned(1.3, "iris", 7))
    assert pool.try_admit("other") is None
    assert list(pool.release(slot)) == [StartUnload("other", is_eviction=False)]


def test_a_model_asked_for_while_it_is_evicted_comes_back():
    pool = pool_of(10, a=6, b=6)
    pool.handle(InferArrived(1, "a", 1))  # b is unloading
    assert pool.handle(InferArrived(2, "b", 2)) == []
    pool.handle(UnloadFinished(3, "b"))
    assert pool.handle(LoadFinished(4, "a", 6)) == [Admit(1)]
    assert list(pool.release(pool.slots["a"])) == [StartUnload("a")]
    assert pool.handle(UnloadFinished(5, "a")) == [StartLoad("b", is_reload=True)]


def test_a_model_wanted_while_its_own_unload_ends_waits_for_it():
    pool = pool_of(10, a=6, b=6)
    pool.handle(InferArrived(1, "a", 1))
    pool.handle(InferAbandoned(1, "a", 1))
    assert pool.handle(InferArrived(2, "b", 2)) == []
    assert pool.handle(UnloadFinished(3, "b")) == [StartLoad("b", is_reload=True)]


def test_only_so_many_requests_wait_for_one_model():
    pool = ModelPool(10, max_waiting=1)
    pool.handle(ModelAdded(0, "iris", 4))
    assert pool.handle(InferArrived(1, "iris", 1)) == []
    decision: Any
    [decision] = pool.handle(InferArrived(1, "iris", 2))
    assert (decision.request, decision.refusal) == (2, Refusal.NO_ROOM)


def test_those_dropped_after_a_fault_are_not_admitted():
    pool = ModelPool(10)
    pool.handle(ModelAdded(0, "iris", 4))
    pool.handle(InferArrived(1, "iris", 1))
    pool.drop_waiting("iris")
    pool.drop_waiting("unknown")
    assert pool.handle(LoadFinished(2, "iris", 4)) == [ReportLoaded("iris")]


def test_its_repr_is_its_state_in_one_line():
    assert repr(pool_of(10, a=6)) == "<ModelPool 6/10 a:RESIDENT/0 wanted=[]>"


def pool_that_keeps(capacity, kept, **models):
    """A pool that loaded `models` and then, never to evict it, a model `kept` of so many bytes."""
    pool = pool_of(capacity, **models)
    settle(pool, pool.handle(ModelAdded(0, "kept", kept, is_kept=True)), {"kept": kept})
    return pool


def test_a_kept_model_stays_however_long_nobody_calls_it():
    pool = pool_that_keeps(10, 4, a=3)
    use_once(pool, "kept")
    use_once(pool, "a")
    assert pool.handle(ModelAdded(9, "b", 6)) == [StartUnload("a")]
    settle(pool, pool.handle(UnloadFinished(9, "a")), {"b": 6})
    assert residents(pool) == {"kept", "b"}
    assert pool.handle(InferArrived(10, "a", 1)) == [StartUnload("b")]
    assert violations(pool) == []


def test_a_kept_model_that_is_removed_goes_when_nothing_runs_on_it():
    pool = pool_that_keeps(10, 4)
    slot = pool.try_admit("kept")
    assert pool.handle(ModelRemoved(1, "kept")) == []
    assert violations(pool) == []
    assert list(pool.release(slot)) == [StartUnload("kept", is_eviction=False)]
    assert pool.handle(UnloadFinished(2, "kept")) == [ReportUnloaded("kept")]
    assert (pool.slots, pool.used, pool.registered) == ({}, 0, 0)


def test_an_idle_kept_model_goes_at_once_when_it_is_removed():
    pool = pool_that_keeps(10, 4)
    assert pool.handle(ModelRemoved(1, "kept")) == [StartUnload("kept", is_eviction=False)]


def test_a_model_with_no_room_beside_the_kept_ones_is_refused():
    pool = pool_that_keeps(10, 6)
    [report] = pool.handle(ModelAdded(1, "b", 5))
    assert report == ReportLoadFailed(
        "b",
        "it needs 5 bytes, the server has 10 bytes, and models kept in memory "
        "(seldon-core/keep-in-memory) hold 6 bytes of 10 bytes",
    )


def test_what_a_model_takes_once_loaded_must_fit_beside_the_kept_ones():
    pool = pool_that_keeps(10, 6)
    pool.handle(ModelAdded(1, "b", 0))
    assert pool.handle(LoadFinished(2, "b", 5)) == [StartUnload("b", is_eviction=False)]
    report: Any
    [report] = pool.handle(UnloadFinished(3, "b"))
    assert isinstance(report, ReportLoadFailed)
    assert "it takes 5 bytes, the server has 10 bytes, and models kept" in report.reason


def test_a_model_is_not_kept_if_another_had_no_room_beside_it():
    pool = pool_of(10, small=2, large=8)
    [report] = pool.handle(ModelAdded(1, "kept", 3, is_kept=True))
    assert report == ReportLoadFailed(
        "kept",
        "it needs 3 bytes, the server has 10 bytes: kept in memory as well "
        "(seldon-core/keep-in-memory), it leaves no room for model large, which takes 8 bytes",
    )
    assert pool.handle(ModelAdded(1, "kept", 2, is_kept=True)) != [report]


def test_kept_models_make_room_for_each_other_out_of_the_rest():
    pool = pool_that_keeps(10, 4, a=6)
    assert residents(pool) == {"a", "kept"}
    assert pool.handle(ModelAdded(1, "second", 6, is_kept=True)) == [
        ReportLoadFailed(
            "second",
            "it needs 6 bytes, the server has 10 bytes, and models kept in memory "
            "(seldon-core/keep-in-memory) hold 4 bytes of 10 bytes: kept in memory as well "
            "(seldon-core/keep-in-memory), it leaves no room for model a, which takes 6 bytes",
        )
    ]
    pool.handle(ModelRemoved(2, "a"))
    assert pool.handle(ModelAdded(3, "second", 6, is_kept=True)) == []
    assert pool.handle(UnloadFinished(4, "a")) == [ReportUnloaded("a"), StartLoad("second")]


def test_a_refusal_for_want_of_room_tells_what_kept_models_hold():
    pool = pool_that_keeps(10, 4)
    for model in ("a", "b"):
        settle(pool, pool.handle(ModelAdded(0, model, 6)), {"a": 6, "b": 6})
    assert list(pool.books()["resident"]) == ["kept", "b"]
    assert pool.try_admit("b") is not None
    assert pool.handle(InferArrived(1, "a", 7)) == []
    pool.handle(Tick(1.1))
    assert pool.books()["closed"] == ["b"]  # and not the kept one
    [refusal, *_] = pool.handle(Tick(11))
    assert refusal == Refuse(
        7,
        Refusal.NO_ROOM,
        "no room for model a (6 bytes) in 10 s: the models in memory are in use, and models kept "
        "in memory (seldon-core/keep-in-memory) hold 4 bytes of 10 bytes",
    )


def test_a_model_that_has_no_room_since_kept_models_grew_is_refused_soon():
    pool = pool_that_keeps(10, 4, a=6, b=6)
    settle(pool, pool.handle(ModelGrew(1, "kept", 1)), {})
    pool.handle(InferArrived(1, "a", 7))
    assert pool.next_wakeup() == pytest.approx(1.1)
    [refusal] = pool.handle(Tick(1.2))
    assert (refusal.refusal, refusal.request) == (Refusal.NO_ROOM, 7)
    assert "in 0.1 s" in refusal.reason


def test_a_kept_model_whose_load_fails_holds_nothing():
    pool = ModelPool(10)
    pool.handle(ModelAdded(0, "kept", 6, is_kept=True))
    pool.handle(LoadFailed(1, "kept", "broken"))
    assert pool.handle(ModelAdded(2, "b", 10)) == [StartLoad("b")]


def test_a_kept_model_ordered_again_while_it_leaves_is_kept_again():
    pool = pool_that_keeps(10, 4)
    pool.handle(ModelRemoved(1, "kept"))
    pool.handle(ModelAdded(2, "kept", 4, is_kept=True))
    assert pool.handle(UnloadFinished(3, "kept")) == [ReportUnloaded("kept"), StartLoad("kept")]
    pool.handle(LoadFinished(4, "kept", 4))
    assert pool.slots["kept"].is_held


def test_a_model_has_its_own_limit_of_requests_that_wait_for_its_load():
    pool = ModelPool(10)
    pool.handle(ModelAdded(0, "m", 6, max_waiting=2))
    assert [pool.handle(InferArrived(1, "m", request)) for request in (1, 2)] == [[], []]
    [refusal] = pool.handle(InferArrived(1, "m", 3))
    assert (refusal.request, refusal.refusal) == (3, Refusal.NO_ROOM)


def test_the_list_of_kept_models_is_written_anew_with_the_others():
    pool = pool_that_keeps(10, 4)
    pool.slots["kept"].is_held = False
    pool.slots["kept"].running = 0
    pool._kept.slots.clear()
    assert len(violations(pool)) == 3
    pool.rebuild(1)
    assert violations(pool) == []


SIZES = {"m3": 3, "m4": 4, "m5": 5, "m10": 10, "kept2": 2, "kept5": 5}
MODELS = st.sampled_from(sorted(SIZES))


class AnyOrder(RuleBasedStateMachine):
    """Whatever the order of orders, arrivals by both ways, completions, failures, departures."""

    def __init__(self):
        super().__init__()
        self.pool = ModelPool(10, 150, max_waiting=3)
        self.now = 0.0
        self.request = 0
        self.waiting = {}  # request -> model
        self.pins = []  # slots
        self.loading, self.unloading = set(), set()
        self.ordered, self.leaving = set(), set()  # reports that are still due
        self.grown = 0  # bytes

    def take(self, decisions):
        for decision in decisions:
            match decision:
                case StartLoad(model, _):
                    self.loading.add(model)
                case StartUnload(model, is_eviction):
                    assert not (is_eviction and model.startswith("kept"))
                    assert model not in {slot.model for slot in self.pins}
                    self.unloading.add(model)
                case Admit(request):
                    self.pins.append(self.pool.slots[self.waiting.pop(request)])
                case Refuse(request):
                    del self.waiting[request]
                case ReportLoaded(model) | ReportLoadFailed(model):
                    self.ordered.discard(model)
                case ReportUnloaded(model):
                    self.leaving.discard(model)

    def send(self, event_type, *args):
        self.now += 0.03
        self.take(self.pool.handle(event_type(self.now, *args)))

    @rule(model=MODELS)
    def add(self, model):
        self.ordered.add(model)
        self.send(ModelAdded, model, SIZES[model], model.startswith("kept"))

    @rule(model=MODELS)
    def remove(self, model):
        self.leaving.add(model)
        self.ordered.discard(model)
        self.send(ModelRemoved, model)

    @rule(model=MODELS)
    def arrive_by_event(self, model):
        self.request += 1
        self.waiting[self.request] = model
        self.send(InferArrived, model, self.request)

    @rule(model=MODELS)
    def arrive_by_the_short_way(self, model):
        slot = self.pool.try_admit(model)
        assert (slot is not None) == (model in self.pool.slots and self.pool.slots[model].admits)
        if slot is not None:
            self.pins.append(slot)

    @precondition(lambda self: self.pins)
    @rule(data=st.data(), again=st.booleans())
    def release(self, data, again):
        slot = data.draw(st.sampled_from(self.pins))
        if again:
            self.pool.pin(slot)
            self.pins.append(slot)
        else:
            self.pins.remove(slot)
            self.take(self.pool.release(slot))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def abandon(self, data):
        request = data.draw(st.sampled_from(sorted(self.waiting)))
        self.send(InferAbandoned, self.waiting.pop(request), request)

    @precondition(lambda self: self.loading)
    @rule(data=st.data(), works=st.booleans())
    def load_ends(self, data, works):
        model = data.draw(st.sampled_from(sorted(self.loading)))
        self.loading.remove(model)
        if works:
            self.send(LoadFinished, model, self.pool.slots[model].nbytes)
        else:
            self.send(LoadFailed, model, "broken")

    @rule(data=st.data())
    def grow(self, data):
        held = (Residence.RESIDENT, Residence.UNLOADING)
        models = sorted(s.model for s in self.pool.slots.values() if s.residence in held)
        if models:
            before = self.pool.registered
            self.send(ModelGrew, data.draw(st.sampled_from(models)), 1)
            self.grown += self.pool.registered - before

    @rule(data=st.data())
    def rebuild(self, data):
        pool = self.pool
        match data.draw(st.integers(0, 4)):
            case 0:
                pool.used += 5
            case 1:
                pool._idle.clear()
            case 2:
                pool._resident.clear()
            case 3:
                pool._wanted["nobody"] = 0.0
            case 4:
                pool.registered = pool.leaving = -1
        self.take(pool.rebuild(self.now))

    @precondition(lambda self: self.unloading)
    @rule(data=st.data())
    def unload_ends(self, data):
        model = data.draw(st.sampled_from(sorted(self.unloading)))
        self.unloading.remove(model)
        self.send(UnloadFinished, model)

    @precondition(lambda self: self.pool.next_wakeup() is not None)
    @rule()
    def tick(self):
        self.now = max(self.now, self.pool.next_wakeup() or 0)
        self.take(self.pool.handle(Tick(self.now)))

    @invariant()
    def memory_stays_within_capacity_and_registrations_within_the_over_commit(self):
        slots = self.pool.slots.values()
        held = sum(s.nbytes for s in slots if s.residence is not Residence.ABSENT)
        assert held == self.pool.used <= self.pool.capacity + self.grown
        assert sum(s.nbytes for s in slots) == self.pool.registered <= self.pool.limit + self.grown
        assert all(s.nbytes <= self.pool.capacity for s in slots)
        if self.pool.used - self.pool.leaving > self.pool.capacity:
            assert not self.pool._idle  # what is too much is in use

    @invariant()
    def the_pool_and_its_clients_agree_on_who_waits_and_who_runs(self):
        slots = self.pool.slots.values()
        assert set(self.waiting) == {r for s in slots for r in s.waiting}
        for slot in slots:
            assert slot.running == self.pins.count(slot) + slot.is_held

    @invariant()
    def the_books_agree_with_the_slots(self):
        assert violations(self.pool) == []

    @invariant()
    def nobody_waits_while_nothing_is_under_way(self):
        oldest = next(iter(self.pool._wanted), None)
        if oldest is not None and self.pool._kept.is_hopeless(self.pool.slots[oldest]):
            return  # kept models grew; it is refused when its patience ends
        if self.waiting or self.ordered or self.leaving:
            assert self.loading or self.unloading or self.pins

    @invariant()
    def a_wait_for_room_has_an_end(self):
        wakeup = self.pool.next_wakeup()
        assert (wakeup is None) == (not self.pool._wanted)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)

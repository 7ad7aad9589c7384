"""What is kept, in which order, and what happens when it cannot be."""

import asyncio

from seldon_core.errors import StoreError
from seldon_core.scheduler import durability
from seldon_core.scheduler.decisions import AnswerCaller, DropModel, SaveModel
from seldon_core.scheduler.durability import Keeper
from seldon_core.scheduler.records import StoredModel
from tests.support.scheduler_fakes import FakeStore


def a_model(name, fallback=None):
    return StoredModel(name, (), fallback, None)


def keep(store, *decisions, on_fault=lambda fault: None):
    keeper = Keeper(store, on_fault)
    asyncio.run(keeper.keep(decisions, 5.0))
    return keeper


def test_nothing_is_written_when_nothing_is_to_be_kept():
    store = FakeStore()
    keep(store, AnswerCaller(1))
    assert store.writes == []


def test_of_several_changes_of_a_model_the_last_is_written():
    store = FakeStore()
    keep(
        store,
        SaveModel(a_model("iris", 1)),
        SaveModel(a_model("wine")),
        SaveModel(a_model("iris", 2)),
        DropModel("wine"),
    )
    assert store.writes == [(["iris"], ["wine"])]
    assert store.models == (a_model("iris", 2),)


def test_a_model_that_comes_again_after_it_was_dropped_is_kept():
    store = FakeStore()
    keep(store, DropModel("iris"), SaveModel(a_model("iris")))
    assert store.writes == [(["iris"], [])]


def test_every_attempt_in_vain_is_told_and_the_log_says_it_once(monkeypatch, caplog):
    monkeypatch.setattr(durability, "RETRY_S", 0)
    caplog.set_level("INFO", logger=durability.__name__)
    store, faults = FakeStore(faults=3), []
    keeper = keep(store, SaveModel(a_model("iris")), on_fault=faults.append)
    assert [str(fault) for fault in faults] == ["the disk is full"] * 3
    assert all(isinstance(fault, StoreError) for fault in faults)
    assert keeper.fault is None
    assert caplog.messages == [
        "store cannot be written to, changes are refused reason='the disk is full'",
        "store works again models=1",
    ]


def test_a_write_in_vain_is_tried_again_after_a_pause_only():
    store = FakeStore(faults=9)

    async def test():
        keeper = Keeper(store, lambda fault: None)
        keeping = asyncio.create_task(keeper.keep([SaveModel(a_model("iris"))], 5.0))
        for _ in range(50):
            await asyncio.sleep(0)
        assert store.faults == 8
        keeping.cancel()
        await asyncio.wait([keeping])

    asyncio.run(test())

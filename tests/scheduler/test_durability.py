"""What is kept, in which order, and what happens when it cannot be."""

import asyncio

from seldon_core.scheduler import durability
from seldon_core.scheduler.decisions import AnswerCaller, Drop, Save
from seldon_core.scheduler.durability import Keeper
from seldon_core.scheduler.records import Kind, StoredModel
from tests.support.scheduler_fakes import FakeStore


def a_model(name, fallback=None):
    return StoredModel(name, (), fallback, None)


def keep(store, *decisions):
    keeper = Keeper(store)
    assert asyncio.run(keeper.keep(decisions, 5.0)) is None
    return keeper


def test_nothing_is_written_when_nothing_is_to_be_kept():
    store = FakeStore()
    keep(store, AnswerCaller(1))
    assert store.writes == []


def test_of_several_changes_of_a_model_the_last_is_written():
    store = FakeStore()
    keep(
        store,
        Save(a_model("iris", 1)),
        Save(a_model("wine")),
        Save(a_model("iris", 2)),
        Drop(Kind.MODEL, "wine"),
    )
    assert store.writes == [(["iris"], ["wine"])]
    assert store.stored == (a_model("iris", 2),)


def test_a_model_that_comes_again_after_it_was_dropped_is_kept():
    store = FakeStore()
    keep(store, Drop(Kind.MODEL, "iris"), Save(a_model("iris")))
    assert store.writes == [(["iris"], [])]


def test_what_cannot_be_written_is_tried_again_with_what_comes(monkeypatch, caplog):
    monkeypatch.setattr(durability, "RETRY_S", 0)
    caplog.set_level("INFO", logger=durability.__name__)
    store = FakeStore(faults=2)
    keeper = Keeper(store)

    async def test():
        for turn in ([Save(a_model("iris", 1)), Save(a_model("wine"))], []):
            fault = await keeper.keep(turn, 5.0)
            assert str(fault) == "the disk is full"
            assert keeper.fault is fault
        assert await keeper.keep([Save(a_model("iris", 2)), Drop(Kind.MODEL, "wine")], 6.0) is None

    asyncio.run(test())
    assert keeper.fault is None
    assert store.writes == [(["iris"], ["wine"])]
    assert store.stored == (a_model("iris", 2),)
    assert caplog.messages == [
        "store cannot be written to, changes are refused reason='the disk is full'",
        "store works again records=2",
    ]


def test_a_write_in_vain_is_tried_again_after_a_pause_only():
    store = FakeStore(faults=9)

    async def test():
        keeper = Keeper(store)
        for name in ("iris", "wine"):
            fault = await keeper.keep([Save(a_model(name))], 5.0)
            assert str(fault) == "the disk is full"
        assert await keeper.keep([], 5.0) is fault

    asyncio.run(test())
    assert store.faults == 8


def test_what_was_written_is_not_written_again():
    store = FakeStore()

    async def test():
        keeper = Keeper(store)
        await keeper.keep([Save(a_model("iris"))], 5.0)
        await keeper.keep([Save(a_model("wine"))], 5.0)
        await keeper.keep([], 5.0)

    asyncio.run(test())
    assert store.writes == [(["iris"], []), (["wine"], [])]

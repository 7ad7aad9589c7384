"""Following what changes."""

import asyncio

from seldon_core.scheduler.watching import Watches


def run(test):
    async def limited():
        async with asyncio.timeout(5):
            return await test

    return asyncio.run(limited(), debug=True)


async def names_of(watch):
    return [name async for name in watch]


def test_a_name_may_be_taken_out_of_turn():
    async def test():
        watches = Watches()
        with watches.open() as watch:
            watches.mark("a")
            watches.mark("b")
            assert (watch.take("b"), watch.take("b")) == (True, False)
            watches.end()
            return [name async for name in watch]

    assert asyncio.run(test()) == ["a"]


def test_each_name_that_changed_is_told_once_in_their_order():
    async def test():
        watches = Watches()
        with watches.open() as watch:
            for name in ("iris", "wine", "iris"):
                watches.mark(name)
            watches.end()
            return await names_of(watch)

    assert run(test()) == ["iris", "wine"]


def test_a_name_that_changes_again_is_told_again():
    async def test():
        watches = Watches()
        with watches.open() as watch:
            told = []
            for _ in range(2):
                watches.mark("iris")
                told.append(await anext(watch))
            return told

    assert run(test()) == ["iris", "iris"]


def test_who_waits_is_woken():
    async def test():
        watches = Watches()
        with watches.open() as watch:
            asyncio.get_running_loop().call_soon(watches.mark, "iris")
            return await anext(watch)

    assert run(test()) == "iris"


def test_the_end_comes_to_who_waits_and_to_who_is_busy():
    async def test():
        watches = Watches()
        with watches.open() as waiting, watches.open() as busy:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(names_of(waiting))
                await asyncio.sleep(0)
                watches.mark("iris")
                told = []
                async for name in busy:
                    told.append(name)
                    watches.end()
            return task.result(), told

    assert run(test()) == (["iris"], ["iris"])


def test_who_comes_after_the_end_is_told_nothing():
    async def test():
        watches = Watches()
        watches.end()
        with watches.open() as watch:
            return await names_of(watch)

    assert run(test()) == []


def test_who_has_left_costs_nothing():
    watches = Watches()
    with watches.open() as watch:
        pass
    watches.mark("iris")
    assert not watches._watches
    assert not watch._changed


def test_who_was_woken_waits_again():
    async def test():
        watches = Watches()
        with watches.open() as watch:
            told = []
            for name in ("iris", "wine"):
                asyncio.get_running_loop().call_soon(watches.mark, name)
                told.append(await anext(watch))
            asyncio.get_running_loop().call_soon(watches.end)
            return told + await names_of(watch)

    assert run(test()) == ["iris", "wine"]

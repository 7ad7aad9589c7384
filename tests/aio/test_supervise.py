import asyncio

import pytest

from seldon_core.aio.supervise import open_tasks


class BrokenError(Exception):
    pass


async def fail():
    raise BrokenError("the loop died")


async def wait_for_ever(ended):
    try:
        await asyncio.Event().wait()
    finally:
        ended.append(True)


def test_a_task_carries_the_names_of_its_group_and_its_own():
    async def scenario():
        async with open_tasks("agent") as tasks:
            return tasks.start(asyncio.sleep(0), name="evict").get_name()

    assert asyncio.run(scenario()) == "agent: evict"


def test_the_result_of_a_task_is_that_of_its_work():
    async def scenario():
        async with open_tasks("agent") as tasks:
            return await tasks.start(asyncio.sleep(0, "done"), name="once")

    assert asyncio.run(scenario()) == "done"


def test_a_failed_task_ends_its_siblings_and_the_block():
    ended: list[bool] = []

    async def scenario():
        async with open_tasks("agent") as tasks:
            tasks.start(wait_for_ever(ended), name="sibling")
            tasks.start(fail(), name="broken")
            await wait_for_ever(ended)

    with pytest.raises(BrokenError, match="the loop died"):
        asyncio.run(scenario())
    assert ended == [True, True]


def test_two_failures_come_out_together():
    async def scenario():
        async with open_tasks("agent") as tasks:
            tasks.start(fail(), name="one")
            tasks.start(fail(), name="two")
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as failures:
        asyncio.run(scenario())
    assert len(failures.value.exceptions) == 2


def test_an_error_in_the_block_comes_out_as_it_is_and_ends_the_tasks():
    ended: list[bool] = []

    async def scenario():
        async with open_tasks("agent") as tasks:
            tasks.start(wait_for_ever(ended), name="loop")
            await asyncio.sleep(0)
            raise BrokenError("block")

    with pytest.raises(BrokenError, match="block"):
        asyncio.run(scenario())
    assert ended == [True]


def test_what_still_runs_at_the_end_of_the_block_is_cancelled_and_waited_for():
    ended: list[bool] = []

    async def scenario():
        async with open_tasks("agent") as tasks:
            tasks.start(wait_for_ever(ended), name="loop")
            await asyncio.sleep(0)
            assert len(tasks) == 1
        assert len(tasks) == 0

    asyncio.run(scenario())
    assert ended == [True]


def test_nothing_starts_in_a_group_that_has_ended():
    async def scenario():
        async with open_tasks("agent") as tasks:
            pass
        with pytest.raises(RuntimeError):
            tasks.start(fail(), name="late")

    asyncio.run(scenario())

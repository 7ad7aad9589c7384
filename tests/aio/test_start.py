import asyncio

import pytest

from seldon_core.aio.start import start


def test_work_that_never_waits_needs_no_task():
    done = []

    async def work():
        done.append(asyncio.current_task())

    async def main():
        outer = asyncio.current_task()
        assert start(work(), asyncio.get_running_loop()) is None
        return outer

    outer = asyncio.run(main())
    assert done == [outer] or done == [None]  # it ran in its caller's step


def test_work_that_waits_is_resumed_by_one_task():
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        steps = []

        async def work():
            steps.append("began")
            steps.append(await future)
            steps.append(asyncio.current_task())

        task = start(work(), loop)
        assert steps == ["began"]
        future.set_result("went on")
        await task
        assert steps == ["began", "went on", task]

    asyncio.run(main())


def test_work_that_only_yields_is_resumed():
    async def main():
        steps = []

        async def work():
            for step in range(3):
                steps.append(step)
                await asyncio.sleep(0)

        await start(work(), asyncio.get_running_loop())
        assert steps == [0, 1, 2]

    asyncio.run(main())


def test_an_error_in_the_first_step_is_raised_to_the_caller():
    async def work():
        raise ValueError("at once")

    async def main():
        with pytest.raises(ValueError, match="at once"):
            start(work(), asyncio.get_running_loop())

    asyncio.run(main())


def test_an_error_after_waiting_is_the_tasks():
    async def work():
        await asyncio.sleep(0)
        raise ValueError("later")

    async def main():
        with pytest.raises(ValueError, match="later"):
            await start(work(), asyncio.get_running_loop())

    asyncio.run(main())


def test_an_error_of_what_is_waited_for_reaches_the_work():
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        seen = []

        async def work():
            try:
                await future
            except ValueError as error:
                seen.append(str(error))

        task = start(work(), loop)
        future.set_exception(ValueError("no"))
        await task
        assert seen == ["no"]

    asyncio.run(main())


@pytest.mark.parametrize("steps", [0, 1, 3], ids=["before its first step", "waiting", "later"])
def test_a_cancelled_task_runs_the_finally_blocks_of_the_work(steps):
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        ended = []

        async def work():
            try:
                await future
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise
            finally:
                ended.append("finally")

        task = start(work(), loop)
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["cancelled", "finally"]
        assert future.cancelled() or steps == 0

    asyncio.run(main())


def test_work_that_is_cancelled_may_wait_for_its_own_cleanup():
    async def main():
        loop = asyncio.get_running_loop()
        first, second = loop.create_future(), loop.create_future()
        ended = []

        async def work():
            try:
                await first
            finally:
                await second
                ended.append("clean")

        task = start(work(), loop)
        task.cancel()
        await asyncio.sleep(0)
        assert ended == []
        second.set_result(None)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["clean"]

    asyncio.run(main())


def test_the_rest_of_a_coroutine_cannot_be_awaited_directly():
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        async def work():
            await future

        task = start(work(), loop)
        with pytest.raises(TypeError, match="driven by its task"):
            await task.get_coro()
        task.get_coro().close()
        task.cancel()
        with pytest.raises((asyncio.CancelledError, RuntimeError)):
            await task

    asyncio.run(main())

import asyncio
import gc
import weakref

import pytest

from seldon_core.aio.start import Waiter, start, waiter_for


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


class Held:
    """Work that waits for one waiter; `steps` tells what became of it."""

    def __init__(self):
        self.steps = []
        self.waiter = None

    async def run(self):
        self.waiter = waiter_for(asyncio.get_running_loop())
        self.steps.append("waits")
        try:
            self.steps.append(await self.waiter)
        except BaseException as error:
            self.steps.append(type(error).__name__)
            raise
        finally:
            self.steps.append("left")


def begin(held):
    """Start it as the transport does: from a callback of the loop, not from a task."""
    loop = asyncio.get_running_loop()
    started = loop.create_future()
    loop.call_soon(lambda: started.set_result(start(held.run(), loop)))
    return started


def from_callback(function, *arguments):
    """Call from a callback of the loop, and wait until it has returned."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def call():
        function(*arguments)
        done.set_result(None)

    loop.call_soon(call)
    return done


def test_a_result_resumes_work_on_the_spot_and_without_a_task():
    async def main():
        held = Held()
        assert await begin(held) is not None
        assert isinstance(held.waiter, Waiter)
        seen = []

        def bring():
            held.waiter.set_result("result")
            seen.extend(held.steps)

        await from_callback(bring)
        assert seen == ["waits", "result", "left"]

    asyncio.run(main())


def test_an_exception_resumes_work_too_and_reaches_the_loops_handler():
    async def main():
        told = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        held = Held()
        await begin(held)
        error = ValueError("model failed")
        await from_callback(held.waiter.set_exception, error)
        assert held.steps == ["waits", "ValueError", "left"]
        assert [context["exception"] for context in told] == [error]

    asyncio.run(main())


def test_a_result_from_within_a_task_resumes_work_outside_of_it():
    async def main():
        held = Held()
        tasks = []

        async def work():
            await held.run()
            tasks.append(asyncio.current_task())

        loop = asyncio.get_running_loop()
        await from_callback(lambda: start(work(), loop))
        held.waiter.set_result("result")
        assert held.steps == ["waits"]
        await asyncio.sleep(0)
        assert held.steps == ["waits", "result", "left"]
        assert tasks == [None]

    asyncio.run(main())


def test_work_that_has_a_task_waits_for_a_future():
    async def main():
        held = Held()
        task = asyncio.create_task(held.run())
        await asyncio.sleep(0)
        assert isinstance(held.waiter, asyncio.Future)
        held.waiter.set_result("result")
        await task
        assert held.steps == ["waits", "result", "left"]

    asyncio.run(main())


@pytest.mark.parametrize("when", ["while it waits", "in the tick of its answer"])
def test_waiting_work_that_is_cancelled_leaves_once(when):
    async def main():
        held = Held()
        started = await begin(held)
        if when == "in the tick of its answer":
            held.waiter.set_result("result")  # within a task: resumed in the next turn
        started.cancel()
        started.cancel()
        assert held.waiter.done()
        assert held.steps == ["waits"]
        await asyncio.sleep(0.001)
        assert held.steps == ["waits", "CancelledError", "left"]

    asyncio.run(main())


def test_a_cancellation_after_the_end_changes_nothing():
    async def main():
        held = Held()
        started = await begin(held)
        await from_callback(held.waiter.set_result, "result")
        started.cancel()
        await asyncio.sleep(0.001)
        assert held.steps == ["waits", "result", "left"]

    asyncio.run(main())


@pytest.mark.parametrize("then", ["a waiter", "a future"])
@pytest.mark.parametrize("is_cancelled", [False, True], ids=["left alone", "cancelled"])
def test_work_that_waits_again_goes_on_and_meets_its_cancellation(then, is_cancelled):
    async def main():
        loop = asyncio.get_running_loop()
        first, second, steps, started = Waiter(), None, [], []

        async def work():
            nonlocal second
            await first
            if is_cancelled:
                started[0].cancel()  # by what it does itself: its connection broke
            second = Waiter() if then == "a waiter" else loop.create_future()
            try:
                steps.append(await second)
            except asyncio.CancelledError:
                steps.append("cancelled")
                raise

        await from_callback(lambda: started.append(start(work(), loop)))
        await from_callback(first.set_result, None)
        if not is_cancelled:
            await from_callback(second.set_result, "second")
        await asyncio.sleep(0.001)
        assert steps == ["cancelled" if is_cancelled else "second"]
        started[0].cancel()

    asyncio.run(main())


def test_a_waiter_with_a_result_is_not_waited_for():
    async def main():
        waiter, got = Waiter(), []
        waiter.set_result("early")

        async def work():
            got.append(await waiter)

        await from_callback(lambda: start(work(), asyncio.get_running_loop()))
        assert got == ["early"]

    asyncio.run(main())


def test_what_a_cancelled_request_held_is_free_at_once():
    class Payload:
        pass

    async def work(kept):
        payload = Payload()
        kept.append(weakref.ref(payload))
        future = asyncio.get_running_loop().create_future()
        await future
        del payload, future

    async def main():
        kept = []
        started = start(work(kept), asyncio.get_running_loop())
        await asyncio.sleep(0)
        started.cancel()
        await asyncio.sleep(0)
        del started
        await asyncio.sleep(0)
        return kept[0]()

    gc.disable()
    try:
        assert asyncio.run(main()) is None
    finally:
        gc.enable()

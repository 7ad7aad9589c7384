import asyncio
import gc
import threading
import time
import weakref

import pytest

from seldon_core.aio.threads import open_threads
from seldon_core.errors import OverloadedError


def fail():
    raise ValueError("no such file")


class Gate:
    """A blocking function that says when it runs and ends when it is let go."""

    def __init__(self, loop):
        self.begun = asyncio.Event()
        self._loop = loop
        self._go = threading.Event()
        self.calls = 0

    def __call__(self):
        self.calls += 1
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self._go.wait(5)
        return "done"

    def open(self):
        self._go.set()


def run(scenario):
    return asyncio.run(scenario(), debug=True)


def test_a_call_runs_in_a_thread_of_the_pools_name():
    async def scenario():
        async with open_threads("loads", 1) as pool:
            return await pool.run(lambda number: (threading.current_thread().name, number), 7)

    assert run(scenario) == ("loads_0", 7)


def test_an_error_is_the_callers():
    async def scenario():
        async with open_threads("loads", 1) as pool:
            with pytest.raises(ValueError, match="no such file"):
                await pool.run(fail)

    run(scenario)


def test_a_call_that_raises_stop_iteration_is_answered_by_an_error():
    async def scenario():
        async with open_threads("loads", 1) as pool:
            with pytest.raises(RuntimeError, match="StopIteration"):
                await pool.run(next, iter(()))

    run(scenario)


def test_an_error_that_comes_as_its_caller_leaves_is_not_reported_as_lost():
    lost = []

    async def scenario():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: lost.append(context))
        async with open_threads("loads", 1) as pool, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(pool.run(fail))
            await asyncio.sleep(0)
            time.sleep(0.05)  # it is done by now, and the loop has not heard of it
            loop.call_soon(running.cancel)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        del running
        gc.collect()

    run(scenario)
    assert lost == []


def test_nothing_of_a_call_is_kept_once_it_is_answered():
    class Large:
        pass

    async def scenario():
        async with open_threads("loads", 1) as pool:
            large = Large()
            kept = weakref.ref(large)
            assert await pool.run(lambda given: given, large) is large
            del large
            await asyncio.sleep(0)  # what resumed this test has the result still
            time.sleep(0.05)  # the thread waits for the next call by now
            assert kept() is None

    run(scenario)


def test_no_more_threads_start_than_there_are_calls_for():
    async def scenario():
        async with open_threads("loads", 3) as pool:
            await pool.run(int)
            await pool.run(int)
            names = [thread.name for thread in threading.enumerate()]
            assert [name for name in names if name.startswith("loads")] == ["loads_0"]
        assert all(not thread.name.startswith("loads") for thread in threading.enumerate())

    run(scenario)


def test_a_call_beyond_the_bound_is_refused_and_one_after_the_queue_moved_is_not():
    async def scenario():
        gate = Gate(asyncio.get_running_loop())
        async with open_threads("loads", 1, max_waiting=1) as pool, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(pool.run(gate))
            await gate.begun.wait()
            waiting = tasks.create_task(pool.run(gate))
            await asyncio.sleep(0)
            with pytest.raises(
                OverloadedError, match="2 calls are running or waiting in the loads"
            ):
                await pool.run(fail)
            gate.open()
            await running
            await waiting
            assert await pool.run(lambda: 1) == 1

    run(scenario)


def test_a_cancelled_call_that_has_not_begun_never_runs():
    async def scenario():
        gate = Gate(asyncio.get_running_loop())
        async with open_threads("loads", 1) as pool, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(pool.run(gate))
            await gate.begun.wait()
            waiting = tasks.create_task(pool.run(gate))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.sleep(0)  # the cancellation arrives before the thread is free
            gate.open()
            await running
        assert gate.calls == 1

    run(scenario)


def test_a_cancelled_call_that_runs_still_counts_until_its_thread_is_free():
    async def scenario():
        gate = Gate(asyncio.get_running_loop())
        async with open_threads("loads", 1, max_waiting=0) as pool, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(pool.run(gate))
            await gate.begun.wait()
            running.cancel()
            await asyncio.sleep(0)
            assert running.cancelled()
            with pytest.raises(OverloadedError):
                await pool.run(fail)
            gate.open()

    run(scenario)


def test_the_error_of_a_call_whose_caller_left_is_not_reported_as_lost():
    lost = []

    async def scenario():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        gate = Gate(asyncio.get_running_loop())

        def gate_then_fail():
            gate()
            fail()

        async with open_threads("loads", 1) as pool, asyncio.TaskGroup() as tasks:
            running = tasks.create_task(pool.run(gate_then_fail))
            await gate.begun.wait()
            running.cancel()
            await asyncio.sleep(0)
            gate.open()

    run(scenario)
    assert lost == []


def test_closing_waits_for_what_runs_and_drops_what_has_not_begun():
    async def scenario():
        gate = Gate(loop := asyncio.get_running_loop())
        async with asyncio.TaskGroup() as tasks:
            async with open_threads("loads", 1) as pool:
                running = tasks.create_task(pool.run(gate))
                await gate.begun.wait()
                waiting = tasks.create_task(pool.run(gate))
                await asyncio.sleep(0)
                loop.call_soon(gate.open)
            assert running.done()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert gate.calls == 1

    run(scenario)

"""Worker processes, real ones, seen from the agent."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import uvloop

from seldon_core.agent import worker
from seldon_core.agent.worker import open_workers
from seldon_core.config.settings import LogSettings
from seldon_core.errors import InvalidResourceError, ModelRuntimeError
from seldon_core.observability.logs import configure_logs, set_levels
from tests.support.estimators import ByItsBatch, KillsItsReader, Worker
from tests.support.models import write_joblib

ROWS = np.array([[1.0, 2.0], [3.0, 4.0]])


def run(test, loop_factory=None):
    async def limited():
        async with asyncio.timeout(60):
            await test()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(limited())


def request(word):
    return [np.full((1, 2), word)]


def named(artifact, name):
    return replace(artifact, model=name)


async def pid_of(model):
    outputs, _ = await model.infer(request(Worker.PID), ("predict",))
    return int(outputs[0][0, 0])


@pytest.fixture
def artifact(tmp_path):
    return write_joblib(tmp_path, Worker())


@pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_a_model_in_a_worker_answers_as_it_would_here(artifact, loop_factory):
    async def test():
        async with open_workers(1) as pool:
            assert pool.processes == {}
            model = await pool.load(artifact)
            assert model.signature.default_outputs == ("predict",)
            assert model.signature.batchable
            assert model.memory_bytes > 0
            outputs, run_s = await model.infer([ROWS], ("predict",))
            assert outputs[0].tolist() == [[2, 4], [6, 8]]
            assert 0 < run_s < 10
            large = np.arange(200_000, dtype=np.float32).reshape(-1, 2)
            outputs, _ = await model.infer([large], ("predict",))
            assert np.array_equal(outputs[0], large * 2)
            await model.unload()
            assert model.is_lost
            with pytest.raises(ModelRuntimeError, match="of m_1 could not load it again"):
                await model.infer([ROWS], ("predict",))

    run(test, loop_factory)


def test_many_at_once_get_each_its_own_answer(artifact):
    async def test():
        async with open_workers(1) as pool:
            model = await pool.load(artifact)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(model.infer([ROWS + number], ("predict",)))
                    for number in range(40)
                ]
            for number, task in enumerate(tasks):
                assert np.array_equal(task.result()[0][0], (ROWS + number) * 2)

    run(test)


def test_a_model_goes_to_the_worker_with_the_fewest(artifact):
    async def test():
        async with open_workers(2) as pool:
            models = [await pool.load(named(artifact, f"m_{number}")) for number in range(4)]
            pids = [await pid_of(model) for model in models]
            assert pids[0] == pids[2] != pids[1] == pids[3]
            assert pool.processes == {0: pids[0], 1: pids[1]}
            await models[1].unload()
            fifth = await pool.load(named(artifact, "m_5"))
            assert await pid_of(fifth) == pids[1]
            assert f"0: ready, pid {pids[0]}, 2 models" in repr(pool)

    run(test)


def test_errors_of_a_model_are_its_own(artifact, tmp_path):
    async def test():
        async with open_workers(1) as pool:
            model = await pool.load(artifact)
            with pytest.raises(ModelRuntimeError, match=r"^ValueError: the model's own words$"):
                await model.infer(request(Worker.FAIL), ("predict",))
            missing = replace(artifact, path=str(tmp_path / "gone.joblib"), model="m_2")
            with pytest.raises(ModelRuntimeError, match=r"gone\.joblib"):
                await pool.load(missing)
            settings = {"parameters": {"extra": {"predict_fn": "sing"}}}
            with pytest.raises(InvalidResourceError, match=r"predict_fn: is 'sing'"):
                await pool.load(replace(artifact, settings=settings, model="m_3"))
            assert (await model.infer([ROWS], ("predict",)))[0][0].shape == (2, 2)
            assert "1 models" in repr(pool)

    run(test)


def test_a_worker_that_dies_fails_what_it_ran_and_comes_back_with_its_models(artifact):
    async def test():
        async with open_workers(2) as pool:
            model = await pool.load(artifact)
            neighbour = await pool.load(named(artifact, "n_1"))
            friend = await pool.load(named(artifact, "f_1"))
            neighbours_pid, pid = await pid_of(neighbour), await pid_of(model)
            async with asyncio.TaskGroup() as group:
                sleeping = group.create_task(
                    failing(model.infer(request(Worker.SLEEP), ["predict"]))
                )
                waiting = group.create_task(failing(friend.infer([ROWS], ["predict"])))
                await asyncio.sleep(0)
                os.kill(pid, signal.SIGKILL)
            assert sleeping.result() == "worker process for m_1 died (signal 9) while it was in use"
            assert waiting.result() == "worker process for f_1 died (signal 9) while it was in use"
            assert await pid_of(neighbour) == neighbours_pid
            assert (await friend.infer([ROWS], ["predict"]))[0][0].tolist() == [[2, 4], [6, 8]]
            assert await pid_of(model) not in (pid, neighbours_pid)

    run(test)


async def failing(infer):
    with pytest.raises(ModelRuntimeError) as error:
        await infer
    return str(error.value)


def test_a_request_that_kills_is_not_sent_again(artifact, monkeypatch):
    monkeypatch.setattr(worker, "_FIRST_PAUSE_S", 0.001)

    async def test():
        async with open_workers(1) as pool:
            model = await pool.load(artifact)
            pids = set()
            for _ in range(3):
                pids.add(await pid_of(model))
                assert "signal 9" in await failing(model.infer(request(Worker.KILL), ["predict"]))
            assert len(pids) == 3

    run(test)


def test_a_caller_that_leaves_takes_nobody_with_it(artifact):
    async def test():
        async with open_workers(1) as pool:
            model = await pool.load(artifact)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(model.infer([ROWS], ["predict"])) for _ in range(3)]
                await asyncio.sleep(0)
                tasks[1].cancel()
            assert tasks[0].result()[0][0].shape == tasks[2].result()[0][0].shape == (2, 2)
            assert tasks[1].cancelled()
            leaving = asyncio.create_task(model.infer(request(Worker.KILL), ["predict"]))
            behind = asyncio.create_task(failing(model.infer([ROWS], ["predict"])))
            await asyncio.sleep(0)
            leaving.cancel()  # before its worker dies of it
            assert "signal 9" in await behind
            assert leaving.cancelled()
            assert (await model.infer([ROWS], ["predict"]))[0][0].shape == (2, 2)

    run(test)


def test_the_end_of_the_block_ends_every_process_even_a_busy_one(artifact, monkeypatch):
    monkeypatch.setattr(worker, "_GRACE_S", 0.05)
    pids, busy = [], []

    async def test():
        async with open_workers(2) as pool:
            model, idle = await pool.load(artifact), await pool.load(named(artifact, "i_1"))
            pids.extend(pool.processes.values())
            await idle.infer([ROWS], ["predict"])
            busy.append(
                asyncio.create_task(failing(model.infer(request(Worker.SLEEP), ["predict"])))
            )
            await asyncio.sleep(0)
        assert await busy[0] == "worker process for m_1 ended with its agent while it was in use"

    run(test)
    assert len(pids) == 2
    for pid in pids:  # waited for as well: not even a zombie answers to the number
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_who_waits_for_a_process_at_the_end_of_the_block_is_refused(artifact):
    waiting = []

    async def test():
        async with open_workers(1) as pool:
            waiting.append(asyncio.create_task(failing(pool.load(artifact))))
            await asyncio.sleep(0)
        assert await waiting[0] == "the worker process ended with its agent"

    run(test)


def test_a_model_that_kills_its_reader_is_refused_and_nobody_else(artifact, tmp_path):
    flag = tmp_path / "flag"
    (tmp_path / "bad").mkdir()
    bad = named(write_joblib(tmp_path / "bad", KillsItsReader(flag)), "bad_1")

    async def test():
        async with open_workers(1) as pool:
            flag.touch()
            with pytest.raises(ModelRuntimeError, match=r"process for bad_1 died \(signal 9\)"):
                await pool.load(bad)
            model = await pool.load(artifact)
            assert "1 models" in repr(pool)
            assert (await model.infer([ROWS], ["predict"]))[0][0].shape == (2, 2)

    run(test)


def test_a_model_that_kills_its_reader_later_is_given_up(artifact, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(worker, "_FIRST_PAUSE_S", 0.001)
    flag = tmp_path / "flag"
    (tmp_path / "bad").mkdir()
    bad = named(write_joblib(tmp_path / "bad", KillsItsReader(flag)), "bad_1")
    (tmp_path / "gone").mkdir()
    gone = named(write_joblib(tmp_path / "gone", Worker()), "gone_1")

    async def test():
        async with open_workers(1) as pool:
            lost = await pool.load(gone)
            killing = await pool.load(bad)
            model = await pool.load(artifact)
            flag.touch()
            Path(gone.path).unlink()
            assert "signal 9" in await failing(model.infer(request(Worker.KILL), ["predict"]))
            assert "died" in await failing(model.infer([ROWS], ["predict"]))  # of the bad one
            assert (await model.infer([ROWS], ["predict"]))[0][0].shape == (2, 2)
            for forgotten in (killing, lost):
                assert forgotten.is_lost
                assert "could not load it again" in await failing(
                    forgotten.infer([ROWS], ["predict"])
                )
            assert not model.is_lost

    run(test)
    assert "model could not be loaded again model=bad_1" in caplog.text
    assert "model could not be loaded again model=gone_1" in caplog.text


@pytest.mark.usefixtures("logging_as_before")
def test_a_worker_logs_as_its_agent_does_when_it_starts(tmp_path, capfd):
    artifact = write_joblib(tmp_path, ByItsBatch())
    components = {"seldon_core.agent.runtimes.sklearn": "debug"}
    configure_logs(LogSettings(level="error", format="json", levels=components), sys.stderr)

    async def lines():
        async with open_workers(1) as pool:
            await pool.load(artifact)
        return [json.loads(line) for line in capfd.readouterr().err.splitlines()]

    async def test():
        (line,) = await lines()
        assert line["component"] == "agent.runtimes.sklearn"
        assert line["level"] == "debug"
        assert "model is not batched model=m_1" in line["message"]
        set_levels({"seldon_core.agent.runtimes.sklearn": ""})
        assert await lines() == []

    run(test)


def test_a_worker_that_cannot_be_started_says_so(artifact, monkeypatch):
    async def test():
        async with open_workers(1) as pool:
            monkeypatch.setattr(sys, "executable", "/no/such/python")
            with pytest.raises(ModelRuntimeError, match=r"could not be started: .*No such file"):
                await pool.load(artifact)
            monkeypatch.setattr(sys, "executable", "/bin/false")
            with pytest.raises(ModelRuntimeError, match=r"died \(exit code 1\)"):
                await pool.load(artifact)
            assert "not started, pid" in repr(pool)
            monkeypatch.undo()
            assert (await pool.load(artifact)).signature.batchable

    run(test)


def test_a_worker_that_does_not_say_hello_is_given_up(artifact, monkeypatch, tmp_path):
    silent = tmp_path / "python"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(silent))
    monkeypatch.setattr(worker, "_HELLO_TIMEOUT_S", 0.05)
    monkeypatch.setattr(worker, "_GRACE_S", 0.05)

    async def test():
        async with open_workers(1) as pool:
            with pytest.raises(
                ModelRuntimeError, match=r"could not be started: it did not say hello in 0\.05 s"
            ):
                await pool.load(artifact)

    run(test)


def test_a_run_that_never_ends_ends_its_worker_and_not_its_neighbours(artifact, monkeypatch):
    async def test():
        async with open_workers(1) as pool:
            hanging = await pool.load(artifact)
            other = await pool.load(named(artifact, "o_1"))
            before = await pid_of(other)
            monkeypatch.setattr(worker, "_LONGEST_RUN_S", 0.05)
            call = asyncio.create_task(failing(hanging.infer(request(Worker.SLEEP), ["predict"])))
            assert "m_1 ran longer than 0.05 s" in await call
            monkeypatch.undo()
            await until_gone(pool)
            assert await pid_of(other) != before

    run(test)


def test_a_model_unloaded_while_its_worker_restarts_is_not_kept_by_it(artifact, monkeypatch):
    asked: list[tuple[str, str]] = []
    ask = worker.WorkerLink.ask

    def listen(self, model, kind, fields, arrays=()):
        asked.append((kind, model))
        if (kind, model) == ("load", "m_1") and len(asked) > 2:  # in the second process
            unloads.extend(asyncio.create_task(model.unload()) for model in models)
        return ask(self, model, kind, fields, arrays)

    models: list[worker.WorkerModel] = []
    unloads: list[asyncio.Task[None]] = []

    async def test():
        async with open_workers(1) as pool:
            models.append(await pool.load(artifact))
            models.append(await pool.load(named(artifact, "late_1")))
            kept = await pool.load(named(artifact, "kept_1"))
            monkeypatch.setattr(worker.WorkerLink, "ask", listen)
            asked.extend([("", "")] * 2)
            os.kill(pool.processes[0], signal.SIGKILL)
            await until_gone(pool)
            assert (await kept.infer([ROWS], ["predict"]))[0][0].shape == (2, 2)
            await asyncio.gather(*unloads)

    run(test)
    assert asked[2:5] == [("load", "m_1"), ("unload", "m_1"), ("load", "kept_1")]


async def until_gone(pool):
    while pool.processes:
        await asyncio.sleep(0)


def test_unloading_while_the_worker_is_away_needs_no_worker(artifact):
    async def test():
        async with open_workers(1) as pool:
            model = await pool.load(artifact)
            other = await pool.load(named(artifact, "o_1"))
            os.kill(pool.processes[0], signal.SIGKILL)
            await model.unload()  # its link may be lost under it, or be gone
            await model.unload()
            assert (await other.infer([ROWS], ["predict"]))[0][0].shape == (2, 2)
            await other.unload()

    run(test)


@pytest.mark.parametrize("before", [None, "/elsewhere"])
def test_a_worker_runs_this_code_with_one_thread_for_algebra(monkeypatch, before):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    if before:
        monkeypatch.setenv("PYTHONPATH", before)
    environment = worker._environment()
    here = str(Path(worker.__file__).parent.parent.parent)
    assert environment["PYTHONPATH"] == (f"{here}:{before}" if before else here)
    assert environment["MKL_NUM_THREADS"] == "1"
    assert environment["OMP_NUM_THREADS"] == "3"  # the operator's word counts

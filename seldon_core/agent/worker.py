"""Worker processes, seen from the agent: started on demand, given models, restarted.

A worker's states: not started -> starting -> ready -> (died -> starting)*. It is ready once it has
said hello and has again all the models that it had. Workers are exec'd, never forked: a fork of a
process with threads and a loop is a copy with broken locks.

Measured beside the model's own time: one iris row 55 µs (ONNX) to 90 µs (scikit-learn, whose caches
have cooled), 64 kB 70 to 130 µs, 600 kB 260 to 520 µs, most of that the socket's two copies; a ring
of shared memory would save those.
"""

import asyncio
import json
import logging
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy.typing as npt

import seldon_core
from seldon_core.agent import frames
from seldon_core.agent.runtimes.base import Artifact, Signature
from seldon_core.agent.worker_link import WorkerLink
from seldon_core.aio.supervise import Tasks, open_tasks
from seldon_core.errors import ModelRuntimeError, SeldonError
from seldon_core.observability.logs import log_settings

_log = logging.getLogger(__name__)

_HELLO_TIMEOUT_S = 60.0
_GRACE_S = 2.0
"""A worker that runs something when it shall end gets this long, then a SIGKILL."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_HEALTHY_AFTER_S = 30.0
"""A worker that lived this long may be restarted at once when it dies; one that dies again and
again waits twice as long each time."""

_LONGEST_RUN_S = 600.0
"""A model that runs this long hangs: no client waits any more. Its worker is ended, so that the
models beside it can go on."""

_ENDED = "ended with its agent"


class WorkerModel:
    """A model in a worker process. `memory_bytes` is how much the worker grew by loading it."""

    def __init__(
        self, worker: "_Worker", name: str, signature: Signature, memory_bytes: int
    ) -> None:
        self.signature = signature
        self.memory_bytes = memory_bytes
        self._worker = worker
        self._name = name

    async def infer(
        self, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[str]
    ) -> tuple[list[npt.NDArray[Any]], float]:
        """Run the model; return `outputs` in their order and the seconds that the run itself took.

        Waits while the worker is being restarted. Cancelling leaves at once; the run goes on in
        the worker. `inputs` must not be changed before this returns. Raises ModelRuntimeError if
        the model fails or its worker dies, InvalidRequestError if the inputs do not fit.
        """
        link = self._worker.link or await self._worker.started()
        if self.is_lost:
            raise ModelRuntimeError(f"the worker process of {self._name} could not load it again")
        try:
            async with asyncio.timeout(_LONGEST_RUN_S):
                answer = await link.ask(self._name, "infer", [self._name, list(outputs)], inputs)
        except TimeoutError:
            self._worker.kill(link)
            raise ModelRuntimeError(
                f"{self._name} ran longer than {_LONGEST_RUN_S:g} s in its worker process"
            ) from None
        return answer.arrays, answer.fields[0]

    @property
    def is_lost(self) -> bool:
        """Whether it was unloaded, or its worker died and could not load it again."""
        return self._name not in self._worker.models

    async def unload(self) -> None:
        """Let go of the model; never fails."""
        await self._worker.unload(self._name)


class WorkerPool:
    """Spreads models over workers. Got from `open_workers`."""

    def __init__(self, count: int, tasks: Tasks) -> None:
        self._workers = [_Worker(index, tasks) for index in range(count)]

    def __repr__(self) -> str:
        return f"WorkerPool({', '.join(map(repr, self._workers))})"

    @property
    def processes(self) -> dict[int, int]:
        """The process ids of the workers that are ready, by their index."""
        return {worker.index: worker.pid for worker in self._workers if worker.link and worker.pid}

    async def load(self, artifact: Artifact) -> WorkerModel:
        """Load a model into the worker that has the fewest, and start that if need be.

        Raises ModelRuntimeError or InvalidResourceError as the model's runtime does, and
        ModelRuntimeError if the worker dies or cannot be started.
        """
        return await min(self._workers, key=lambda worker: len(worker.models)).load(artifact)


@asynccontextmanager
async def open_workers(count: int) -> AsyncIterator[WorkerPool]:
    """Own up to `count` worker processes for the length of a block; at its end they are gone."""
    async with open_tasks("workers") as tasks:
        yield WorkerPool(count, tasks)


class _Worker:
    """One worker process after the other, and the models that each of them shall have."""

    def __init__(self, index: int, tasks: Tasks) -> None:
        self.index = index
        self.models: dict[str, Artifact | None] = {}  # None while it is loaded for the first time
        self.link: WorkerLink | None = None  # set while the worker is ready
        self.pid = 0
        self._process: Process | None = None  # set while the worker is ready
        self._tasks = tasks
        self._life: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[WorkerLink] | None = None

    def __repr__(self) -> str:
        lives = self._life is not None and not self._life.done()
        state = "ready" if self.link else "starting" if lives else "not started"
        return f"{self.index}: {state}, pid {self.pid}, {len(self.models)} models"

    async def load(self, artifact: Artifact) -> WorkerModel:
        name = artifact.model
        self.models[name] = None
        try:
            link = self.link or await self.started()
            answer = await link.ask(name, "load", frames.artifact_fields(artifact))
        except BaseException:
            self.models.pop(name, None)
            raise
        self.models[name] = artifact
        signature, memory_bytes = answer.fields
        return WorkerModel(self, name, frames.signature_from(signature), memory_bytes)

    async def unload(self, name: str) -> None:
        if self.models.pop(name, None) is not None and self.link is not None:
            with suppress(SeldonError):  # if the worker dies now, so does the model
                await self.link.ask(name, "unload", [name])

    def kill(self, link: WorkerLink) -> None:
        """End the process behind `link`, unless it has ended already."""
        if self._process is not None and self.link is link:
            _kill(self._process)

    async def started(self) -> WorkerLink:
        """Wait until the worker is ready, and start it if it is not.

        Raises ModelRuntimeError if the attempt that is under way fails.
        """
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
        if self._life is None or self._life.done():
            self._life = self._tasks.start(self._live(), name=f"worker {self.index}")
            self._life.add_done_callback(self._ended)
        return await asyncio.shield(self._ready)

    async def _live(self) -> None:
        """Run processes, the next when one died, while there are models for them."""
        loop = asyncio.get_running_loop()
        pause_s = 0.0
        while True:
            born = loop.time()
            reason = await self._run_process()
            _log.error("worker died worker=%d pid=%d reason=%r", self.index, self.pid, reason)
            self._refuse_waiting(reason)
            if not any(self.models.values()):
                return
            if loop.time() - born > _HEALTHY_AFTER_S:
                pause_s = 0.0
            await asyncio.sleep(pause_s)
            pause_s = min(max(2 * pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)

    def _ended(self, life: asyncio.Task[None]) -> None:
        """Refuse who waits when the pool is closed.

        No `finally` of the task can do it: cancelled before its first step, it would not run.
        """
        if life is self._life:  # else the next has begun, and they wait for that
            self._refuse_waiting(_ENDED)

    def _refuse_waiting(self, reason: str) -> None:
        """Refuse those who wait for a process that will not be ready."""
        if self._ready is not None:
            waiting, self._ready = self._ready, None
            waiting.set_exception(ModelRuntimeError(f"the worker process {reason}"))
            waiting.exception()  # taken here, since perhaps nobody waits any more

    async def _run_process(self) -> str:
        """Run one process until it dies; return how it did. Cancelling ends it."""
        loop = asyncio.get_running_loop()
        link = WorkerLink(loop)
        process: Process | None = None
        reason = _ENDED
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                await loop.create_unix_connection(lambda: link, sock=ours)
                process = await _spawn(theirs.fileno())
            self.pid = process.pid
            await self._prepare(link)
            self.link, self._process = link, process
            if self._ready is not None:
                self._ready.set_result(link)
                self._ready = None
            await link.lost
            reason = await _how_it_ended(process)
        except OSError as error:
            reason = f"could not be started: {error}"
            if process is not None and link.lost.done():
                reason = await _how_it_ended(process)
        finally:
            self.link = self._process = None
            link.close(reason)
            if process is not None:
                await _end(process)
        return reason

    async def _prepare(self, link: WorkerLink) -> None:
        """Greet a new process, and load what the one before it had.

        Raises ConnectionError if it dies or keeps silent. A model that cannot be loaded again, or
        whose load takes the process with it, is not tried another time.
        """
        try:
            async with asyncio.timeout(_HELLO_TIMEOUT_S):
                await link.unless_lost(link.greeted)
        except TimeoutError:
            raise ConnectionError(f"it did not say hello in {_HELLO_TIMEOUT_S} s") from None
        for name, artifact in tuple(self.models.items()):
            if artifact is None or self.models.get(name) is not artifact:
                continue  # whoever loads it waits for us, or it has been unloaded meanwhile
            try:
                await link.unless_lost(link.ask(name, "load", frames.artifact_fields(artifact)))
                if self.models.get(name) is not artifact:
                    await link.unless_lost(link.ask(name, "unload", [name]))
            except ConnectionError:
                self._drop(name, "its worker process died")
                raise
            except SeldonError as error:
                self._drop(name, str(error))

    def _drop(self, name: str, reason: str) -> None:
        self.models.pop(name, None)
        _log.error("model could not be loaded again model=%s reason=%r", name, reason)


async def _spawn(fd: int) -> Process:
    """Start a process that runs this very code, logs as we do now and speaks to us through `fd`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # nothing in the working directory is taken for a library
        "-m",
        "seldon_core.agent.worker_main",
        "--fd",
        str(fd),
        "--log",
        json.dumps(asdict(log_settings())),
        stdin=DEVNULL,
        stdout=sys.__stderr__,  # what a model prints is not the agent's answer
        start_new_session=True,  # Ctrl-C is for the agent alone, also while this one starts
        pass_fds=(fd,),
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    """Return the agent's own, with the path to this code, and one thread for linear algebra:
    workers run beside each other, and are as many as there are cores for them."""
    here = str(Path(seldon_core.__file__).parent.parent)
    path = os.environ.get("PYTHONPATH")
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return {**threads, **os.environ, "PYTHONPATH": f"{here}{os.pathsep}{path}" if path else here}


async def _how_it_ended(process: Process) -> str:
    """Say how a process that has closed its link ended, or kill it if it has not."""
    code = await _end(process)
    return f"died ({f'signal {-code}' if code < 0 else f'exit code {code}'})"


async def _end(process: Process) -> int:
    """Wait until a process whose link is closed has ended; help if it takes too long.

    Not by `asyncio.timeout`: in a task that has been cancelled, as at the end of the block, that
    of Python 3.11.2 (Debian 12's) raises CancelledError when the time is up.
    """
    help_it = asyncio.get_running_loop().call_later(_GRACE_S, _kill, process)
    try:
        return await process.wait()
    finally:
        help_it.cancel()


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):  # it has just ended
        process.kill()

"""A model's copy in a worker process: loaded when it is first wanted, and again when it was lost.

Its states: absent -> loading -> there -> absent. Until it is there, and when it is lost, calls run
where they ran before.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from seldon_core.agent.batching import Array
from seldon_core.agent.runtimes.base import Artifact, Signature
from seldon_core.aio.supervise import Tasks
from seldon_core.errors import SeldonError

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 300.0
"""After a failure the copy is not tried again for so long; twice as long after each more."""


class WorkerModel(Protocol):
    """A model in a worker process. `memory_bytes` is what the process grew by."""

    memory_bytes: int
    signature: Signature

    @property
    def is_lost(self) -> bool:
        """Whether its worker died and could not load it again."""

    async def infer(
        self, inputs: Sequence[Array], outputs: Sequence[str]
    ) -> tuple[list[Array], float]:
        """Run it; return the outputs and the seconds that the run itself took.

        Raises ModelRuntimeError with the model's message, or that its worker died.
        """

    async def unload(self) -> None:
        """Let go of it."""


class Workers(Protocol):
    """Processes that hold models (`worker.WorkerPool`)."""

    async def load(self, artifact: Artifact) -> WorkerModel:
        """Load a copy of the model. Raises ModelRuntimeError."""


class WorkerCopy:
    """The copy of one model. `on_grown` is told its bytes when it is there for the first time."""

    def __init__(
        self,
        artifact: Artifact,
        workers: Workers,
        tasks: Tasks,
        on_grown: Callable[[int], None],
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._artifact = artifact
        self._workers = workers
        self._tasks = tasks
        self._on_grown = on_grown
        self._now = now
        self._is_counted = False
        self._model: WorkerModel | None = None
        self._load: asyncio.Task[None] | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._not_before = 0.0

    def there(self) -> WorkerModel | None:
        """Return the copy, None if it is not there (any more)."""
        if self._model is not None and self._model.is_lost:
            self._model = None
            self._failed("its worker died and could not load it again")
        return self._model

    def want(self) -> None:
        """Have it loaded, unless it is there, under way, or failed a moment ago."""
        if self._load is not None or self.there() is not None:
            return
        if self._now() >= self._not_before:
            name = f"load into a worker {self._artifact.model}"
            self._load = self._tasks.start(self._load_it(), name=name)

    def take(self, model: WorkerModel) -> None:
        """Go on from a copy that was loaded, and counted, elsewhere."""
        self._model = model
        self._is_counted = True

    async def clear(self) -> None:
        """Let go of it; a load under way is waited for, since the worker would keep the model."""
        if self._load is not None:
            await asyncio.wait([self._load])
        model, self._model = self._model, None
        if model is not None:
            await model.unload()

    def abandon(self) -> None:
        """Load it no further: all workers end soon, and nobody is to wait for the start of one."""
        if self._load is not None:
            self._load.cancel()

    async def _load_it(self) -> None:
        try:
            self._model = await self._workers.load(self._artifact)
        except SeldonError as error:
            self._failed(str(error))
        else:
            self._pause_s = _FIRST_PAUSE_S
            if not self._is_counted:
                self._is_counted = True
                self._on_grown(self._model.memory_bytes)
        finally:
            self._load = None

    def _failed(self, reason: str) -> None:
        _log.warning(
            "model is not in a worker model=%s again_in_s=%g reason=%r",
            self._artifact.model,
            self._pause_s,
            reason,
        )
        self._not_before = self._now() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

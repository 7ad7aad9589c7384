"""What the pool's shell does to have a model in memory: its load, its size, and what serves it.

Loads run on a thread, one at a time in the whole process. What serves a model outlasts its
evictions: it is made at the first load, and given the model at each.
"""

import functools
import logging
from collections.abc import Callable

from seldon_core.agent.execution import Grounds, ModelRunner
from seldon_core.agent.isolation import Isolated, isolate
from seldon_core.agent.loading import Loaded, Loader
from seldon_core.agent.patient_runner import PatientRunner
from seldon_core.agent.pool import ModelPool
from seldon_core.agent.runtimes.base import Artifact
from seldon_core.agent.served import Served, batcher_for
from seldon_core.agent.timeouts import Timeouts
from seldon_core.agent.traces import Traces
from seldon_core.aio.threads import ThreadPool
from seldon_core.errors import NotReadyError
from seldon_core.resources.model import ModelVersion

_log = logging.getLogger(__name__)


class Loads:
    """The models of one server replica that were loaded: `served`, by internal name.

    `changes` counts how often one was added or taken away.

    `pool` says which of them are wanted. Their runners hold a model in memory by `pin(model)`,
    which returns what lets go of it, and `grow(version, nbytes)` is told of a copy.
    """

    def __init__(
        self,
        pool: ModelPool,
        grounds: Grounds,
        load: Loader,
        threads: ThreadPool,
        traces: Traces,
        timeouts: Timeouts,
        pin: Callable[[str], Callable[[], None]],
        grow: Callable[[ModelVersion, int], None],
    ) -> None:
        self.served: dict[str, Served] = {}
        self.changes = 0
        self._pool = pool
        self._grounds = grounds
        self._load_model = load
        self._threads = threads
        self._traces = traces
        self._timeouts = timeouts
        self._pin = pin
        self._grow = grow

    async def load(self, version: ModelVersion) -> Loaded | Isolated:
        """Bring a model into memory, ours or a worker process's.

        Raises SeldonError with a reason for its user; another exception is a fault of the model.
        """
        found = await self._threads.run(self._load_if_wanted, version)
        if isinstance(found, Artifact):
            return await isolate(found, self._grounds.workers)
        return found

    def _load_if_wanted(self, version: ModelVersion) -> Loaded | Artifact:
        """On the thread: other loads came first, and meanwhile the model may have been removed."""
        if self._pool.slots[version.internal_name].farewell is not None:
            raise NotReadyError(f"model {version.internal_name} was removed before its load began")
        served = self.served.get(version.internal_name)
        last, known = (served.artifact, served.signature) if served else (None, None)
        return self._load_model(version, last, known)

    def serve(self, version: ModelVersion, loaded: Loaded | Isolated) -> None:
        """Run requests on a model that was loaded."""
        name = version.internal_name
        served = self.served.get(name)
        if served is None:
            served = self.served[name] = self._new(version, loaded)
            self.changes += 1
        elif loaded.model.signature is not served.signature:
            served.describe(loaded)
        if isinstance(loaded, Isolated):
            served.runner.put_in_worker(loaded.model)
        else:
            served.runner.put(loaded.model)

    def _new(self, version: ModelVersion, loaded: Loaded | Isolated) -> Served:
        name, knobs = version.internal_name, version.spec.knobs
        runner = (PatientRunner if knobs.max_batch_delay_ms else ModelRunner)(
            loaded.artifact,
            loaded.runtime,
            self._grounds,
            functools.partial(batcher_for, loaded, knobs),
            lambda: self._pin(name),
            lambda nbytes: self._grow(version, nbytes),
        )
        timeout = self._timeouts.of(knobs.timeout_ms)
        return Served(version, loaded, runner, self._traces.enter(version.spec.name), timeout)

    async def unload(self, model: str) -> None:
        """Let go of a model in memory; what serves it stays. No run is under way."""
        await self.served[model].runner.clear()

    def forget(self, model: str) -> None:
        """Forget what serves a model that is not assigned here any more."""
        served = self.served.pop(model, None)
        if served is not None:
            self.changes += 1
            self._traces.leave(served.tracer)


def size_at_first(version: ModelVersion, loaded: Loaded | Isolated) -> int:
    """Return the bytes that count for a model: what was declared, else what was measured."""
    declared = version.spec.memory_bytes
    if declared and loaded.grown_bytes > 2 * declared:
        _log.warning(
            "model takes more memory than declared model=%s declared_bytes=%d "
            "measured_bytes=%d (approximate)",
            version.internal_name,
            declared,
            loaded.grown_bytes,
        )
    return declared or loaded.grown_bytes

"""Models that are to be isolated (`seldon-core/isolation: process`): in a worker process only.

Their files are found here and read there, so that neither a model's code nor a crash of it touches
this process. Everything else, batching and eviction too, is as for any model.
"""

from dataclasses import dataclass

from seldon_core.agent.copies import WorkerModel, Workers
from seldon_core.agent.runtimes.base import Artifact, CallTraits


class _InWorker:
    """Sends every call away: this process does not have the model."""

    releases_gil = False
    inline_limit_s = -1.0


_IN_WORKER = _InWorker()


@dataclass(frozen=True, slots=True)
class Isolated:
    """A model in the memory of a worker process, which grew by `grown_bytes`, and not in ours."""

    artifact: Artifact
    model: WorkerModel
    grown_bytes: int
    runtime: CallTraits = _IN_WORKER


async def isolate(artifact: Artifact, workers: Workers) -> Isolated:
    """Load a model into a worker process.

    Raises ModelRuntimeError with the model's message, or that its worker died.
    """
    model = await workers.load(artifact)
    return Isolated(artifact, model, model.memory_bytes)

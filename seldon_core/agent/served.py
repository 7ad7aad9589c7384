"""What requests need to know of a model that is assigned here."""

from dataclasses import replace

from seldon_core.agent.batching import DEFAULT_MAX_ROWS, DEFAULT_MAX_WAITING, Batcher, Entry
from seldon_core.agent.checking import RequestCheck
from seldon_core.agent.execution import ModelRunner
from seldon_core.agent.isolation import Isolated
from seldon_core.agent.loading import Loaded
from seldon_core.agent.patience import PatientBatcher
from seldon_core.agent.timeouts import CallTimeout
from seldon_core.agent.traces import Tracer
from seldon_core.observability.metrics import ModelSeries
from seldon_core.protocol.inference import Parameter, TensorSpec
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.resources.knobs import Knobs, show_knobs
from seldon_core.resources.model import ModelVersion


class Served:
    """A model that was loaded at least once and is still assigned here, in memory or evicted."""

    __slots__ = (
        "alone",
        "answered",
        "artifact",
        "check",
        "counts",
        "runner",
        "signature",
        "timeout",
        "tracer",
        "version",
    )

    def __init__(
        self,
        version: ModelVersion,
        loaded: Loaded | Isolated,
        runner: ModelRunner,
        tracer: Tracer,
        timeout: CallTimeout | None = None,
    ) -> None:
        self.version = version
        self.runner = runner
        self.counts = runner.counts
        self.alone = runner.counts.alone  # at hand, as every request looks there
        self.tracer = tracer
        self.timeout = timeout
        self.answered: dict[str, ModelSeries] = {}  # successful calls, by method type
        self.describe(loaded)

    def note(
        self,
        request_id: str,
        entry: Entry,
        arrived: float,
        admitted: float,
        ready: float,
        now: float,
    ) -> None:
        """Count a request that is answered `now`, and trace it if that is wanted.

        `admitted` is when its model was in memory, `arrived` itself if it was already. `ready` is
        when it began to wait for its run; 0 if that was at once, on the loop, and is the last one
        there.
        """
        if ready:
            counts = self.counts
            joined, began, ended = entry.times
            counts.waited += 1
            counts.queue_s += joined - ready
            counts.input_s += ready - arrived + began - joined
            counts.infer_s += ended - began
            counts.output_s += now - ended
        else:
            runner = self.runner
            began, ended = runner.began, runner.ended
            try:
                runs = self.alone[entry.rows]
            except KeyError:
                runs = self.counts.runs(self.alone, entry.rows)
            runs.count += 1
            runs.input_s += began - arrived
            runs.infer_s += ended - began
            runs.output_s += now - ended
            runs.last = now
        if admitted != arrived:
            self.counts.admitted(admitted - arrived)
        if self.tracer.is_on:
            self.tracer.note(
                request_id,
                self.version.internal_name,
                (arrived, ready or began, began, ended, now),
            )

    def describe(self, loaded: Loaded | Isolated) -> None:
        """Take requests as the model loaded now does: its file may have changed meanwhile."""
        self.artifact = loaded.artifact
        self.signature = loaded.model.signature
        self.check = RequestCheck(self.version.internal_name, self.signature)


def config_of(served: Served) -> ModelConfig:
    """Return how a model is served, in Triton's terms."""
    spec, signature = served.version.spec, served.signature
    is_batched = signature.batchable and all(
        tensor.shape for tensor in (*signature.inputs, *signature.outputs)
    )
    runtime = served.artifact.runtime
    return ModelConfig(
        spec.name,
        signature.platform,
        _BACKENDS.get(runtime, runtime),
        served.runner.max_rows if is_batched else 0,
        _without_rows(signature.inputs) if is_batched else signature.inputs,
        _without_rows(signature.outputs) if is_batched else signature.outputs,
        spec.knobs.max_batch_delay_ms * 1000,
        parameters={**spec.parameters, **show_knobs(spec.knobs)},
    )


_BACKENDS = {"onnx": "onnxruntime"}
"""Triton's names of runtimes that have another one there."""


def _without_rows(tensors: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    return tuple(replace(tensor, shape=tensor.shape[1:]) for tensor in tensors)


def max_rows(loaded: Loaded | Isolated) -> int:
    """`max_batch_size` of model-settings.json caps the rows of a batch if it is given at all."""
    limit: Parameter | None = loaded.artifact.settings.get("max_batch_size")
    if isinstance(limit, int) and limit >= 1:
        return min(limit, DEFAULT_MAX_ROWS)
    return DEFAULT_MAX_ROWS


def batcher_for(loaded: Loaded | Isolated, knobs: Knobs) -> Batcher:
    """Return what gathers the requests to a model, within its own limits."""
    most_waiting = DEFAULT_MAX_WAITING if knobs.max_queue is None else knobs.max_queue
    limits = max_rows(loaded), most_waiting, knobs.max_concurrency
    if knobs.max_batch_delay_ms:
        return PatientBatcher(*limits, knobs.max_batch_delay_ms / 1000)
    return Batcher(*limits)

"""What requests need to know of a model. Served for real: `test_loads`."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from seldon_core.agent.batching import Entry
from seldon_core.agent.loading import Loaded
from seldon_core.agent.patience import PatientBatcher
from seldon_core.agent.runtimes.base import Artifact
from seldon_core.agent.served import Served, batcher_for, config_of, max_rows
from seldon_core.agent.statistics import ModelCounts
from seldon_core.agent.traces import Traces
from seldon_core.protocol.inference import TensorSpec
from seldon_core.resources.knobs import NO_KNOBS, Knobs
from seldon_core.resources.model import ModelSpec, ModelVersion
from tests.support.agent import DOUBLE, FakeModel, FakeRuntime, version_of


def loaded(signature=DOUBLE, **settings):
    artifact = Artifact("m_1", "fake", "/none", "/none/model", settings)
    return Loaded(artifact, FakeRuntime(), FakeModel(signature), 1)


class FakeRunner:
    """What of a runner is looked at."""

    max_rows = 64

    def __init__(self):
        self.counts = ModelCounts()
        self.began = self.ended = 0.0


@pytest.mark.parametrize(
    ("limit", "rows"), [(None, 64), (0, 64), (1, 1), (3, 3), (1000, 64)], ids=str
)
def test_the_models_settings_cap_the_rows_of_a_batch(limit, rows):
    assert max_rows(loaded(max_batch_size=limit)) == rows


def test_a_model_described_anew_checks_requests_by_its_new_signature():
    runner: Any = FakeRunner()
    served = Served(version_of("m"), loaded(), runner, Traces().enter("m"))
    first = served.check
    wider = replace(DOUBLE, inputs=(TensorSpec("x", "FP32", (-1, 3)),))
    served.describe(loaded(wider))
    assert served.signature is wider
    assert served.check is not first


def served_of(signature, spec, runtime="sklearn"):
    runner: Any = FakeRunner()
    artifact = Artifact("m_1", runtime, "/none", "/none/model")
    made = Loaded(artifact, FakeRuntime(), FakeModel(signature), 1)
    return Served(ModelVersion(spec, 1), made, runner, Traces().enter("m"))


def test_a_batched_model_is_told_of_without_its_rows():
    knobs = Knobs(max_batch_delay_ms=5, max_queue=3)
    spec = ModelSpec("m", "/m", parameters={"threads": "2"}, knobs=knobs)
    config = config_of(served_of(DOUBLE, spec))
    assert (config.name, config.platform, config.backend) == ("m", "fake", "sklearn")
    assert (config.max_batch_size, config.max_queue_delay_us) == (64, 5000)
    assert [tensor.shape for tensor in config.inputs] == [(2,)]
    assert [tensor.shape for tensor in config.outputs] == [(2,), ()]
    assert config.parameters == {
        "threads": "2",
        "seldon-core/max-batch-delay-ms": "5",
        "seldon-core/max-queue": "3",
    }


@pytest.mark.parametrize(
    "signature",
    [
        replace(DOUBLE, batchable=False),
        replace(DOUBLE, outputs=(TensorSpec("mean", "FP32", ()),)),
    ],
    ids=["not batchable", "without rows"],
)
def test_a_model_that_is_not_batched_is_told_of_as_it_is(signature):
    config = config_of(served_of(signature, ModelSpec("m", "/m"), "onnx"))
    assert (config.backend, config.max_batch_size) == ("onnxruntime", 0)
    assert (config.inputs, config.outputs) == (signature.inputs, signature.outputs)


def test_a_models_own_limits_are_those_of_its_batcher():
    batcher = batcher_for(loaded(max_batch_size=3), Knobs(max_concurrency=2, max_queue=1))
    assert (batcher.max_rows, batcher._max_together, batcher._max_waiting) == (3, 2, 1)
    batcher = batcher_for(loaded(), NO_KNOBS)
    assert (batcher.max_rows, batcher._max_together, batcher._max_waiting) == (64, None, 4096)


def test_a_model_with_a_delay_has_a_patient_batcher():
    batcher = batcher_for(loaded(), Knobs(max_batch_delay_ms=20))
    assert isinstance(batcher, PatientBatcher)
    assert batcher.delay_s == 0.02


def parts_of(served):
    told = served.counts.snapshot("m", "1", 0, 0.0, has_rows=True).inference_stats
    parts = told.queue, told.compute_input, told.compute_infer, told.compute_output
    assert {part.count for part in (told.success, *parts)} == {1}
    return [part.ns // 10**9 for part in (told.success, *parts)]


@pytest.mark.parametrize(
    ("admitted", "waited", "read"), [(100, 0, 7), (103, 3, 4)], ids=["in memory", "evicted"]
)
def test_the_parts_of_a_request_that_ran_at_once_are_its_time(admitted, waited, read):
    served = served_of(DOUBLE, ModelSpec("m", "/m"))
    served.runner.began, served.runner.ended = 107.0, 118.0
    served.note("r", Entry(None, 2, [], ()), 100.0, admitted, 0.0, 131.0)
    assert parts_of(served) == [31, waited, read, 11, 13]
    assert served.counts.alone[2].last == 131.0


@pytest.mark.parametrize(
    ("admitted", "waited", "read"), [(100, 0, 5), (103, 3, 2)], ids=["in memory", "evicted"]
)
def test_the_parts_of_a_request_that_waited_are_its_time(admitted, waited, read):
    served = served_of(DOUBLE, ModelSpec("m", "/m"))
    entry = Entry(None, 2, [], ())
    entry.times = 112.0, 123.0, 140.0
    served.note("r", entry, 100.0, admitted, 105.0, 159.0)
    assert parts_of(served) == [59, 7 + waited, read + 11, 17, 19]


@pytest.mark.parametrize(
    ("ready", "instants"),
    [(0.0, [100, 107, 107, 118, 131]), (105.0, [100, 105, 123, 125, 131])],
    ids=["at once", "waited"],
)
def test_a_trace_has_the_instants_of_its_request(ready, instants):
    served = served_of(DOUBLE, ModelSpec("m", "/m"))
    noted: list[Any] = []
    tracer: Any = SimpleNamespace(is_on=True, note=lambda *given: noted.append(given))
    served.tracer = tracer
    served.runner.began, served.runner.ended = 107.0, 118.0
    entry = Entry(None, 1, [], ())
    entry.times = 112.0, 123.0, 125.0
    served.note("r7", entry, 100.0, 100.0, ready, 131.0)
    assert noted == [("r7", "m_1", tuple(map(float, instants)))]

"""What requests need to know of a model. Served for real: `test_hosting`."""

from dataclasses import replace
from typing import Any

import pytest

from seldon_core.agent.loading import Loaded
from seldon_core.agent.patience import PatientBatcher
from seldon_core.agent.runtimes.base import Artifact
from seldon_core.agent.served import Served, batcher_for, max_rows
from seldon_core.agent.statistics import ModelCounts
from seldon_core.agent.traces import Traces
from seldon_core.protocol.inference import TensorSpec
from seldon_core.resources.knobs import NO_KNOBS, Knobs
from tests.support.agent import DOUBLE, FakeModel, FakeRuntime, version_of


def loaded(signature=DOUBLE, **settings):
    artifact = Artifact("m_1", "fake", "/none", "/none/model", settings)
    return Loaded(artifact, FakeRuntime(), FakeModel(signature), 1)


class FakeRunner:
    """What of a runner is looked at."""

    max_rows = 64

    def __init__(self):
        self.counts = ModelCounts()


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


def test_a_models_own_limits_are_those_of_its_batcher():
    batcher = batcher_for(loaded(max_batch_size=3), Knobs(max_concurrency=2, max_queue=1))
    assert (batcher.max_rows, batcher._max_together, batcher._max_waiting) == (3, 2, 1)
    batcher = batcher_for(loaded(), NO_KNOBS)
    assert (batcher.max_rows, batcher._max_together, batcher._max_waiting) == (64, None, 1024)


def test_a_model_with_a_delay_has_a_patient_batcher():
    batcher = batcher_for(loaded(), Knobs(max_batch_delay_ms=20))
    assert isinstance(batcher, PatientBatcher)
    assert batcher.delay_s == 0.02

import pytest

from seldon_core.resources.pipeline import PipelineVersion
from seldon_core.scheduler.declared_state import PipelineState
from seldon_core.scheduler.declared_status import (
    ExperimentStatus,
    PipelineStatus,
    PipelineVersionStatus,
)
from tests.support.declared_worlds import a_pipeline, an_experiment

READY, FAILED = PipelineState.READY, PipelineState.FAILED


def a_version(number=1, engine=READY, gateway=READY, models_ready=True):
    version = PipelineVersion(a_pipeline(), number, "u")
    return PipelineVersionStatus(version, engine, "", gateway, "", models_ready, 1.0)


@pytest.mark.parametrize(
    ("version", "is_ready"),
    [
        pytest.param(a_version(), True, id="all of it"),
        pytest.param(a_version(engine=FAILED), False, id="nobody runs it"),
        pytest.param(a_version(gateway=FAILED), False, id="nobody calls it"),
        pytest.param(a_version(models_ready=False), False, id="its models are not there"),
    ],
)
def test_a_pipeline_answers_when_both_sides_and_its_models_are_ready(version, is_ready):
    assert version.is_ready is is_ready


def test_the_latest_version_is_the_last():
    first, second = a_version(1), a_version(2)
    assert PipelineStatus("p", False, (first, second)).latest is second


def test_an_experiments_name_is_that_of_what_was_declared():
    status = ExperimentStatus(an_experiment("e", "a"), False, True, True, True, "so")
    assert status.name == "e"

import pytest

from seldon_core.config.seldon_names import SELDON_NAMES, WITHOUT_EFFECT
from seldon_core.config.settings import known_settings


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MEMORY_REQUEST", "1Gi", {"agent.memory": "1Gi"}),
        ("SELDON_SCHEDULER_HOST", "seldon-scheduler", {"scheduler.host": "seldon-scheduler"}),
        ("SELDON_SCHEDULER_PORT", "9005", {"agent.port": "9005"}),
        ("SELDON_LOG_LEVEL", "Warn", {"log.level": "warning"}),
        ("SELDON_LOG_LEVEL", "debug", {"log.level": "debug"}),
        ("SELDON_LOG_LEVEL", "loud", {"log.level": "loud"}),
        ("POD_NAME", "my-triton-12", {"agent.serverName": "my-triton", "agent.replicaIdx": "12"}),
        ("POD_NAME", "web", {}),
        ("POD_NAME", "-1", {}),
    ],
)
def test_a_variable_says_something_of_the_settings(variable, value, said):
    assert SELDON_NAMES[variable](value) == said


@pytest.mark.parametrize("variable", SELDON_NAMES)
def test_each_variable_is_of_settings_that_there_are(variable):
    assert SELDON_NAMES[variable]("s-1").keys() <= known_settings().keys()


def test_no_variable_has_an_effect_and_has_none():
    assert not SELDON_NAMES.keys() & WITHOUT_EFFECT.keys()
    assert all(WITHOUT_EFFECT.values())

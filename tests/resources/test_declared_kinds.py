from typing import get_args

import pytest

from seldon_core.resources.declared_kinds import Spec, kind_of
from seldon_core.resources.experiment import ExperimentSpec
from seldon_core.resources.model import ModelSpec
from seldon_core.resources.pipeline import PipelineSpec
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec, ServerSpec

EACH = {
    "Model": ModelSpec("a", "/a"),
    "Server": ServerSpec("a", "mlserver"),
    "ServerConfig": ServerConfigSpec("a"),
    "Pipeline": PipelineSpec("a", ()),
    "Experiment": ExperimentSpec("a", ()),
    "Secret": SecretSpec("a"),
    "ConfigMap": AgentConfigSpec(),
}


@pytest.mark.parametrize("kind", EACH)
def test_a_spec_is_of_the_kind_that_manifests_name(kind):
    assert kind_of(EACH[kind]) == kind


def test_everything_that_can_be_declared_is_of_a_kind():
    assert {type(spec) for spec in EACH.values()} == set(get_args(Spec))

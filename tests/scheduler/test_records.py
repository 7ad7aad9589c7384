from typing import get_args

import pytest

from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.resources.server import ServerConfigSpec
from seldon_core.scheduler.records import (
    Kind,
    Stored,
    StoredAgentConfig,
    StoredExperiment,
    StoredModel,
    StoredPipeline,
    StoredPipelineVersion,
    StoredScaling,
    StoredSecret,
    StoredServer,
    StoredServerConfig,
    StoredVersion,
)
from tests.support.declared_worlds import a_pipeline, an_experiment

TEAM = KubernetesMeta("team", 1)


def each(meta):
    """A record of each kind."""
    model = StoredVersion(1, ModelSpec("a", "/a", meta=meta), "", 1.0, None)
    pipeline = StoredPipelineVersion(1, "u", a_pipeline("a", meta=meta), 1.0, None)
    return {
        Kind.MODEL: StoredModel("a", (model,), None, None),
        Kind.SERVER: StoredServer("a", meta=meta),
        Kind.SERVER_CONFIG: StoredServerConfig("a", ServerConfigSpec("a", meta=meta)),
        Kind.PIPELINE: StoredPipeline("a", (pipeline,), None),
        Kind.EXPERIMENT: StoredExperiment("a", an_experiment("a", meta=meta), 1.0, None),
        Kind.SECRET: StoredSecret("a", SecretSpec("a", meta=meta)),
        Kind.AGENT_CONFIG: StoredAgentConfig("seldon-agent", AgentConfigSpec(meta=meta)),
        Kind.SCALING: StoredScaling("a", model.spec.namespace, 1, 2, "", 1.0),
    }


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
@pytest.mark.parametrize(
    ("meta", "namespace"),
    [(TEAM, "team"), (KubernetesMeta("", 2), "default"), (None, "default")],
    ids=["named", "empty", "nothing said"],
)
def test_a_record_is_in_the_namespace_of_what_was_declared(kind, meta, namespace):
    assert each(meta)[kind].namespace == namespace


def test_a_models_namespace_is_that_of_its_latest_version():
    versions = [
        StoredVersion(number, ModelSpec("a", "/a", meta=meta), "", 1.0, None)
        for number, meta in ((1, None), (2, TEAM))
    ]
    assert StoredModel("a", tuple(versions), None, None).namespace == "team"


def test_each_record_is_of_a_kind_of_its_own():
    assert {type(stored): stored.kind for stored in each(None).values()} == {
        kind: kind.kind for kind in get_args(Stored)
    }
    assert all(stored.kind is kind for kind, stored in each(None).items())

"""Pipelines and experiments as records."""

import pytest

from seldon_core.errors import StoreError
from seldon_core.resources.experiment import (
    ExperimentCandidate,
    ExperimentMirror,
    ExperimentSpec,
    ResourceType,
)
from seldon_core.resources.model import KubernetesMeta
from seldon_core.resources.pipeline import (
    JoinOp,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    PipelineStep,
)
from seldon_core.scheduler.records import (
    Kind,
    StoredExperiment,
    StoredPipeline,
    StoredPipelineVersion,
)
from seldon_core.scheduler.store_export import Export, read_export, write_export
from seldon_core.scheduler.store_records import (
    decode_record,
    encode_record,
    plain,
    read_plain,
    record_key,
)

SPEC = PipelineSpec(
    "p",
    (
        PipelineStep(
            "a",
            ("p.inputs",),
            JoinOp.ANY,
            0,
            {"p.inputs.X": "Y"},
            ("p.inputs.T",),
            JoinOp.OUTER,
            2,
            10,
        ),
        PipelineStep("b"),
    ),
    PipelineInput(
        ("q.outputs",), ("r.outputs",), JoinOp.OUTER, JoinOp.ANY, 7, {"q.outputs.X": "Y"}
    ),
    PipelineOutput(("a.outputs",), JoinOp.ANY, 9, {"a.outputs.X": "Y"}),
    clean_topics_on_delete=True,
    allow_cycles=True,
    max_step_revisits=5,
    meta=KubernetesMeta("team", 3),
)
PIPELINE = StoredPipeline(
    "p",
    (
        StoredPipelineVersion(1, "u1", PipelineSpec("p", (PipelineStep("a"),)), 1.0, 2.0),
        StoredPipelineVersion(3, "u3", SPEC, 3.0, None),
    ),
    4.0,
)
EXPERIMENT = StoredExperiment(
    "e",
    ExperimentSpec(
        "e",
        (ExperimentCandidate("p", 60), ExperimentCandidate("q", 0)),
        "p",
        ExperimentMirror("r", 10),
        ResourceType.PIPELINE,
        sticky_sessions=True,
        meta=KubernetesMeta("team", 2),
    ),
    1.0,
    None,
)
LEAST = StoredExperiment("e", ExperimentSpec("e", (ExperimentCandidate("a", 1),)), 1.0, 2.0)
EACH = [
    pytest.param(PIPELINE, id="pipeline"),
    pytest.param(EXPERIMENT, id="experiment"),
    pytest.param(LEAST, id="least"),
]


@pytest.mark.parametrize("stored", EACH)
def test_what_is_kept_is_read_back(stored):
    key = record_key(stored)
    assert decode_record(key, encode_record(key, 5, stored)) == (5, stored)


def test_keys_name_the_kind_and_the_namespace():
    assert record_key(PIPELINE) == b"pipeline/team/p"
    assert record_key(EXPERIMENT) == b"experiment/team/e"
    assert record_key(LEAST) == b"experiment/default/e"


def test_an_export_has_every_kind():
    export = Export(1.0, (PIPELINE, EXPERIMENT))
    assert read_export(write_export(export)) == export


@pytest.mark.parametrize(
    ("stored", "change", "said"),
    [
        pytest.param(
            PIPELINE,
            lambda its: its["versions"].reverse(),
            "wanted versions of rising numbers",
            id="order",
        ),
        pytest.param(
            PIPELINE,
            lambda its: its["versions"][0]["spec"].update(name="q"),
            "version 1 of 'p' is of another one",
            id="another name",
        ),
        pytest.param(
            PIPELINE,
            lambda its: its["versions"][1]["spec"]["steps"][0].update(inputs_join="some"),
            "inputs_join: 'some' is not a valid JoinOp",
            id="join",
        ),
        pytest.param(
            PIPELINE, lambda its: its.update(versions=[]), "wanted versions", id="no version"
        ),
        pytest.param(
            EXPERIMENT,
            lambda its: its["spec"].update(name="f"),
            "the spec of 'e' is of another experiment",
            id="another experiment",
        ),
        pytest.param(
            EXPERIMENT,
            lambda its: its["spec"].update(default="r"),
            "default: 'r' is not among the candidates",
            id="not valid",
        ),
        pytest.param(
            EXPERIMENT,
            lambda its: its["spec"].update(resource_type="server"),
            "resource_type: 'server' is not a valid ResourceType",
            id="resource type",
        ),
    ],
)
def test_what_cannot_be_one_is_refused(stored, change, said):
    value = plain(stored)
    change(value)
    with pytest.raises(StoreError, match=said):
        read_plain(value, stored.kind)


def test_a_record_that_could_not_be_read_back_is_not_written():
    wrong = StoredPipeline("p", (), None)
    with pytest.raises(StoreError, match="pipeline 'p' cannot be kept: wanted versions"):
        encode_record(b"pipeline/default/p", 0, wrong)
    assert wrong.kind is Kind.PIPELINE

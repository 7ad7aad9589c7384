import json
from collections.abc import Mapping
from dataclasses import dataclass

import jsonschema
import numpy as np
import pytest

from seldon_core.agent.traces import Traces
from seldon_core.protocol.extension_json import index_body, index_rows
from seldon_core.protocol.inference import (
    InferRequest,
    InferResponse,
    ModelMetadata,
    ServerMetadata,
    Tensor,
    TensorSpec,
)
from seldon_core.protocol.oip_json import JSON_CODEC, model_metadata_body, server_metadata_body
from seldon_core.protocol.openapi_schemas import (
    general_schemas,
    model_schemas,
    schema_of,
)
from seldon_core.protocol.repository import IndexState
from seldon_core.transport.log_settings import LogLevels
from tests.support.extensions import INDEX


def model(inputs=(), outputs=()):
    return ModelMetadata("m_1", "p", tuple(inputs), tuple(outputs), ("1",))


def fits(document, name, schemas):
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return jsonschema.Draft202012Validator(schema).is_valid(document)


INPUT = {"name": "x", "shape": [2, 4], "datatype": "INT8", "data": [[1, 2, 3, 4], [5, 6, 7, 8]]}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"name": "y"}, id="name"),
        pytest.param({"shape": [2, 3]}, id="fixed dimension"),
        pytest.param({"shape": [2]}, id="too few dimensions"),
        pytest.param({"shape": [2, 4, 1]}, id="too many dimensions"),
        pytest.param({"shape": [-1, 4]}, id="negative dimension"),
        pytest.param({"datatype": "INT16"}, id="datatype"),
        pytest.param({"data": [128]}, id="too large"),
        pytest.param({"data": [1.5]}, id="no integer"),
        pytest.param({"data": [["1"]]}, id="a string"),
    ],
)
def test_what_does_not_fit_the_model_does_not_fit_its_schema(change):
    schemas = {**general_schemas(), **model_schemas(model([TensorSpec("x", "INT8", (-1, 4))]))}
    assert fits({"inputs": [INPUT]}, "InferRequest", schemas)
    assert not fits({"inputs": [{**INPUT, **change}]}, "InferRequest", schemas)
    assert not fits({"inputs": [INPUT, INPUT]}, "InferRequest", schemas)
    assert not fits({"inputs": []}, "InferRequest", schemas)


@pytest.mark.parametrize(
    ("values", "datatype"),
    [
        (np.array([[1.5], [np.nan]], np.float32), "FP32"),
        (np.array([[True], [False]]), "BOOL"),
        (np.array([[b"a"], [b"b"]], object), "BYTES"),
        (np.array([[2**63 - 1], [-(2**63)]]), "INT64"),
    ],
    ids=["not finite", "bool", "bytes", "int64"],
)
def test_a_real_answer_fits_the_models_schema(values, datatype):
    metadata = model(outputs=[TensorSpec("y", datatype, (-1, 1)), TensorSpec("z", "FP16", (3,))])
    schemas = {**general_schemas(), **model_schemas(metadata)}
    response = InferResponse("m_1", [Tensor("y", datatype, values)], "1", "id", {"a": 1})
    body = b"".join(JSON_CODEC.encode_response(response, InferRequest([])).parts)
    assert fits(json.loads(body), "InferResponse", schemas)
    assert fits(json.loads(body), "InferResponse", general_schemas())
    other = {**json.loads(body), "model_name": None}
    assert not fits(other, "InferResponse", schemas)


def test_only_outputs_that_there_are_can_be_asked_for():
    schemas = {**general_schemas(), **model_schemas(model(outputs=[TensorSpec("y", "FP32", ())]))}
    request = {"inputs": [INPUT], "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}
    assert fits(request, "InferRequest", schemas)
    assert not fits({**request, "outputs": [{"name": "z"}]}, "InferRequest", schemas)


def test_metadata_fits_its_schemas():
    server = json.loads(server_metadata_body(ServerMetadata("n", "1", ("a", "b"))))
    assert fits(server, "ServerMetadata", general_schemas())
    spec = TensorSpec("x", "FP32", (-1, 4), {"content_type": "np"})
    described = json.loads(model_metadata_body(model([spec], [spec])))
    assert fits(described, "ModelMetadata", general_schemas())
    del described["inputs"][0]["shape"]
    assert not fits(described, "ModelMetadata", general_schemas())


@dataclass(frozen=True)
class Sample:
    state: IndexState
    counts: Mapping[str, int]
    tags: tuple[str, ...]
    is_good: bool


def test_a_dataclass_is_described_by_its_fields():
    schema = schema_of(Sample)
    good = {"state": "READY", "counts": {"a": 1}, "tags": ["x"], "is_good": True}
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(good)
    for key, bad in [("state", "READ"), ("counts", {"a": "1"}), ("tags", [1]), ("is_good", 1)]:
        assert not validator.is_valid({**good, key: bad})
        assert not validator.is_valid({name: good[name] for name in good if name != key})


TEXT = [TensorSpec("text_input", "BYTES", (-1,)), TensorSpec("required", "FP32", (-1, 2))]


def test_a_model_of_text_is_generated_with_by_its_own_fields():
    metadata = model(TEXT, [TensorSpec("said", "BYTES", (-1,)), TensorSpec("b", "BF16", ())])
    schemas = {**general_schemas(), **model_schemas(metadata)}
    request = {"text_input": "a", "required": [[1, 2]], "temperature": 0.5, "id": "7"}
    assert fits(request, "GenerateRequest", schemas)
    assert fits({**request, "parameters": {"stop": "x"}}, "GenerateRequest", schemas)
    for wrong in ({"text_input": 1}, {"required": "one"}, {"id": 7}, {"parameters": [1]}):
        assert not fits({**request, **wrong}, "GenerateRequest", schemas)
    assert not fits({"required": 1}, "GenerateRequest", schemas)
    answer = {"model_name": "m_1", "model_version": "1", "said": ["a", "b"]}
    assert fits(answer, "GenerateResponse", schemas)
    assert not fits({**answer, "said": 1}, "GenerateResponse", schemas)


def test_a_model_without_text_is_generated_with_by_tensors():
    schemas = {**general_schemas(), **model_schemas(model([TensorSpec("x", "INT8", (-1, 4))]))}
    assert fits({"inputs": [INPUT]}, "GenerateRequest", schemas)
    assert not fits({"text_input": "a"}, "GenerateRequest", schemas)


def test_settings_are_read_and_changed():
    schemas = general_schemas()
    logs = LogLevels().current()
    assert fits(logs, "LogSettings", schemas)
    assert fits(Traces().current(), "TraceSettings", schemas)
    for change in ({}, {"log_info": False}, logs):
        assert fits(change, "LogSettingsChange", schemas)
    assert fits({"trace_rate": None, "trace_level": ["OFF"]}, "TraceSettingsChange", schemas)
    assert not fits({"trace_level": ["LOUD"]}, "TraceSettingsChange", schemas)
    for wrong in ("yes", None):
        assert not fits({"log_info": wrong}, "LogSettingsChange", schemas)
    assert not fits({"log_info": True}, "LogSettings", schemas)


def test_the_index_and_lists_among_parameters_of_text_fit_their_schemas():
    rows = json.loads(index_body([index_rows(INDEX)]))
    assert "version" not in rows[1]
    assert fits(rows, "RepositoryIndex", general_schemas())
    assert not fits([{**rows[0], "state": "LOADED"}], "RepositoryIndex", general_schemas())
    for parameters in ({"stop": ["a"], "details": True}, {"response_format": {"type": "json"}}):
        request = {"text_input": "a", "parameters": parameters}
        assert fits(request, "GenerateRequest", general_schemas())

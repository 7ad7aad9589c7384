import json
from collections.abc import Mapping
from dataclasses import dataclass

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    example_request,
    general_schemas,
    model_schemas,
    schema_of,
)
from seldon_core.protocol.repository import IndexState
from seldon_core.protocol.tensors import NUMPY_DTYPES

SHAPES = st.lists(st.integers(-1, 5), max_size=4).map(tuple)
SPECS = st.builds(TensorSpec, st.text(max_size=4), st.sampled_from(sorted(NUMPY_DTYPES)), SHAPES)


def model(inputs=(), outputs=()):
    return ModelMetadata("m_1", "p", tuple(inputs), tuple(outputs), ("1",))


def fits(document, name, schemas):
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return jsonschema.Draft202012Validator(schema).is_valid(document)


@given(st.lists(SPECS, min_size=1, max_size=3, unique_by=lambda spec: spec.name))
def test_the_example_of_any_model_is_read_and_fits_its_schema(specs):
    metadata = model(specs)
    example = example_request(metadata)
    if any(spec.datatype == "BF16" for spec in specs):
        assert example is None
        return
    assert fits(example, "InferRequest", {**general_schemas(), **model_schemas(metadata)})
    assert fits(example, "InferRequest", general_schemas())
    request = JSON_CODEC.decode_request(json.dumps(example).encode(), None)
    for tensor, spec in zip(request.inputs, specs, strict=True):
        assert tensor.datatype == spec.datatype
        for found, wanted in zip(tensor.data.shape, spec.shape, strict=True):
            assert found == abs(wanted)


@pytest.mark.parametrize(
    "specs",
    [
        pytest.param([], id="no inputs"),
        pytest.param([TensorSpec("x", "BF16", (1,))], id="only as bytes"),
        pytest.param([TensorSpec("x", "COMPLEX", (1,))], id="unknown datatype"),
        pytest.param([TensorSpec("x", "FP32", (3, 224, 224))], id="a picture"),
    ],
)
def test_a_model_may_have_no_example(specs):
    assert example_request(model(specs)) is None


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

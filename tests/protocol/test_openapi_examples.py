"""Examples of requests are ones that the decoders read, whatever the model."""

import json

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.protocol.generate import GenerateCodec
from seldon_core.protocol.inference import ModelMetadata, TensorSpec
from seldon_core.protocol.oip_json import JSON_CODEC
from seldon_core.protocol.openapi_examples import example_request, example_text_request
from seldon_core.protocol.openapi_schemas import general_schemas, model_schemas
from seldon_core.protocol.tensors import NUMPY_DTYPES

SHAPES = st.lists(st.integers(-1, 5), max_size=4).map(tuple)
DATATYPES = st.sampled_from(sorted(NUMPY_DTYPES))
SPECS = st.lists(
    st.builds(TensorSpec, st.text(max_size=4), DATATYPES, SHAPES),
    min_size=1,
    max_size=3,
    unique_by=lambda spec: spec.name,
)


def model(*inputs):
    return ModelMetadata("m_1", "p", inputs, (), ("1",))


def fits(document, name, schemas):
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return jsonschema.Draft202012Validator(schema).is_valid(document)


def is_of(tensor, spec):
    """Whether a tensor is what `spec` describes, with 1 for each dimension of any size."""
    shape = tuple(abs(size) for size in spec.shape)
    return (tensor.name, tensor.datatype, tensor.data.shape) == (spec.name, spec.datatype, shape)


@given(SPECS)
def test_the_example_of_any_model_is_read_and_fits_its_schema(specs):
    metadata = model(*specs)
    example = example_request(metadata)
    assert example_text_request(metadata) == example
    if any(spec.datatype == "BF16" for spec in specs):
        assert example is None
        return
    assert fits(example, "InferRequest", {**general_schemas(), **model_schemas(metadata)})
    assert fits(example, "InferRequest", general_schemas())
    request = JSON_CODEC.decode_request(json.dumps(example).encode(), None)
    assert all(map(is_of, request.inputs, specs))


@given(SPECS)
def test_the_example_of_any_model_of_text_is_read_and_fits_its_schema(specs):
    metadata = model(
        TensorSpec("text_input", "BYTES", (-1, 1)),
        *(
            spec
            for spec in specs
            if spec.datatype != "BF16" and 0 not in spec.shape and spec.name != "id"
        ),
    )
    example = example_text_request(metadata)
    assert example["text_input"] == "text"
    assert fits(example, "GenerateRequest", {**general_schemas(), **model_schemas(metadata)})
    assert fits(example, "GenerateRequest", general_schemas())
    request = GenerateCodec(metadata).decode_request(json.dumps(example).encode(), None)
    assert all(map(is_of, request.inputs, metadata.inputs))


def test_an_example_holds_what_divides_and_has_a_logarithm():
    specs = [TensorSpec(kind, kind, (2,)) for kind in ("BOOL", "INT8", "FP64", "BYTES")]
    data = [tensor["data"] for tensor in example_request(model(*specs))["inputs"]]
    assert data == [[True, True], [1, 1], [1.0, 1.0], ["text", "text"]]
    assert np.isfinite(np.log(data[2])).all()


@pytest.mark.parametrize("name", ["id", "inputs", "parameters"])
def test_an_input_that_is_no_field_of_its_own_is_sent_as_a_tensor(name):
    metadata = model(TensorSpec("text_input", "BYTES", (-1,)), TensorSpec(name, "INT8", (1,)))
    assert example_text_request(metadata) == example_request(metadata)


@pytest.mark.parametrize("shape", [(0,), (1, 0), (0, 3)], ids=str)
def test_an_input_without_values_is_sent_as_a_tensor(shape):
    metadata = model(TensorSpec("text_input", "BYTES", (-1,)), TensorSpec("x", "INT8", shape))
    assert example_text_request(metadata) == example_request(metadata)


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
    assert example_request(model(*specs)) is None
    assert example_text_request(model(*specs)) is None

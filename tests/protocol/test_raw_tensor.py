"""Bodies that are one tensor's bytes, described by the model's metadata."""

import tracemalloc

import numpy as np
import pytest
import tritonclient.http as triton

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import InferResponse, ModelMetadata, Tensor, TensorSpec
from seldon_core.protocol.raw_tensor import RawTensorCodec


def codec_for(*specs):
    return RawTensorCodec(ModelMetadata("iris", "onnx", specs, ()))


def decode(body, datatype, shape):
    return codec_for(TensorSpec("x", datatype, shape)).decode_request(body, 0)


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((2, 3), (2, 3)),
        ((-1, 3), (2, 3)),
        ((2, -1), (2, 3)),
        ((-1, -1), (1, 6)),
        ((-1, -1, 3), (1, 2, 3)),
        ((-1,), (6,)),
        ((-1, 1, 3, 2), (1, 1, 3, 2)),
    ],
    ids=["fixed", "rows", "columns", "rows and columns", "middle", "vector", "one row"],
)
def test_a_variable_dimension_is_found_from_the_number_of_bytes(shape, found):
    values = np.arange(6, dtype="<f4")
    request = decode(bytearray(values.tobytes()), "FP32", shape)
    (tensor,) = request.inputs
    assert (tensor.name, tensor.datatype, tensor.data.shape) == ("x", "FP32", found)
    assert tensor.data.ravel().tolist() == values.tolist()
    assert request.outputs is None


def test_no_bytes_are_no_elements():
    (tensor,) = decode(b"", "FP32", (-1, 0)).inputs
    assert tensor.data.shape == (0, 0)


@pytest.mark.parametrize("shape", [(), (1,), (-1,), (-1, 1)], ids=str)
@pytest.mark.parametrize("body", [b"", b"text", b"\x04\0\0\0text"], ids=["none", "text", "length"])
def test_a_string_is_the_whole_body(shape, body):
    (tensor,) = decode(memoryview(body), "BYTES", shape).inputs
    assert tensor.data.ravel().tolist() == [body]
    assert tensor.data.shape == (1,) * len(shape)


@pytest.mark.parametrize(
    ("datatype", "shape", "size", "message"),
    [
        ("FP32", (2, 3), 20, r"FP32 of shape \[2, 3\] needs 24 bytes, found 20"),
        (
            "FP32",
            (-1, 3),
            25,
            r"FP32 of shape \[-1, 3\] .* needs 12 bytes or a multiple of it, found 25",
        ),
        ("FP32", (2, -1, -1), 24, r"can leave one dimension open, input 'x' has shape \[2, -1, -1"),
        ("FP32", (-1, -1, -1), 24, r"can leave one dimension open, .* \[-1, -1, -1\]: send a JSON"),
        ("FP32", (-1, 0), 4, r"of shape \[-1, 0\] .* needs 0 bytes or .*, found 4"),
        ("BYTES", (2,), 4, r"can carry one element of BYTES, input 'x' has shape \[2\]: send a"),
        ("BOOL", (4,), 4, "the bytes of a BOOL tensor must be 0 or 1"),
    ],
    ids=["short", "rest", "two open", "three open", "no elements", "two strings", "no boolean"],
)
def test_a_body_that_does_not_fit_is_refused(datatype, shape, size, message):
    with pytest.raises(InvalidRequestError, match=message):
        decode(b"\x09" * size, datatype, shape)


@pytest.mark.parametrize(
    ("names", "found"), [((), "no inputs"), (("a", "b"), "2 inputs")], ids=["none", "two"]
)
def test_a_model_without_exactly_one_input_is_refused(names, found):
    with pytest.raises(InvalidRequestError, match=f"iris tells of {found}: send a JSON head"):
        codec_for(*(TensorSpec(name, "FP32", (1,)) for name in names))


def test_every_output_comes_back_as_bytes_that_a_client_reads():
    codec = codec_for(TensorSpec("x", "FP32", (2,)))
    request = codec.decode_request(b"\0" * 8, 0)
    outputs = [
        Tensor("y", "FP32", np.array([[1.5]], "<f4")),
        Tensor("label", "BYTES", np.array([b"a"], object)),
    ]
    encoded = codec.encode_response(InferResponse("iris_1", outputs), request)
    body = b"".join(map(bytes, encoded.parts))
    result = triton.InferenceServerClient.parse_response_body(
        body, header_length=encoded.json_length
    )
    assert result.as_numpy("y").tolist() == [[1.5]]
    assert result.as_numpy("label").tolist() == [b"a"]
    assert all("binary_data_size" in o["parameters"] for o in result.get_response()["outputs"])


@pytest.mark.parametrize("shape", [(), (1,), (-1, 1)], ids=str)
def test_a_text_is_copied_once_and_whole(shape):
    body = bytearray(b"\x00text" * (1 << 20))
    tracemalloc.start()
    try:
        [tensor] = decode(body, "BYTES", shape).inputs
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert tensor.data.ravel().tolist() == [body]
    assert peak < 1.2 * len(body)

"""Requests that a model would answer, made of what it says of its inputs."""

from collections.abc import Sequence
from math import prod
from typing import Any, Final

from seldon_core.protocol.generate import TEXT_INPUT
from seldon_core.protocol.inference import ModelMetadata
from seldon_core.protocol.tensors import NUMPY_DTYPES

BINARY_ONLY: Final = "BF16"
"""The datatype that JSON does not carry."""

_NOT_INPUTS: Final = frozenset({"id", "inputs", "parameters"})  # by their names as fields
_LARGEST: Final = 4096  # values: a page is to be read, and a picture has 150,528


def example_request(model: ModelMetadata) -> dict[str, Any] | None:
    """Return an infer request that fits the model: one row of ones.

    None if it cannot be written as JSON, would not be read by people for its size, or the model
    says nothing of its inputs.
    """
    shapes = {spec.name: [abs(size) for size in spec.shape] for spec in model.inputs}
    is_small = sum(prod(shape) for shape in shapes.values()) <= _LARGEST
    known = set(NUMPY_DTYPES) - {BINARY_ONLY}
    if not shapes or not is_small or any(spec.datatype not in known for spec in model.inputs):
        return None
    return {
        "inputs": [
            {
                "name": spec.name,
                "shape": shapes[spec.name],
                "datatype": spec.datatype,
                "data": [_example_value(spec.datatype)] * prod(shapes[spec.name]),
            }
            for spec in model.inputs
        ]
    }


def example_text_request(model: ModelMetadata) -> dict[str, Any] | None:
    """Return a request to generate; with tensors if that is what the model takes, or None."""
    example = example_request(model)
    names = {spec.name for spec in model.inputs}
    is_fit = not names & _NOT_INPUTS and all(0 not in spec.shape for spec in model.inputs)
    if example is None or not takes_text(model) or not is_fit:
        return example
    return {
        tensor["name"]: _nested(tensor["data"], tensor["shape"]) for tensor in example["inputs"]
    }


def _nested(values: list[Any], shape: Sequence[int]) -> Any:
    """Return values in lists as `shape` says, an only one by itself."""
    if len(values) == 1:
        return values[0]
    for size in reversed(shape[1:]):
        values = [values[start : start + size] for start in range(0, len(values), size)]
    return values


def takes_text(model: ModelMetadata) -> bool:
    """Whether the generate extension's own form of a request is for the model."""
    return any(spec.name == TEXT_INPUT and spec.datatype == "BYTES" for spec in model.inputs)


def _example_value(datatype: str) -> bool | int | float | str:
    """One divides, has a logarithm, and is the index of something; zero is none of these."""
    if datatype == "BYTES":
        return "text"
    kind = NUMPY_DTYPES[datatype].kind
    return True if kind == "b" else 1.0 if kind == "f" else 1

"""The raw binary request: a body that is one tensor's bytes, and nothing that describes it.

The header Inference-Header-Content-Length: 0 says so. What the tensor is comes from the model's
metadata.
"""

from math import prod

import numpy as np

from seldon_core.errors import InvalidRequestError
from seldon_core.protocol.inference import (
    Buffer,
    Encoded,
    InferRequest,
    InferResponse,
    ModelMetadata,
    Tensor,
)
from seldon_core.protocol.oip_binary import LENGTH_HEADER
from seldon_core.protocol.oip_json import JSON_CODEC
from seldon_core.protocol.tensors import ITEM_SIZES, from_raw

_DO_INSTEAD = "send a JSON head that describes the tensors"
_HERE = f"a raw binary request ({LENGTH_HEADER.decode()}: 0)"
_WHERE = "the body"


class RawTensorCodec:
    """Reads bodies that are the one input of a model, and answers with every output as bytes."""

    def __init__(self, metadata: ModelMetadata) -> None:
        """Raises InvalidRequestError if the model does not say exactly what its one input is."""
        if len(metadata.inputs) != 1:
            count = len(metadata.inputs) or "no"
            raise InvalidRequestError(
                f"{_HERE} is for a model with one input, {metadata.name} tells of {count} "
                f"inputs: {_DO_INSTEAD}"
            )
        self._spec = metadata.inputs[0]

    def decode_request(self, body: Buffer, json_length: int | None) -> InferRequest:
        """Return the request; the array may be a view of `body`.

        One variable dimension is found from the number of bytes; of two the first, which is that of
        rows, is 1. A BYTES input has one element, which the whole body is. Raises
        InvalidRequestError if the body does not fit.
        """
        spec = self._spec
        if spec.datatype == "BYTES":
            data = np.empty(self._single_element(), object)
            data.fill(bytes(body))
        else:
            data = from_raw(_WHERE, spec.datatype, self._sized(len(body)), body)
        return InferRequest(
            [Tensor(spec.name, spec.datatype, data)], parameters={"binary_data_output": True}
        )

    def encode_response(self, response: InferResponse, request: InferRequest) -> Encoded:
        """Write the reply as to a request with a JSON head."""
        return JSON_CODEC.encode_response(response, request)

    def _single_element(self) -> tuple[int, ...]:
        shape = tuple(1 if size == -1 else size for size in self._spec.shape)
        if prod(shape) != 1:
            raise InvalidRequestError(
                f"{_HERE} can carry one element of BYTES, input {self._spec.name!r} has shape "
                f"{list(self._spec.shape)}: {_DO_INSTEAD}"
            )
        return shape

    def _sized(self, size: int) -> tuple[int, ...]:
        """Return the shape of a tensor of `size` bytes; `from_raw` checks one without variables."""
        spec = self._spec
        shape = list(spec.shape)
        variable = [place for place, length in enumerate(shape) if length == -1]
        if len(variable) > 1 and variable[0] == 0:
            shape[0] = 1
            del variable[0]
        if len(variable) > 1:
            raise InvalidRequestError(
                f"{_HERE} can leave one dimension open, input {spec.name!r} has shape "
                f"{list(spec.shape)}: {_DO_INSTEAD}"
            )
        if variable:
            unit = prod(length for length in shape if length != -1) * ITEM_SIZES[spec.datatype]
            if size % unit if unit else size:
                raise InvalidRequestError(
                    f"{_WHERE}: {spec.datatype} of shape {list(spec.shape)} (-1 is any) needs "
                    f"{unit} bytes or a multiple of it, found {size}"
                )
            shape[variable[0]] = size // unit if unit else 0
        return tuple(shape)

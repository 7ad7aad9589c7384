"""What ModelInfer's messages cost: iris and an image, raw and typed, and finding the model's name.

    python -m perf.micro.bench_oip_grpc [SECONDS]

`by protobuf alone` is the image's way without views: parse, take the contents out, make an array.
"""

import sys
from functools import partial

import numpy as np

from perf.micro.timing import Row, report
from seldon_core.proto import open_inference_pb2 as pb
from seldon_core.protocol.grpc_contents import write_contents
from seldon_core.protocol.inference import InferRequest, InferResponse, Tensor
from seldon_core.protocol.oip_grpc import GRPC_CODEC, peek_model


def message(array: np.ndarray, raw: bool) -> bytes:
    """A request with one FP32 tensor."""
    item = pb.ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=array.shape)
    request = pb.ModelInferRequest(model_name="iris")
    if raw:
        request.raw_input_contents.append(array.tobytes())
    else:
        write_contents(item.contents, Tensor("x", "FP32", array))
    request.inputs.append(item)
    return request.SerializeToString()


def by_protobuf(body: bytes) -> np.ndarray:
    """Read the one raw tensor of a message."""
    request = pb.ModelInferRequest.FromString(body)
    return np.frombuffer(request.raw_input_contents[0], "<f4").reshape(request.inputs[0].shape)


def main() -> int:
    """Print a line for each message."""
    rows: list[Row] = []
    for name, array in (
        ("iris", np.ones((1, 4), "<f4")),
        ("image", np.ones((1, 3, 224, 224), "<f4")),
    ):
        outputs = [Tensor("y", "FP32", array)]
        if name == "iris":
            outputs = [Tensor("y", "INT64", np.array([[1]]))]
        for form, raw in (("raw", True), ("typed", False)):
            body, reply = message(array, raw), InferResponse("iris_1", outputs, "1")
            asked = InferRequest([], raw=raw)
            rows += [
                (f"decode {name}, {form}", partial(GRPC_CODEC.decode_request, body, None)),
                (f"encode {name}, {form}", partial(GRPC_CODEC.encode_response, reply, asked)),
                (f"find the model of {name}, {form}", partial(peek_model, body)),
            ]
    rows.append(("image by protobuf alone", partial(by_protobuf, message(array, True))))
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())

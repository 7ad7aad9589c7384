"""What JSON costs: the README's request and its reply, and an image, flat and nested.

    python -m perf.micro.bench_oip_json [SECONDS]

`by orjson` is the way of small bodies for the image as well, with the same checks.
"""

import sys
from functools import partial

import numpy as np
import orjson

from perf.micro.timing import Row, report
from seldon_core.protocol.inference import InferResponse, Tensor
from seldon_core.protocol.oip_json import JSON_CODEC, JsonCodec

IRIS = b'{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
SHAPE = (1, 3, 224, 224)


def main() -> int:
    """Print a line for each body."""
    request = JSON_CODEC.decode_request(IRIS, None)
    reply = InferResponse("iris_1", [Tensor("predict", "INT64", np.array([[1]]))], "1")
    image = np.random.default_rng(1).normal(size=SHAPE).astype("<f4")
    large = InferResponse("resnet_1", [Tensor("y", "FP32", image)])
    rows: list[Row] = [
        ("decode iris", partial(JSON_CODEC.decode_request, IRIS, None)),
        ("encode iris", partial(JSON_CODEC.encode_response, reply, request)),
        ("encode image", partial(JSON_CODEC.encode_response, large, request)),
    ]
    by_orjson = JsonCodec(large=sys.maxsize)
    for form, data in (("flat", image.ravel()), ("nested", image)):
        item = {"name": "x", "shape": SHAPE, "datatype": "FP32", "data": data}
        body = orjson.dumps({"inputs": [item]}, option=orjson.OPT_SERIALIZE_NUMPY)
        rows += [
            (f"decode image, {form}", partial(JSON_CODEC.decode_request, body, None)),
            ("  by orjson", partial(by_orjson.decode_request, body, None)),
        ]
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())

"""What the binary tensor extension costs: four floats and an image, in and out.

python -m perf.micro.bench_oip_binary [SECONDS]
"""

import sys
from functools import partial

import numpy as np
import orjson

from perf.micro.timing import Row, report
from seldon_core.protocol.inference import InferRequest, InferResponse, Tensor
from seldon_core.protocol.oip_json import JSON_CODEC


def main() -> int:
    """Print a line for each direction and size."""
    asked = InferRequest([], parameters={"binary_data_output": True})
    rows: list[Row] = []
    for shape in ((1, 4), (1, 3, 224, 224)):
        array = np.zeros(shape, "<f4")
        item = {
            "name": "x",
            "shape": shape,
            "datatype": "FP32",
            "parameters": {"binary_data_size": array.nbytes},
        }
        head = orjson.dumps({"inputs": [item], "parameters": {"binary_data_output": True}})
        body = head + array.tobytes()
        reply = InferResponse("m_1", [Tensor("y", "FP32", array)], "1")
        rows += [
            (f"decode {shape}", partial(JSON_CODEC.decode_request, body, len(head))),
            (f"encode {shape}", partial(JSON_CODEC.encode_response, reply, asked)),
        ]
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())

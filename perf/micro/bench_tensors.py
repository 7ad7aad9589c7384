"""What tensors cost between values, bytes and arrays: four floats, a thousand, and an image.

python -m perf.micro.bench_tensors [SECONDS]
"""

import sys
from functools import partial

import numpy as np

from perf.micro.timing import Row, report
from seldon_core.protocol.inference import Tensor
from seldon_core.protocol.tensors import from_raw, from_values, to_raw


def main() -> int:
    """Print a line for each conversion and size."""
    rows: list[Row] = []
    for shape in ((1, 4), (250, 4), (1, 3, 224, 224)):
        array = np.random.default_rng(1).normal(size=shape).astype("<f4")
        tensor, sizes = Tensor("x", "FP32", array), list(shape)
        nested, raw = array.tolist(), array.tobytes()
        rows += [
            (f"values {shape}", partial(from_values, "inputs[0]", "FP32", sizes, nested)),
            (f"from raw {shape}", partial(from_raw, "inputs[0]", "FP32", sizes, raw)),
            (f"to raw {shape}", partial(to_raw, tensor)),
        ]
    words = Tensor("x", "BYTES", np.array([b"word"] * 1000, object))
    strings, raw_strings = ["word"] * 1000, bytes(to_raw(words))
    rows += [
        ("values of 1,000 strings", partial(from_values, "x", "BYTES", [1000], strings)),
        ("from raw 1,000 strings", partial(from_raw, "x", "BYTES", [1000], raw_strings)),
        ("to raw 1,000 strings", partial(to_raw, words)),
    ]
    return report(rows)


if __name__ == "__main__":
    sys.exit(main())

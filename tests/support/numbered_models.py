"""ONNX artifacts that answer every call with their own number, and manifests of such models.

So an answer says which artifact it is from. Broken ones cannot be loaded.
"""

import threading
from enum import Enum
from pathlib import Path

from onnx import TensorProto, helper

from seldon_core.resources.model import ModelSpec

INPUT, OUTPUT = "INPUT", "NUMBER"


class Sort(Enum):
    """What becomes of a declared artifact."""

    HEALTHY = "healthy"
    BROKEN = "broken"  # cannot be loaded
    HOMELESS = "homeless"  # requires what no server has


class ArtifactShop:
    """Makes artifacts below a folder, each with a number of its own, from 1. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._made = 0

    def make(self, name: str, sort: Sort) -> tuple[int, ModelSpec]:
        """Make an artifact; return its number and a spec that declares it as the model `name`."""
        with self._lock:
            self._made += 1
            number = self._made
        place = self._folder / str(number)
        place.mkdir(parents=True)
        content = b"no model" if sort is Sort.BROKEN else _answering(number)
        (place / "model.onnx").write_bytes(content)
        missing = ("quantum",) if sort is Sort.HOMELESS else ()
        return number, ModelSpec(name, str(place), ("onnx", *missing))


def _answering(number: int) -> bytes:
    """Return a model whose output is `number` for an input of 0, both FP32 [1]."""
    graph = helper.make_graph(
        [helper.make_node("Add", [INPUT, "number"], [OUTPUT])],
        "numbered",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1])],
        [helper.make_tensor("number", TensorProto.FLOAT, [], [float(number)])],
    )
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()

"""Runs ONNX models by ONNX Runtime, on the CPU.

Each session has one thread for a model's operators, the caller's: with the defaults 1,000 sessions
are 1,003 threads, and spinning ones. `session.run` is called as it is, with a dict made for each
call: measured for iris it takes 5.0 µs for 1 row, 5.3 for 4, 5.6 for 16, 5.9 for 64, of which the
dict is 0.1; values prepared by `OrtValue` cost 42 µs, and the private object under the session
would save 0.8.
"""

import logging
import os
import re
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import onnxruntime

from seldon_core.agent.runtimes.base import Artifact, Signature, failed
from seldon_core.agent.runtimes.probe import Arrays, random_rows, try_rows
from seldon_core.agent.runtimes.text import decoded, encoded
from seldon_core.errors import InvalidRequestError, ModelRuntimeError
from seldon_core.protocol.inference import TensorSpec
from seldon_core.protocol.tensors import NUMPY_DTYPES

_log = logging.getLogger(__name__)

_ARENA_FROM_BYTES = 64 * 1024 * 1024
"""A session's arena is kept for models from this size: for small ones it is mostly unused memory,
times thousands of models, and plain allocation is no slower (iris: 5.0 against 5.7 µs)."""

_DATATYPES = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}

_NOISE = re.compile(
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : "  # its error code
    r"|Load model (?:from )?\S+ failed[:.] ?"  # the path, which our own message names
    r"|\S+\.(?:cc|cpp|h|hpp|cu):\d+ [^(]*\([^)]*\)(?: \[[^]]*\])? ?"  # file, line and C++ function
)
_MESSAGE_CHARACTERS = 400


class OnnxModel:
    """A session and what it takes and gives."""

    __slots__ = ("_names", "_run", "_session", "signature")

    def __init__(self, session: onnxruntime.InferenceSession, signature: Signature) -> None:
        self.signature = signature
        has_text = any(spec.datatype == "BYTES" for spec in signature.inputs + signature.outputs)
        self._session = session
        self._names = tuple(spec.name for spec in signature.inputs)
        self._run = self._run_text if has_text else self._run_numbers

    def infer(
        self, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[str]
    ) -> list[npt.NDArray[Any]]:
        """Run the session; safe to call from several threads.

        Raises ModelRuntimeError with ONNX Runtime's message if it refuses or fails, and
        InvalidRequestError if BYTES are not the text that ONNX's strings are, or if it fails on an
        input without values.
        """
        try:
            return self._run(inputs, outputs)
        except InvalidRequestError:
            raise
        except Exception as error:  # its errors have no base but Exception
            raise failed(_message(error), inputs) from error

    def _run_numbers(self, inputs: Arrays, outputs: Sequence[str]) -> list[npt.NDArray[Any]]:
        feed = dict(zip(self._names, inputs, strict=True))
        return self._session.run(outputs, feed)  # type: ignore[no-any-return]  # untyped vendor

    def _run_text(self, inputs: Arrays, outputs: Sequence[str]) -> list[npt.NDArray[Any]]:
        """The same for a model with BYTES: ONNX's strings are text."""
        answer = self._run_numbers([decoded(array) for array in inputs], outputs)
        return [encoded(array) for array in answer]


class OnnxRuntime:
    """Loads `.onnx` files. A run releases the GIL, so a long one goes to a thread."""

    name = "onnx"
    releases_gil = True
    inline_limit_s = 150e-6

    def load(self, artifact: Artifact, known: Signature | None = None) -> OnnxModel:
        """Read a model and, unless its signature is known, try whether its rows may be batched.

        Raises ModelRuntimeError naming the file and what is wrong with it.
        """
        try:
            session = onnxruntime.InferenceSession(
                artifact.path, _options(artifact.path), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors have no base but Exception
            raise ModelRuntimeError(
                f"{artifact.path}: cannot be loaded as an ONNX model: {_message(error)}"
            ) from error
        if known is not None:
            return OnnxModel(session, known)
        inputs = tuple(_spec(value, artifact.path) for value in session.get_inputs())
        outputs = tuple(
            _spec(value, artifact.path)
            for value in session.get_outputs()
            if value.type in _DATATYPES  # maps and sequences have no place in the protocol
        )
        if not outputs:
            raise ModelRuntimeError(f"{artifact.path}: none of its outputs is a tensor")
        signature = Signature(
            platform="onnxruntime_onnx",
            inputs=inputs,
            outputs=outputs,
            default_outputs=tuple(spec.name for spec in outputs),
            batchable=False,
        )
        model = OnnxModel(session, signature)
        reason = _why_not_batchable(model)
        if reason is None:
            model.signature = Signature(
                signature.platform, inputs, outputs, signature.default_outputs, batchable=True
            )
        else:
            _log.debug("model is not batched model=%s reason=%r", artifact.model, reason)
        return model


def _options(path: str) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised; its own log would repeat it
    size = os.path.getsize(path) if os.path.exists(path) else 0
    options.enable_cpu_mem_arena = size >= _ARENA_FROM_BYTES
    return options


def _spec(value: Any, path: str) -> TensorSpec:
    if value.type not in _DATATYPES:
        raise ModelRuntimeError(
            f"{path}: its input {value.name!r} is a {value.type}, which the protocol cannot carry"
        )
    shape = tuple(size if isinstance(size, int) and size >= 0 else -1 for size in value.shape or ())
    return TensorSpec(value.name, _DATATYPES[value.type], shape)


def _why_not_batchable(model: OnnxModel) -> str | None:
    """Say why rows of several requests must not run as one call; None: they may."""
    for spec in model.signature.inputs + model.signature.outputs:
        if spec.shape[:1] != (-1,):
            return f"{spec.name!r} has the shape {list(spec.shape)}, without a variable first dim"
    if any(spec.datatype == "BYTES" for spec in model.signature.inputs):
        return "text inputs cannot be tried"
    names = model.signature.default_outputs
    for size in (4, 64):  # of the other variable dimensions: some models need room for a window
        rows = [
            random_rows(
                [size if length < 0 else length for length in spec.shape[1:]],
                NUMPY_DTYPES[spec.datatype],
                seed,
            )
            for seed, spec in enumerate(model.signature.inputs)
        ]
        try:
            return try_rows(lambda inputs: model.infer(inputs, names), rows).influence
        except ModelRuntimeError as error:
            reason = f"it cannot be tried with random rows: {error}"
    return reason


def _message(error: Exception) -> str:
    """Return ONNX Runtime's message as one line without its error code and C++ places."""
    return " ".join(_NOISE.sub("", str(error)).split())[:_MESSAGE_CHARACTERS]

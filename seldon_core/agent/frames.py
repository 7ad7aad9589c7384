"""What an agent and its worker processes say to each other, as bytes. Pure.

A frame is a prefix, a header and tensors:

    length of the header, length of the tensors     8 bytes each, little-endian
    [kind, call, fields, arrays]                    msgpack, padded to 16 bytes
    the arrays' bytes                               each padded to 16 bytes

so that tensors are sent from where they lie and used where they were received, aligned. BYTES
travel inside the header. Each side says `hello` with its VERSION first. Then the agent asks
`load`, `infer` or `unload`, and the worker answers with the same call number and kind, or with
`error`. Nothing is pickled.
"""

import struct
from collections.abc import Sequence
from dataclasses import asdict
from math import prod
from typing import Any, NamedTuple

import msgpack
import numpy as np
import numpy.typing as npt

from seldon_core.agent.runtimes.base import Artifact, Signature, words_of
from seldon_core.errors import (
    InvalidRequestError,
    InvalidResourceError,
    ModelRuntimeError,
    SeldonError,
)
from seldon_core.protocol.inference import Buffer, TensorSpec

VERSION = 1

_PREFIX = struct.Struct("<QQ")
_ALIGNMENT = 16
_ROOM_BYTES = 64 * 1024
_MAX_BYTES = 4 * 1024**3
"""A longer frame is taken for garbage; the largest request is 1000 MiB."""

_FAMILIES: dict[str, type[SeldonError]] = {
    "request": InvalidRequestError,
    "model": ModelRuntimeError,
}


class Frame(NamedTuple):
    """One message; `call` is the number of the request that it makes or answers.

    `arrays` may be read-only.
    """

    kind: str
    call: int
    fields: list[Any]
    arrays: list[npt.NDArray[Any]]


def encode(
    kind: str, call: int, fields: Sequence[Any] = (), arrays: Sequence[npt.NDArray[Any]] = ()
) -> list[Buffer]:
    """Return a frame as parts to send in order; those of numeric arrays are views of them."""
    described: list[tuple[str, Sequence[int], Any]] = []
    parts: list[Buffer] = []
    length = 0
    for array in arrays:
        if array.dtype == np.object_:
            described.append(("O", array.shape, array.ravel().tolist()))
            continue
        described.append((array.dtype.str, array.shape, None))
        if array.nbytes:
            parts.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
            padding = -array.nbytes % _ALIGNMENT
            if padding:
                parts.append(bytes(padding))
            length += array.nbytes + padding
    # Settings and paths may hold lone surrogates, which are no UTF-8.
    header = msgpack.packb((kind, call, fields, described), unicode_errors="surrogatepass")
    start = _PREFIX.pack(len(header), length) + header + bytes(-len(header) % _ALIGNMENT)
    return [start, *parts]


class FrameReader:
    """Cuts a stream of bytes into frames; receives large ones where they will stay.

    Put bytes into `room()`, then tell `received` how many.
    """

    __slots__ = ("_buffer", "_filled")

    def __init__(self) -> None:
        self._buffer: bytearray | memoryview = bytearray(_ROOM_BYTES)
        self._filled = 0

    def room(self) -> memoryview:
        """Return where the next bytes go; never empty."""
        return memoryview(self._buffer)[self._filled :]

    def received(self, count: int) -> list[Frame]:
        """Return the frames that `count` more bytes complete, in order.

        Raises ValueError if these are no frames; the stream cannot be read any further then.
        """
        self._filled += count
        frames = []
        start = 0
        while (total := self._frame_bytes(start)) and start + total <= self._filled:
            frames.append(self._frame(start, total))
            start += total
        if start == len(self._buffer) > _ROOM_BYTES:  # it belongs to the arrays of its frame now
            self._buffer = bytearray(_ROOM_BYTES)
            self._filled = 0
            return frames
        rest = memoryview(self._buffer)[start : self._filled]
        if start + total > len(self._buffer):  # the frame that has begun needs more room
            # Not zeroed: it costs nothing until bytes arrive, whatever the prefix claims.
            buffer = np.empty(max(total, _ROOM_BYTES), np.uint8).data
            buffer[: len(rest)] = rest
            self._buffer = buffer
        elif start:
            self._buffer[: len(rest)] = bytes(rest)
        self._filled = len(rest)
        return frames

    def _frame_bytes(self, start: int) -> int:
        """Return the length of the frame at `start`, 0 if its prefix is not complete."""
        if self._filled - start < _PREFIX.size:
            return 0
        header, tensors = _PREFIX.unpack_from(self._buffer, start)
        total = _PREFIX.size + header + -header % _ALIGNMENT + tensors
        if total > _MAX_BYTES:
            raise ValueError(f"a frame of {total} bytes is longer than {_MAX_BYTES}")
        return int(total)

    def _frame(self, start: int, total: int) -> Frame:
        header, tensors = _PREFIX.unpack_from(self._buffer, start)
        view = memoryview(self._buffer)
        begin = start + _PREFIX.size
        body: Buffer = view[start + total - tensors : start + total]
        if total <= _ROOM_BYTES:  # the buffer will be overwritten; a copy this small costs little
            body = bytes(body)
        try:
            kind, call, fields, described = msgpack.unpackb(
                view[begin : begin + header], unicode_errors="surrogatepass"
            )
            if type(kind) is str and type(call) is int and type(fields) is list:
                return Frame(kind, call, fields, _arrays(described, body))
        # SyntaxError: numpy reads some texts for a dtype as Python.
        except (TypeError, SyntaxError, OverflowError, msgpack.UnpackException) as error:
            raise ValueError(f"a frame is not as it should be: {error}") from error
        raise ValueError("a frame is not a kind, a number, fields and arrays")


def _arrays(
    described: Sequence[tuple[str, Sequence[int], Any]], body: Buffer
) -> list[npt.NDArray[Any]]:
    arrays = []
    offset = 0
    for dtype, shape, items in described:
        if dtype == "O":
            array = np.empty(len(items), dtype=object)
            array[:] = items
        else:
            array = np.frombuffer(body, dtype, prod(shape), offset)
            offset += array.nbytes + -array.nbytes % _ALIGNMENT
        arrays.append(array.reshape(shape))
    return arrays


def artifact_fields(artifact: Artifact) -> list[Any]:
    """Return what `artifact_from` needs."""
    return list(asdict(artifact).values())


def artifact_from(fields: Sequence[Any]) -> Artifact:
    """Return the Artifact that `artifact_fields` took apart."""
    return Artifact(*fields)


def signature_fields(signature: Signature) -> list[Any]:
    """Return what `signature_from` needs."""
    return list(asdict(signature).values())


def signature_from(fields: Sequence[Any]) -> Signature:
    """Return the Signature that `signature_fields` took apart."""
    platform, inputs, outputs, default_outputs, names_matter, batchable = fields
    return Signature(
        platform, _specs(inputs), _specs(outputs), tuple(default_outputs), names_matter, batchable
    )


def _specs(described: Sequence[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(**{**spec, "shape": tuple(spec["shape"])}) for spec in described)


def error_fields(error: Exception) -> list[Any]:
    """Return what `error_from` needs."""
    if isinstance(error, InvalidResourceError):
        return ["resource", str(error).removeprefix(f"{error.path}: "), error.path]
    if isinstance(error, SeldonError):
        family = next(
            (name for name, kind in _FAMILIES.items() if isinstance(error, kind)), "model"
        )
        return [family, str(error), ""]
    return ["model", words_of(error), ""]


def error_from(fields: Sequence[Any]) -> SeldonError:
    """Return an error of the family and with the text of the one that `error_fields` took apart."""
    family, text, path = fields
    if family == "resource":
        return InvalidResourceError(path, text)
    return _FAMILIES[family](text)

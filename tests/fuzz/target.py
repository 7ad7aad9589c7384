"""What is fuzzed: a name, a check of any bytes, and bytes to begin with.

Both engines use the same targets: Hypothesis makes inputs from what it knows of their structure,
atheris from which code the last ones reached. A check returns, or it raises: then the bytes it was
given are a finding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from seldon_core.protocol.inference import InferRequest, Tensor


@dataclass(frozen=True)
class Target:
    """One thing that reads bytes from outside.

    `seeds` are inputs to begin with, `tokens` what to put into them. `inputs` are Hypothesis's own;
    without them it changes the seeds. `weight` is the target's share of a run. `cpu_s` is the most
    processor time for one input, `peak_bytes` the most memory that one may add to the process's
    largest so far.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    tokens: Sequence[bytes] = ()
    inputs: st.SearchStrategy[bytes] | None = None
    weight: int = 1
    cpu_s: float = 2.0
    peak_bytes: int = 64 << 20


CUT = b"\xfe\xfe"
"""Where `Choices.parts` cuts; no protocol that is read so has these bytes."""


class Choices:
    """Decisions read from the front of an input: what the rest is for, where to cut it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def number(self, nbytes: int = 1) -> int:
        """Return the next bytes as a number, 0 at the end."""
        return int.from_bytes(self.take(nbytes), "little")

    def pick(self, options: Sequence[Any]) -> Any:
        """Return one of `options`, by the next byte."""
        return options[self.number() % len(options)]

    def take(self, nbytes: int) -> bytes:
        """Return the next `nbytes`, fewer at the end."""
        taken = self._data[self._at : self._at + nbytes]
        self._at += len(taken)
        return taken

    def rest(self) -> bytes:
        """Return what is left."""
        return self.take(len(self._data))

    def parts(self) -> list[bytes]:
        """Return what is left in pieces, cut where `CUT` stands."""
        return self.rest().split(CUT)

    def pieces(self, count: int) -> list[bytes]:
        """Return what is left in at most `count` + 1 pieces, cut where the next bytes say."""
        cuts = self.take(count)
        rest = self.rest()
        edges = sorted({0, len(rest), *(cut * len(rest) // 255 for cut in cuts)})
        return [rest[begin:end] for begin, end in pairwise(edges)] or [b""]


def outcome(
    declared: tuple[type[Exception], ...], call: Callable[..., Any], *arguments: Any
) -> tuple[Any, Any]:
    """Return what `call` returns, or the error it raises if it is one of those `declared`."""
    try:
        return call(*arguments), None
    except declared as error:
        return None, error


def shown(request: InferRequest) -> tuple[Any, ...]:
    """Return a request as a value that is equal only to that of the same request, bit by bit."""
    outputs = [(each.name, repr(each.parameters or None)) for each in request.outputs or ()]
    return (
        [shown_tensor(tensor) for tensor in request.inputs],
        outputs,
        request.id,
        repr(request.parameters or None),
        request.model_name,
        request.model_version,
        request.raw,
    )


def shown_tensor(tensor: Tensor) -> tuple[Any, ...]:
    """Return a tensor as a value that is equal only to that of the same tensor, bit by bit."""
    data = tensor.data
    elements = (
        data.ravel().tolist() if data.dtype == object else np.ascontiguousarray(data).tobytes()
    )
    return (
        *(tensor.name, tensor.datatype, repr(tensor.parameters or None)),
        *(data.dtype.str, data.shape, elements),
    )

"""What a runtime is: something that turns a model's files into a model that can be run.

Runtimes block: they are called on a thread, in a worker process, or inline when a call is known to
be short. They know tensors, and neither requests nor wire formats.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy.typing as npt

from seldon_core.errors import InvalidRequestError, ModelRuntimeError, SeldonError
from seldon_core.protocol.inference import TensorSpec


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model's files on the local disk and what they say of themselves.

    `model` is the internal name (`iris_1`), `folder` the model's folder, `path` its main file.
    `settings` is `model-settings.json` with every key kept, {} without one. `stamp` changes when
    the main file does. `origin` is what errors call `folder`, "" if they may name it: where files
    lie that are on a remote is nobody's business.
    """

    model: str
    runtime: str
    folder: str
    path: str
    settings: dict[str, Any] = field(default_factory=dict)
    stamp: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a loaded model takes and gives.

    `outputs` lists every output that may be requested, `default_outputs` those given when none is.
    `names_matter` is False when the single input may have any name and any numeric datatype (the
    scikit-learn convention). `batchable`: the first dimension of every input and output counts
    rows that do not influence each other, so rows of several requests may run as one call.
    """

    platform: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    default_outputs: tuple[str, ...]
    names_matter: bool = True
    batchable: bool = False


def words_of(error: Exception) -> str:
    """Return what a library's or a model's own exception says, as one line that begins with its
    type: the text of a `KeyError('a')` alone is `'a'`."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def failed(words: str, inputs: Sequence[npt.NDArray[Any]]) -> SeldonError:
    """Return the error of a run that failed with `words`.

    Many models cannot run on nothing, and then it is the caller who has to change something.
    """
    for array in inputs:
        if not array.size:
            return InvalidRequestError(
                f"the model takes no input without values, send at least one row; got the shape "
                f"{list(array.shape)}: {words}"
            )
    return ModelRuntimeError(words)


class LoadedModel(Protocol):
    """A model in this process's memory. Not called from two threads at once unless `Runtime.
    releases_gil`."""

    signature: Signature

    def infer(
        self, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[str]
    ) -> list[npt.NDArray[Any]]:
        """Run on `inputs`, in the order of `signature.inputs`; return `outputs` in their order.

        Raises ModelRuntimeError with the model's own message if it fails; any other exception is
        answered as `words_of` it.
        """


class CallTraits(Protocol):
    """Where calls run. `inline_limit_s`: a predicted call above it leaves the loop.

    `releases_gil` says where it goes then: a thread, or else a worker process.
    """

    @property
    def releases_gil(self) -> bool:
        """Whether other threads go on beside a call."""

    @property
    def inline_limit_s(self) -> float:
        """The longest that a call may keep the loop; below 0 none runs there."""


class Runtime(CallTraits, Protocol):
    """One machine-learning library."""

    name: str

    def load(self, artifact: Artifact, known: Signature | None = None) -> LoadedModel:
        """Read the files and make the model ready to run. Blocks, possibly for minutes.

        `known` is the signature that the very same artifact had before: it need not be found out.
        Raises ModelRuntimeError naming the file and what is wrong with it.
        """

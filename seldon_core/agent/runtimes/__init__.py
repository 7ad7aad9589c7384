"""The machine-learning libraries, each in one module, behind `base.Runtime`.

Here: turning a model's files into tensors in, tensors out. Not here: where models run, when they
are loaded, and requests. A library is imported when the first model needs it (onnxruntime takes
0.2 s, scikit-learn 1 s), and a missing one is no error before that.
"""

import importlib
from dataclasses import dataclass
from importlib.util import find_spec

from seldon_core.agent.runtimes.base import Runtime
from seldon_core.errors import ModelRuntimeError


@dataclass(frozen=True, slots=True)
class _Known:
    """A runtime that may be there: its library, the extra that installs it, what it can serve."""

    library: str
    extra: str
    runtime_class: str
    capabilities: tuple[str, ...]


# A manifest names the server that its artifact was made for (`triton`, `tensorflow`); here the
# runtime follows from the artifact, so each runtime stands for all words its artifacts come with.
_KNOWN = {
    "onnx": _Known(
        "onnxruntime", "onnx", "OnnxRuntime", ("onnx", "python", "tensorflow", "triton")
    ),
    "sklearn": _Known("sklearn", "sklearn", "SklearnRuntime", ("mlserver", "sklearn")),
}
_loaded: dict[str, Runtime] = {}


def runtime_named(name: str) -> Runtime:
    """Return the runtime called `name`, importing its library at the first call.

    That import takes up to seconds: not for the serving loop. Raises ModelRuntimeError if there is
    no such runtime, or if its library is missing; then the message says what to install.
    """
    runtime = _loaded.get(name)
    if runtime is None:
        known = _KNOWN.get(name)
        if known is None:
            raise ModelRuntimeError(f"no runtime {name!r}; there are {', '.join(sorted(_KNOWN))}")
        try:
            module = importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            raise ModelRuntimeError(
                f"the runtime {name!r} needs {error.name}, which is not installed: "
                f"pip install 'seldon-core[{known.extra}]'"
            ) from error
        runtime = _loaded[name] = getattr(module, known.runtime_class)()
    return runtime


def capabilities() -> tuple[str, ...]:
    """Return what models may require of this machine, sorted; nothing is imported to find out."""
    return tuple(
        sorted(
            word
            for known in _KNOWN.values()
            if find_spec(known.library) is not None
            for word in known.capabilities
        )
    )

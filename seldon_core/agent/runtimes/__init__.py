"""The machine-learning libraries, each in one module, behind `base.Runtime`.

Here: turning a model's files into tensors in, tensors out. Not here: where models run, when they
are loaded, and requests. A library is imported when the first model needs it (onnxruntime takes
0.2 s, scikit-learn 1 s), and a missing one is no error before that.
"""

import importlib
from dataclasses import dataclass

from seldon_core.agent.runtimes.base import Runtime
from seldon_core.errors import ModelRuntimeError


@dataclass(frozen=True, slots=True)
class _Known:
    """A runtime that may be there, and the extra that installs its library."""

    extra: str
    runtime_class: str


_KNOWN = {
    "onnx": _Known("onnx", "OnnxRuntime"),
    "sklearn": _Known("sklearn", "SklearnRuntime"),
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

"""What the default servers can really do in this process, by the libraries that it finds."""

import logging
from importlib.util import find_spec

from seldon_core.resources.servers import ServerDefinition

_log = logging.getLogger(__name__)

_LIBRARIES = {
    ("mlserver", "mlserver"): "seldon_core",
    ("mlserver", "sklearn"): "sklearn",
    ("triton", "triton"): "seldon_core",
    ("triton", "onnx"): "onnxruntime",
    # Seldon's manifests ask for these where the artifact may as well be ONNX, which is then run;
    # one that is none fails to load with a sentence that says so.
    ("triton", "python"): "onnxruntime",
    ("triton", "tensorflow"): "onnxruntime",
}
"""What can be kept of each server's capabilities, and the library that each needs."""

_EXTRAS = {"sklearn": "sklearn", "onnxruntime": "onnx"}
"""The extra that installs a library."""


def capabilities_here(server: ServerDefinition) -> tuple[str, ...]:
    """Return what `server` can really do here: with the libraries that are installed."""
    capabilities = []
    for name in server.capabilities:
        library = _LIBRARIES.get((server.name, name))
        if library is None:
            continue
        if find_spec(library) is None:
            extra = _EXTRAS[library]
            _log.warning(
                "capability missing server=%s capability=%s install=%r",
                server.name,
                name,
                f"pip install 'seldon-core[{extra}]'",
            )
            continue
        capabilities.append(name)
    return tuple(capabilities)

"""What servers can really do in this process, by the libraries that it finds."""

import logging
from importlib.util import find_spec

from seldon_core.resources.servers import DEFAULT_SERVERS, ServerDefinition

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


_DEFAULT_NAMES = frozenset(name for server in DEFAULT_SERVERS for name in server.capabilities)


def capabilities_here(server: ServerDefinition) -> tuple[str, ...]:
    """Return what `server` can really do here: with the libraries that are installed.

    A capability that no default server has is the user's own word, and kept as it is. One that a
    default server has means what it means there: of both, unless the server is called after one of
    them or has its name among its capabilities.
    """
    kinds = {known.name for known in DEFAULT_SERVERS}
    kinds = kinds & {server.name, *server.capabilities} or kinds
    capabilities = []
    for name in server.capabilities:
        if name not in _DEFAULT_NAMES:
            capabilities.append(name)
            continue
        libraries = {_LIBRARIES[kind, name] for kind in kinds if (kind, name) in _LIBRARIES}
        if any(find_spec(library) is not None for library in libraries):
            capabilities.append(name)
        elif libraries:
            extra = _EXTRAS[min(libraries)]
            _log.warning(
                "capability missing server=%s capability=%s install=%r",
                server.name,
                name,
                f"pip install 'seldon-core[{extra}]'",
            )
    return tuple(capabilities)

"""The table of dialects: which path or gRPC method is which call.

A dialect is a set of paths and methods that mean calls of the one interface in
`transport/handler.py`. The Open Inference Protocol is the first; others (MLServer's and Triton's
additions, OpenAI's) become further rows of the same tables.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from seldon_core.errors import MethodNotAllowedError, NotFoundError


class Verb(Enum):
    """What a call wants. The first three are about the server, the others about a model."""

    SERVER_LIVE = "ServerLive"
    SERVER_READY = "ServerReady"
    SERVER_METADATA = "ServerMetadata"
    MODEL_READY = "ModelReady"
    MODEL_METADATA = "ModelMetadata"
    INFER = "ModelInfer"


@dataclass(frozen=True, slots=True)
class Target:
    """What a REST path means: a verb, and the model and version it names ("" if none)."""

    verb: Verb
    model: str = ""
    version: str = ""


PIPELINE_SUFFIX: Final = ".pipeline"
"""What tells the name of a pipeline from that of a model."""

GRPC_VERBS: Final[dict[bytes, Verb]] = {
    b"/inference.GRPCInferenceService/" + verb.value.encode(): verb for verb in Verb
}
"""The gRPC `:path` of every call."""

# Path below /v2, what follows the name of a model and what follows the name of a pipeline -> the
# HTTP method and the verb. The protocol's OpenAPI file writes `/v2/`, its text `/v2`.
_SERVER: Final = {
    "v2": ("GET", Verb.SERVER_METADATA),
    "v2/": ("GET", Verb.SERVER_METADATA),
    "v2/health/live": ("GET", Verb.SERVER_LIVE),
    "v2/health/ready": ("GET", Verb.SERVER_READY),
}
_MODEL: Final = {
    "": ("GET", Verb.MODEL_METADATA),
    "ready": ("GET", Verb.MODEL_READY),
    "infer": ("POST", Verb.INFER),
}
_PIPELINE: Final = {
    "ready": ("GET", Verb.MODEL_READY),
    "infer": ("POST", Verb.INFER),
}

# Longer request targets are read anew each time, so that what the cache holds is bounded in bytes.
_LONGEST_CACHED: Final = 256


def rest_target(method: bytes, path: bytes) -> Target:
    """Return what a REST request wants. `path` is the request target as sent, query included.

    A pipeline's path names the model `<pipeline>.pipeline`. Raises NotFoundError if no dialect has
    the path, MethodNotAllowedError if it takes another method.
    """
    # A bounded cache instead of reading the path each time: 0.1 µs against 2.0 µs for
    # /v2/models/iris/infer (perf/micro/bench_dialects.py).
    if len(path) <= _LONGEST_CACHED:
        return _cached(method, path)
    return _read(method, path)


def _read(method: bytes, target: bytes) -> Target:
    path = target.partition(b"?")[0].partition(b"#")[0].decode("latin-1")
    if not path.startswith("/"):  # the absolute form, which proxies use
        path = "/" + path.partition("://")[2].partition("/")[2]
    found = _find(path[1:])
    if found is None:
        raise NotFoundError("path", path)
    (allowed, verb), model, version = found
    # HEAD is GET without the body (RFC 9110, 9.3.2), which is left out where the answer is written.
    if method.decode("latin-1") != allowed and (method, allowed) != (b"HEAD", "GET"):
        raise MethodNotAllowedError(method.decode("latin-1"), path, (allowed,))
    return Target(verb, model, version)


_cached = lru_cache(maxsize=4096)(_read)


def _find(path: str) -> tuple[tuple[str, Verb], str, str] | None:
    """Return a path's row, model and version; `path` is without its first slash."""
    if (row := _SERVER.get(path)) is not None:
        return row, "", ""
    root, _, below = path.partition("/")
    kind, _, below = below.partition("/")
    name, slash, below = below.partition("/")
    if root != "v2" or not name:
        return None
    version = ""
    if below.startswith("versions/"):
        version, slash, below = below.removeprefix("versions/").partition("/")
        if not version:
            return None
    if slash and not below:
        return None
    suffix, rows = "", _MODEL
    if kind == "pipelines":
        suffix, rows = PIPELINE_SUFFIX, _PIPELINE
    elif kind != "models":
        return None
    found = rows.get(below)
    try:
        names = unquote(name, errors="strict"), unquote(version, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if found is None else (found, names[0] + suffix, names[1])

"""The table of dialects: which path or gRPC method is which call.

A dialect is a set of paths and methods that mean calls of the one interface in
`transport/handler.py`. The Open Inference Protocol is the first; others (MLServer's and Triton's
additions, OpenAI's) become further rows of the same tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from seldon_core.errors import MethodNotAllowedError, NotFoundError, TunnelError


class Verb(Enum):
    """What a call wants. One that gRPC has, too, has the name of its method as value."""

    SERVER_LIVE = "ServerLive"
    SERVER_READY = "ServerReady"
    SERVER_METADATA = "ServerMetadata"
    MODEL_READY = "ModelReady"
    MODEL_METADATA = "ModelMetadata"
    INFER = "ModelInfer"
    STREAM_INFER = "ModelStreamInfer"  # gRPC's, with messages in both directions
    INFER_STREAM = "infer_stream"  # REST's: one request, any number of events
    GENERATE = "generate"
    GENERATE_STREAM = "generate_stream"
    MODEL_CONFIG = "ModelConfig"
    STATISTICS = "ModelStatistics"
    REPOSITORY_INDEX = "RepositoryIndex"
    REPOSITORY_LOAD = "RepositoryModelLoad"
    REPOSITORY_UNLOAD = "RepositoryModelUnload"
    TRACE_SETTING = "TraceSetting"
    LOG_SETTINGS = "LogSettings"
    DOCS = "docs"  # for people
    OPENAPI = "docs/dataplane.json"  # the same for programs


@dataclass(frozen=True, slots=True)
class Target:
    """What a REST path means: a verb, and the model and version it names ("" if none)."""

    verb: Verb
    model: str = ""
    version: str = ""


PIPELINE_SUFFIX: Final = ".pipeline"
"""What tells the name of a pipeline from that of a model."""

_REST_ONLY: Final = (
    Verb.INFER_STREAM,
    Verb.GENERATE,
    Verb.GENERATE_STREAM,
    Verb.DOCS,
    Verb.OPENAPI,
)

GRPC_VERBS: Final[dict[bytes, Verb]] = {
    b"/inference.GRPCInferenceService/" + verb.value.encode(): verb
    for verb in Verb
    if verb not in _REST_ONLY
} | {
    # MLServer's clients know the repository as a service of its own. Its messages are the same.
    b"/inference.model_repository.ModelRepositoryService/" + method: verb
    for method, verb in (
        (b"ModelRepositoryIndex", Verb.REPOSITORY_INDEX),
        (b"ModelRepositoryModelLoad", Verb.REPOSITORY_LOAD),
        (b"ModelRepositoryModelUnload", Verb.REPOSITORY_UNLOAD),
    )
}
"""The gRPC `:path` of every call."""

_Row = tuple[tuple[str, ...], Verb]

_GET: Final = ("GET",)
_POST: Final = ("POST",)
_BOTH: Final = ("GET", "POST")

# A whole path, what follows the name of a model, of a pipeline, and of a model in a repository ->
# the HTTP methods and the verb. The protocol's OpenAPI file writes `/v2/`, its text `/v2`.
_SERVER: Final[dict[str, _Row]] = {
    "v2": (_GET, Verb.SERVER_METADATA),
    "v2/": (_GET, Verb.SERVER_METADATA),
    "v2/health/live": (_GET, Verb.SERVER_LIVE),
    "v2/health/ready": (_GET, Verb.SERVER_READY),
    "v2/models/stats": (_GET, Verb.STATISTICS),
    "v2/repository/index": (_POST, Verb.REPOSITORY_INDEX),
    "v2/trace/setting": (_BOTH, Verb.TRACE_SETTING),
    "v2/logging": (_BOTH, Verb.LOG_SETTINGS),
    "v2/docs": (_GET, Verb.DOCS),
    "v2/docs/dataplane.json": (_GET, Verb.OPENAPI),
}
_MODEL: Final[dict[str, _Row]] = {
    "": (_GET, Verb.MODEL_METADATA),
    "ready": (_GET, Verb.MODEL_READY),
    "infer": (_POST, Verb.INFER),
    "infer_stream": (_POST, Verb.INFER_STREAM),
    "generate": (_POST, Verb.GENERATE),
    "generate_stream": (_POST, Verb.GENERATE_STREAM),
    "config": (_GET, Verb.MODEL_CONFIG),
    "stats": (_GET, Verb.STATISTICS),
    "trace/setting": (_BOTH, Verb.TRACE_SETTING),
    "docs": (_GET, Verb.DOCS),
    "docs/dataplane.json": (_GET, Verb.OPENAPI),
}
_PIPELINE: Final[dict[str, _Row]] = {
    "ready": (_GET, Verb.MODEL_READY),
    "infer": (_POST, Verb.INFER),
}
_REPOSITORY: Final[dict[str, _Row]] = {
    "load": (_POST, Verb.REPOSITORY_LOAD),
    "unload": (_POST, Verb.REPOSITORY_UNLOAD),
}


# Longer request targets are read anew each time, so that what the cache holds is bounded in bytes.
_LONGEST_CACHED: Final = 256


def rest_target(method: bytes, path: bytes) -> Target:
    """Return what a REST request wants. `path` is the request target as sent, query included.

    A pipeline's path names the model `<pipeline>.pipeline`. Raises NotFoundError if no dialect has
    the path, MethodNotAllowedError if it takes another method, TunnelError for CONNECT.
    """
    # A bounded cache instead of reading the path each time: 0.1 µs against 2.0 µs for
    # /v2/models/iris/infer (perf/micro/bench_dialects.py).
    if len(path) <= _LONGEST_CACHED:
        return _cached(method, path)
    return _read(method, path)


def rest_paths() -> Iterator[tuple[str, tuple[str, ...], Verb]]:
    """Yield each REST path as OpenAPI writes it (`/v2/models/{model}/infer`), its HTTP methods and
    its verb. Left out are other spellings of the same, `/v2/` and a repository's name, and the
    paths of pipelines, which nobody serves yet."""
    for path, (methods, verb) in _SERVER.items():
        if not path.endswith("/"):
            yield f"/{path}", methods, verb
    for root, rows in (
        ("/v2/models/{model}", _MODEL),
        ("/v2/models/{model}/versions/{version}", _MODEL),
        ("/v2/repository/models/{model}", _REPOSITORY),
    ):
        for below, (methods, verb) in rows.items():
            yield f"{root}/{below}".rstrip("/"), methods, verb


def _read(method: bytes, target: bytes) -> Target:
    if method == b"CONNECT":
        raise TunnelError
    path = target.partition(b"?")[0].partition(b"#")[0].decode("latin-1")
    if not path.startswith("/"):  # the absolute form, which proxies use
        path = "/" + path.partition("://")[2].partition("/")[2]
    found = _find(path[1:])
    if found is None:
        raise NotFoundError("path", path, _where_else(path))
    (allowed, verb), model, version = found
    # HEAD is GET without the body (RFC 9110, 9.3.2), which is left out where the answer is written.
    name = "GET" if method == b"HEAD" else method.decode("latin-1")
    if name not in allowed:
        raise MethodNotAllowedError(method.decode("latin-1"), path, allowed)
    return Target(verb, model, version)


def _where_else(path: str) -> str:
    if "sharedmemory" in path:
        return "here: shared memory is not offered"
    return "here: /v2/docs lists the paths that there are"


_cached = lru_cache(maxsize=4096)(_read)


def _find(path: str) -> tuple[_Row, str, str] | None:
    """Return a path's row, model and version; `path` is without its first slash."""
    if (row := _SERVER.get(path)) is not None:
        return row, "", ""
    root, _, below = path.partition("/")
    kind, _, below = below.partition("/")
    name, slash, below = below.partition("/")
    if root != "v2" or not name:
        return None
    if kind == "repository":
        return _find_in_repository(name, below)
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
    return _named(rows.get(below), name, suffix, version)


def _find_in_repository(name: str, below: str) -> tuple[_Row, str, str] | None:
    """Read what follows `v2/repository/`. A repository's own name, which Triton allows before the
    rest, means nothing: there is one."""
    if below == "index":
        return _SERVER["v2/repository/index"], "", ""
    if name != "models":
        kind, _, below = below.partition("/")
        if kind != "models":
            return None
    elif below.startswith("models/") and below.count("/") > 1:  # a repository of that name
        below = below.removeprefix("models/")
    model, _, below = below.partition("/")
    return _named(_REPOSITORY.get(below), model, "", "") if model else None


def _named(row: _Row | None, name: str, suffix: str, version: str) -> tuple[_Row, str, str] | None:
    try:
        names = unquote(name, errors="strict"), unquote(version, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if row is None else (row, names[0] + suffix, names[1])

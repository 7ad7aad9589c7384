"""What each call of the REST interface does, takes, answers and may fail with: one table.

`openapi.py` makes documents of it. Every verb that `dialects.py` gives a REST path has its rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from seldon_core.errors import (
    DeadlineError,
    ForbiddenError,
    InvalidRequestError,
    ModelRuntimeError,
    NotFoundError,
    OverloadedError,
    PayloadTooLargeError,
    SeldonError,
    StoreError,
    UnsupportedEncodingError,
)
from seldon_core.protocol.dialects import Verb

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
OCTETS: Final = "application/octet-stream"
HTML: Final = "text/html"

_CHANGE_ERRORS: Final = (InvalidRequestError, ForbiddenError)
_RUN_ERRORS: Final = (
    InvalidRequestError,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedEncodingError,
    ModelRuntimeError,
    OverloadedError,
    DeadlineError,
)
_LOAD_ERRORS: Final = (*_CHANGE_ERRORS, NotFoundError, StoreError)

_HERE_ONLY: Final = " For clients on the same machine only, and for no other site's page."
_BINARY: Final = (
    "The body is JSON, or JSON followed by tensors as bytes (the binary tensor data extension: "
    "the header Inference-Header-Content-Length is the length of the JSON)."
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What one HTTP method of a path does.

    `takes` and `answers` are names of schemas, several are alternatives, none is an empty body.
    `example` is a body that works and changes nothing; those that run models depend on the model.
    """

    tag: str
    summary: str
    answers: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    errors: tuple[type[SeldonError], ...] = ()
    description: str = ""
    media_type: str = JSON
    example: Mapping[str, Any] | None = None


OPERATIONS: Final[dict[tuple[Verb, str], Operation]] = {
    (Verb.SERVER_METADATA, "GET"): Operation(
        "server", "Name, version and extensions of the server", ("ServerMetadata",)
    ),
    (Verb.SERVER_LIVE, "GET"): Operation("server", "Is the server alive?"),
    (Verb.SERVER_READY, "GET"): Operation(
        "server",
        "Is the server ready?",
        errors=(InvalidRequestError,),
        description="200 if every model is settled, else 400; both without a body.",
    ),
    (Verb.MODEL_METADATA, "GET"): Operation(
        "models", "Inputs and outputs of a model", ("ModelMetadata",), errors=(NotFoundError,)
    ),
    (Verb.MODEL_READY, "GET"): Operation(
        "models",
        "Is the model ready?",
        errors=(InvalidRequestError, NotFoundError),
        description="200 if it would answer now, 400 if not, both without a body.",
    ),
    (Verb.MODEL_CONFIG, "GET"): Operation(
        "models", "How a model is served", ("ModelConfig",), errors=(NotFoundError,)
    ),
    (Verb.STATISTICS, "GET"): Operation(
        "models", "Counts and durations of calls", ("ModelStatistics",), errors=(NotFoundError,)
    ),
    (Verb.INFER, "POST"): Operation(
        "inference",
        "Run a model",
        ("InferResponse",),
        ("InferRequest",),
        _RUN_ERRORS,
        _BINARY,
    ),
    (Verb.INFER_STREAM, "POST"): Operation(
        "inference",
        "Run a model that answers in parts",
        (),
        ("InferRequest",),
        _RUN_ERRORS,
        "Each part is an event whose data is an InferResponse; one that fails, an Error.",
        EVENTS,
    ),
    (Verb.GENERATE, "POST"): Operation(
        "inference",
        "Generate text",
        ("GenerateResponse", "InferResponse"),
        ("GenerateRequest", "InferRequest"),
        _RUN_ERRORS,
        "Fields other than id and parameters are inputs of the model by name, or parameters. "
        "Instead of text, tensors may be sent, and are then answered.",
    ),
    (Verb.GENERATE_STREAM, "POST"): Operation(
        "inference",
        "Generate text in parts",
        (),
        ("GenerateRequest", "InferRequest"),
        _RUN_ERRORS,
        "Each part is an event whose data is a GenerateResponse; one that fails, an Error.",
        EVENTS,
    ),
    (Verb.REPOSITORY_INDEX, "POST"): Operation(
        "repository",
        "List the models that there are to load",
        ("RepositoryIndex",),
        ("RepositoryIndexRequest",),
        (InvalidRequestError,),
        "With ready: true only those that can be called. The body may be empty.",
        example={"ready": True},
    ),
    (Verb.REPOSITORY_LOAD, "POST"): Operation(
        "repository",
        "Load a model, or load it anew",
        (),
        ("LoadRequest",),
        _LOAD_ERRORS,
        "The old one serves until the new one does. If it cannot be loaded: 400, with the reason. "
        "The body may be empty." + _HERE_ONLY,
    ),
    (Verb.REPOSITORY_UNLOAD, "POST"): Operation(
        "repository",
        "Unload a model",
        (),
        ("UnloadRequest",),
        (*_LOAD_ERRORS, ModelRuntimeError),
        "The body may be empty." + _HERE_ONLY,
    ),
    (Verb.TRACE_SETTING, "GET"): Operation(
        "settings", "Settings of tracing", ("TraceSettings",), errors=(NotFoundError,)
    ),
    (Verb.TRACE_SETTING, "POST"): Operation(
        "settings",
        "Change settings of tracing",
        ("TraceSettings",),
        ("TraceSettingsChange",),
        (*_CHANGE_ERRORS, NotFoundError),
        "Every setting is answered. null takes back what a model has of its own." + _HERE_ONLY,
        example={"trace_level": ["OFF"], "trace_rate": "1000"},
    ),
    (Verb.LOG_SETTINGS, "GET"): Operation("settings", "Settings of the log", ("LogSettings",)),
    (Verb.LOG_SETTINGS, "POST"): Operation(
        "settings",
        "Change settings of the log",
        ("LogSettings",),
        ("LogSettingsChange",),
        _CHANGE_ERRORS,
        "Every setting is answered." + _HERE_ONLY,
        example={"log_verbose_level": 0},
    ),
    (Verb.DOCS, "GET"): Operation(
        "documentation", "This, for people", media_type=HTML, errors=(NotFoundError,)
    ),
    (Verb.OPENAPI, "GET"): Operation(
        "documentation", "This, for programs", ("OpenApi",), errors=(NotFoundError,)
    ),
}

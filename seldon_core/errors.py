"""Every error this project raises on purpose.

    SeldonError
    ├── InvalidRequestError      the caller's request cannot be understood or does not fit the model
    │   ├── PayloadTooLargeError     … because it exceeds a limit
    │   ├── UnsupportedError         … because it asks for what this server does not do
    │   │   ├── UnsupportedEncodingError     … namely to read a body in a way it does not know
    │   │   └── TunnelError                  … namely to pass bytes on to another server
    │   └── MethodNotAllowedError    … because the path is right but the HTTP method is not
    ├── InvalidResourceError     a manifest or model folder is wrong; `path` says where
    ├── ForbiddenError           the caller may not do that
    ├── NotFoundError            a model, version or method does not exist
    ├── NotReadyError            it exists but cannot answer yet
    ├── OverloadedError          no room now; `retry_after_s` says when to come back
    │   └── AsleepError              … for a model is scaled to zero and was not loaded
    ├── DeadlineError            the caller's time ran out
    ├── ModelRuntimeError        the model itself failed
    ├── UpstreamError            another process did not answer properly
    │   └── UnreachableError         … or was lost before it said anything: another one may be asked
    ├── RelayedError             another process answered with an error, which is passed on
    ├── StoreError               what must outlive a restart cannot be written down or read
    └── ConfigError              a setting is wrong

They know nothing of HTTP or gRPC: `protocol/status.py` maps them. Messages are sentences that
name what was wanted and what was found.
"""


class SeldonError(Exception):
    """The root of every error raised on purpose."""


class InvalidRequestError(SeldonError):
    """A request cannot be understood, or does not fit the model it is for."""


class PayloadTooLargeError(InvalidRequestError):
    """A request, a header or a decompressed body exceeds a limit."""


class UnsupportedError(InvalidRequestError):
    """A request is well formed but asks for what this server does not do."""


class UnsupportedEncodingError(UnsupportedError):
    """A body has a content-encoding, or a type, that this server does not read."""


class TunnelError(UnsupportedError):
    """A request asks for a tunnel to another server, which nothing here opens."""

    def __init__(self) -> None:
        super().__init__(
            "CONNECT is not implemented: this server opens no tunnel, it answers requests to its "
            "own paths; /v2/docs lists them"
        )


class MethodNotAllowedError(InvalidRequestError):
    """A path exists but not for this HTTP method; `allowed` are the methods it has."""

    def __init__(self, method: str, path: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{path!r} does not take {method!r}, use {' or '.join(allowed)}")
        self.allowed = allowed


class InvalidResourceError(SeldonError):
    """A manifest, settings file or model folder is wrong.

    `path` is where: a field's path (`spec.memory`) or a file's.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class ForbiddenError(SeldonError):
    """The caller may not do what it asks for; the text says who may."""


class NotFoundError(SeldonError):
    """Something that was asked for by name does not exist. `kind` is one word: model, method ….

    `where` says in which place it was looked for, if there are several.
    """

    def __init__(self, kind: str, name: str, where: str = "") -> None:
        found = f"{kind} {name!r} not found" if name else f"the request names no {kind}"
        super().__init__(f"{found}{where and ' ' + where}")
        self.kind = kind
        self.name = name


class NotReadyError(SeldonError):
    """A model or server exists but cannot answer: it is loading, or failed to load."""


class OverloadedError(SeldonError):
    """There is no room for the request now; it may be sent again after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AsleepError(OverloadedError):
    """A model is scaled to zero, and could not be loaded for the call, or not in time."""


class DeadlineError(SeldonError):
    """The time the caller gave has passed."""


class ModelRuntimeError(SeldonError):
    """The model raised, or its worker process died; the text is the model's own."""


class UpstreamError(SeldonError):
    """Another process that should have answered did not, or answered what cannot be read."""


class UnreachableError(UpstreamError):
    """Another process could not be asked, or its connection was lost before any of its answer came.

    `was_sent` says whether it may have seen the call.
    """

    def __init__(self, text: str, *, was_sent: bool = False) -> None:
        super().__init__(text)
        self.was_sent = was_sent


class RelayedError(SeldonError):
    """Another process answered a call with an error, whose text this is.

    It is passed on as it came: `http` is its HTTP status, `grpc` its gRPC code, of which the
    process said one and the other is what means the same.
    """

    def __init__(self, text: str, http: int, grpc: int) -> None:
        super().__init__(text)
        self.http = http
        self.grpc = grpc


class StoreError(SeldonError):
    """What must outlive a restart cannot be kept or read; what was to be written was not."""


class ConfigError(SeldonError):
    """A setting is wrong; the text names it, what was found and what is allowed."""

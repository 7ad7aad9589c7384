"""What an error means on the wire: its HTTP status and its gRPC code, in one table.

The error classes know nothing of either. A class that is not in the table has its parent's row;
what is no error of ours is a bug and answers 500 / INTERNAL.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from seldon_core.errors import (
    AsleepError,
    ConfigError,
    DeadlineError,
    ForbiddenError,
    InvalidRequestError,
    InvalidResourceError,
    MethodNotAllowedError,
    ModelRuntimeError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    PayloadTooLargeError,
    RelayedError,
    SeldonError,
    StoreError,
    TunnelError,
    UnreachableError,
    UnsupportedEncodingError,
    UnsupportedError,
    UpstreamError,
)

GRPC_CODES: Final[tuple[str, ...]] = (
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
)
"""Names of the gRPC codes by number, spelled as Go does, which is what metrics' `code` has."""

OK: Final = 0
CANCELLED: Final = 1
UNKNOWN: Final = 2
INVALID_ARGUMENT: Final = 3
DEADLINE_EXCEEDED: Final = 4
NOT_FOUND: Final = 5
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
FAILED_PRECONDITION: Final = 9
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14

HTTP_REASONS: Final[dict[int, bytes]] = {
    status.value: status.phrase.encode() for status in HTTPStatus
}
"""Reason phrases of HTTP/1.1 status lines."""

GRPC_MESSAGE_LIMIT: Final = 1024
"""Longest `grpc-message` in bytes as sent: peers limit their headers, trailers included."""

# What a grpc-message may carry unescaped: printable ASCII but the percent sign.
_UNESCAPED: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


@dataclass(frozen=True, slots=True)
class Status:
    """How an error is answered: an HTTP status, or a gRPC code by its number."""

    http: int
    grpc: int


STATUSES: Final[dict[type[SeldonError], Status]] = {
    SeldonError: Status(500, INTERNAL),
    InvalidRequestError: Status(400, INVALID_ARGUMENT),
    PayloadTooLargeError: Status(413, RESOURCE_EXHAUSTED),
    # Not 501, which Triton answers: it is the caller who has to change something, and a 5xx counts
    # as this server's failure in alerts and is retried by proxies.
    UnsupportedError: Status(400, UNIMPLEMENTED),
    UnsupportedEncodingError: Status(415, UNIMPLEMENTED),
    # RFC 9110, 9.1: implemented for no resource. 405 would name the methods of one, but CONNECT's
    # target is no path.
    TunnelError: Status(501, UNIMPLEMENTED),
    MethodNotAllowedError: Status(405, UNIMPLEMENTED),
    InvalidResourceError: Status(400, INVALID_ARGUMENT),
    ForbiddenError: Status(403, PERMISSION_DENIED),
    NotFoundError: Status(404, NOT_FOUND),
    # A model that cannot answer yet is, to its caller, not there: as Seldon's ingress has no route.
    NotReadyError: Status(404, NOT_FOUND),
    OverloadedError: Status(503, RESOURCE_EXHAUSTED),
    AsleepError: Status(503, UNAVAILABLE),
    DeadlineError: Status(504, DEADLINE_EXCEEDED),
    ModelRuntimeError: Status(500, INTERNAL),
    UpstreamError: Status(503, UNAVAILABLE),
    UnreachableError: Status(503, UNAVAILABLE),
    RelayedError: Status(500, INTERNAL),  # one whose own status nobody asked for
    StoreError: Status(503, UNAVAILABLE),
    ConfigError: Status(500, INTERNAL),
}


def is_http_error(code: int) -> bool:
    """Return whether HTTP status `code` says that something is wrong."""
    return 400 <= code < 600


def is_grpc_error(code: int) -> bool:
    """Return whether there is a gRPC status `code` that says that something is wrong."""
    return 0 < code <= 16


def status_of(error: BaseException) -> Status:
    """Return how `error` is answered; one of another process as that process did."""
    if type(error) is RelayedError:
        return Status(error.http, error.grpc)
    for kind in type(error).__mro__:
        status = STATUSES.get(kind)
        if status is not None:
            return status
    return STATUSES[SeldonError]


def percent_encode_message(text: str) -> bytes:
    """Return `text` as the value of `grpc-message`: at most 1 KiB, whole characters only.

    What does not fit is cut off the end. Characters that UTF-8 cannot express become `?`.
    """
    text = text[:GRPC_MESSAGE_LIMIT]
    encoded = quote(text, safe=_UNESCAPED, errors="replace")
    while len(encoded) > GRPC_MESSAGE_LIMIT:
        text = text[: len(text) * GRPC_MESSAGE_LIMIT // len(encoded)]
        encoded = quote(text, safe=_UNESCAPED, errors="replace")
    return encoded.encode()

"""What an HTTP/1 request has to keep to, beyond what llhttp sees to: RFC 9112, and the limits."""

from collections.abc import Mapping

from seldon_core.transport.answers import Exchange
from seldon_core.transport.bodies import largest_body, too_large
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.settings import ListenerSettings

_FIRST_LINE_BYTES = len("  HTTP/1.1\r\n\r\n")  # besides method and target, the last line too
_LINE_BYTES = len(": \r\n")  # besides a header's name and value


class RefusedError(Exception):
    """The request being read is refused and the connection with it.

    `status` and `retry_after_s` are of the answer, the text is its message.
    """

    def __init__(self, status: int, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


def settle_version(exchange: Exchange, version: str) -> None:
    """Note what a request's version, "1.1" say, means for its connection.

    Raises RefusedError if the version is not spoken, or its headers do not go with it.
    """
    if version not in ("1.1", "1.0"):
        raise RefusedError(505, f"HTTP/{version} is not spoken here, HTTP/1.1 and HTTP/2 are")
    exchange.is_http10 = version == "1.0"
    if exchange.is_http10:
        exchange.echo_keep_alive = not exchange.is_last
        _check_keep_alive(exchange)
    elif b"host" not in exchange.request.headers:
        raise RefusedError(400, "a request of HTTP/1.1 has a host header (RFC 9112, 3.2)")


def _check_keep_alive(exchange: Exchange) -> None:
    """Refuse HTTP/1.0 that asks to close and to keep: llhttp keeps, RFC 9112, 9.3, closes."""
    options = exchange.request.headers.get(b"connection", b"").lower().split(b",")
    if not exchange.is_last and b"close" in (option.strip() for option in options):
        raise RefusedError(400, "connection may be close or keep-alive, found both")


def is_chunked(headers: Mapping[bytes, bytes], version: str) -> bool:
    """Return whether the body comes in chunks; raises RefusedError if it is coded otherwise."""
    coding = headers.get(b"transfer-encoding")
    if coding is None:
        return False
    if version == "1.0":
        raise RefusedError(400, "HTTP/1.0 has no transfer-encoding")
    if coding.lower() != b"chunked":
        found = coding.decode("latin-1")
        raise RefusedError(501, f"transfer-encoding may be chunked, found {found!r}")
    return True


def has_body_past_upgrade(request: HttpRequest, is_chunked: bool) -> bool:
    """Return whether a body follows the head of a request that offers to speak something else.

    llhttp leaves it to the protocol offered. Raises RefusedError if it comes in chunks, which only
    llhttp can read.
    """
    if request.method == b"CONNECT":
        return False
    if is_chunked:
        raise RefusedError(
            501, "an offer to upgrade with a chunked body is not understood: send no upgrade"
        )
    return int(request.headers.get(b"content-length", b"0")) > 0


def awaits_continue(headers: Mapping[bytes, bytes], version: str) -> bool:
    """Return whether the client waits for a 100; raises RefusedError if it is for anything else."""
    if b"expect" not in headers or version != "1.1":
        return False
    if headers[b"expect"].lower() != b"100-continue":
        raise RefusedError(417, "expect may be 100-continue and nothing else")
    return True


def check_head_size(request: HttpRequest, settings: ListenerSettings) -> None:
    """Refuse a head that is too large, by what is kept of it; raises RefusedError."""
    nbytes = len(request.method) + len(request.target) + _FIRST_LINE_BYTES
    nbytes += sum(len(name) + len(value) for name, value in request.headers.items())
    if nbytes + _LINE_BYTES * len(request.headers) > settings.header_bytes:
        raise too_large_a_head(settings)


def check_body_size(request: HttpRequest, nbytes: int, settings: ListenerSettings) -> None:
    """Refuse a body of `nbytes` that is larger than this request's may be; raises RefusedError."""
    limit = largest_body(request.headers, settings)
    if nbytes > limit:
        raise RefusedError(413, too_large(limit, settings))


def too_large_a_head(settings: ListenerSettings) -> RefusedError:
    """Return the refusal of a head above `header_bytes`."""
    limit = settings.header_bytes
    return RefusedError(431, f"the head of a request may have {limit} bytes, this has more")


def too_many_headers(settings: ListenerSettings) -> RefusedError:
    """Return the refusal of a head with more than `header_count` lines."""
    limit = settings.header_count
    return RefusedError(431, f"a request may have {limit} headers, this has more")


def too_many_spaces() -> RefusedError:
    """Return the refusal of a request line that others would take apart otherwise."""
    return RefusedError(
        400, "the parts of a request line have one space between them, here are more (RFC 9112, 3)"
    )


def no_room() -> RefusedError:
    """Return the refusal of a body for which the budget has no room."""
    return RefusedError(503, "too many bytes are in flight, try again", retry_after_s=1)

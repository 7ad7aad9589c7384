"""What an HTTP framing hands to a front and gets back, whatever the HTTP version.

`http1` and `http2` do framing and nothing else; `rest` turns an `HttpRequest` into a call and the
reply into an `HttpAnswer`. One request is one exchange.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from seldon_core.protocol.inference import Buffer


@dataclass(slots=True)
class HttpRequest:
    """A whole HTTP request.

    `target` is the path and query as sent. `headers` has lower-case names without the
    pseudo-headers, but for HTTP/2's authority, which is `host`; repeated values are joined with
    b",". `body` is not decompressed.
    """

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: Buffer = b""


@dataclass(slots=True)
class HttpAnswer:
    """A whole HTTP answer; the framing adds content-length (the sum of `parts`) and its own."""

    status: int
    headers: list[tuple[bytes, bytes]]
    parts: Sequence[Buffer] = field(default_factory=tuple)


@dataclass(slots=True)
class StreamedAnswer:
    """An HTTP answer whose body is sent as it is made, without a content-length.

    Each piece is sent at once, and the next is asked for when the socket has taken it. The framing
    closes `pieces` when the client leaves, takes nothing for too long, or the request's time has
    passed; it runs in one task. What it raises is a bug: the answer is cut off so that the client
    sees that it is not whole.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: AsyncGenerator[Buffer, None]


class HttpFront(Protocol):
    """Answers HTTP requests."""

    async def answer(self, request: HttpRequest) -> HttpAnswer | StreamedAnswer:
        """Answer; what it raises is a bug, which the framing logs, counts and answers with 500."""

    def for_peer(self, peer: str) -> "HttpFront":
        """Return what answers the requests of one connection, whose other end is `peer`
        (`127.0.0.1:51234`, "" if it has no address)."""

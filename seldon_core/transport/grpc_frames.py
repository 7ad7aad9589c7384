"""gRPC's framing of one unary call over HTTP/2, without the HTTP/2.

What a client may send and what it gets for it, in one table (`tests/transport/test_grpc_frames.py`
has a row for each):

    content-type   application/grpc, application/grpc+proto, either with parameters; else HTTP 415
    te             "trailers" or absent (anything else is refused by HTTP/2 itself)
    grpc-timeout   1-8 digits and one of H M S m u n; else INVALID_ARGUMENT
    grpc-encoding  identity, gzip, deflate; else UNIMPLEMENTED with grpc-accept-encoding
    message flag   0, or 1 if grpc-encoding names a compression; else INTERNAL
    length         over the limit: RESOURCE_EXHAUSTED, decided from the five bytes of the prefix
    messages       exactly one: none or several are UNIMPLEMENTED, as gRPC's list of codes asks;
                   a truncated one is INTERNAL
"""

import numpy as np

from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer

PREFIX_LENGTH = 5
ACCEPT_ENCODING = b"identity,gzip,deflate"
# Below this a message is copied out of the received bytes; above it is a view of them. (A view
# costs 90 ns more than copying 100 bytes, and protobuf copies it into bytes again.)
VIEW_FROM = 16 * 1024
_ZEROED_UP_TO = 64 * 1024

# zlib's "wbits" for each encoding; None means that nothing is compressed.
WINDOW_BITS: dict[bytes, int | None] = {b"identity": None, b"gzip": 31, b"deflate": 15}
_UNIT_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


class RefusedCallError(Exception):
    """A call's framing is wrong. It ends as a status of the call and never leaves `transport`.

    `lacks_room` says that it is for others that the call is refused, and not its own fault.
    """

    def __init__(self, code: int, message: str, *, lacks_room: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.lacks_room = lacks_room


def is_grpc(content_type: bytes) -> bool:
    """Return whether a POST with this content-type is a gRPC call that can be answered.

    `application/grpc+json` and `application/grpc-web` are not: no codec here speaks them.
    """
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type in (b"application/grpc", b"application/grpc+proto")


def timeout_s(value: bytes) -> float:
    """Return the seconds in a `grpc-timeout` header.

    Raises RefusedCallError if it is not 1 to 8 digits and a unit.
    """
    digits, unit = value[:-1], _UNIT_SECONDS.get(value[-1:])
    if unit is None or not digits.isdigit() or len(digits) > 8:
        shown = value[:32].decode("latin-1")
        raise RefusedCallError(
            status.INVALID_ARGUMENT,
            f"grpc-timeout must be 1 to 8 digits and one of H, M, S, m, u, n; found {shown!r}",
        )
    return int(digits) * unit


def window_bits(encoding: bytes) -> int | None:
    """Return how zlib reads messages in this `grpc-encoding`, None if they are not compressed.

    Raises RefusedCallError if the encoding is unknown.
    """
    try:
        return WINDOW_BITS[encoding]
    except KeyError:
        shown = encoding[:32].decode("latin-1")
        raise RefusedCallError(
            status.UNIMPLEMENTED,
            f"grpc-encoding {shown!r} is not supported; use identity, gzip or deflate",
        ) from None


def prefix(length: int, flag: bytes = b"\0") -> bytes:
    """Return the five bytes before a message of `length` bytes; `flag` 1 says it is compressed."""
    return flag + length.to_bytes(4, "big")


def small_message(data: bytes, limit: int) -> bytes | None:
    """Return the message if `data` is the whole of an uncompressed one of at most 16 KiB.

    `limit` is the largest allowed, in bytes; a larger one is left to the reader to refuse.
    """
    length = len(data) - PREFIX_LENGTH
    if 0 <= length <= VIEW_FROM and length <= limit and data.startswith(prefix(length)):
        return data[PREFIX_LENGTH:]
    return None


def check_prefix(flag: int, length: int, limit: int, window_bits: int | None) -> None:
    """Raise RefusedCallError if no message may begin so.

    `limit` is the longest allowed in bytes, `window_bits` None if the call names no compression.
    """
    if length > limit:
        raise RefusedCallError(
            status.RESOURCE_EXHAUSTED,
            f"the message has {length} bytes; at most {limit} are received",
        )
    if flag > 1:
        raise RefusedCallError(
            status.INTERNAL, f"the message's compression flag is {flag}, not 0 or 1"
        )
    if flag and window_bits is None:
        raise RefusedCallError(
            status.INTERNAL,
            "the message is marked as compressed but grpc-encoding names nothing",
        )


def no_room(message: str) -> RefusedCallError:
    """Return the refusal of a call, or of a message, for which there is no room."""
    return RefusedCallError(status.RESOURCE_EXHAUSTED, message, lacks_room=True)


def no_message() -> RefusedCallError:
    """Return the refusal of a call without a message."""
    return RefusedCallError(
        status.UNIMPLEMENTED, "a unary call needs one message; the client sent none"
    )


class MessageReader:
    """Puts the one message of a unary call together, from pieces of any size.

    A message that arrives in one piece is not copied (over 16 KiB) or once; any other is copied
    once, into a buffer of the announced length. A large one is not zeroed, so the system maps it
    page by page as it is filled, and an announced gigabyte that never comes occupies nothing (as a
    bytearray each took a second of the loop and a gigabyte).

    `limit` bounds the message in bytes as it is sent. `announced` is the length that the prefix
    gives, 0 before it is known.
    """

    __slots__ = (
        "_body",
        "_filled",
        "_flag",
        "_head",
        "_limit",
        "_whole",
        "_window_bits",
        "announced",
    )

    def __init__(self, limit: int, window_bits: int | None) -> None:
        self._limit = limit
        self.announced = 0
        self._window_bits = window_bits
        self._whole: bytes | None = None
        self._head = b""
        self._flag = 0
        self._body: memoryview | None = None
        self._filled = 0

    @property
    def is_compressed(self) -> bool:
        """Whether the message has to be decompressed."""
        return self._flag == 1

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the call.

        Raises RefusedCallError as soon as they cannot become the one message that is allowed.
        """
        body = self._body
        if body is None:
            data = self._open(data)
            body = self._body
            if body is None:
                return
        end = self._filled + len(data)
        if end > len(body):
            raise _several()
        body[self._filled : end] = data
        self._filled = end

    def _open(self, data: bytes) -> bytes:
        """Read the prefix; return what follows it if that is not the whole message."""
        if self._whole is not None and data:
            raise _several()
        if self._head:
            data = self._head + data
        size = len(data) - PREFIX_LENGTH
        if size < 0:
            self._head = data
            return b""
        self._flag, self.announced = data[0], int.from_bytes(data[1:PREFIX_LENGTH], "big")
        if self._flag or self.announced > self._limit:
            check_prefix(self._flag, self.announced, self._limit, self._window_bits)
        if size == self.announced:
            self._whole = data
            return b""
        if size > self.announced:
            raise _several()
        length = self.announced
        self._body = memoryview(
            bytearray(length) if length <= _ZEROED_UP_TO else np.empty(length, np.uint8).data
        )
        return data[PREFIX_LENGTH:]

    def finish(self) -> Buffer:
        """Return the message as it was sent, when the client has ended its side.

        Raises RefusedCallError if there is none or only a part of it.
        """
        message: Buffer
        if self._whole is not None:
            whole = self._whole
            big = len(whole) > VIEW_FROM
            message = memoryview(whole)[PREFIX_LENGTH:] if big else whole[PREFIX_LENGTH:]
        elif self._body is not None:
            message = self._body
            if self._filled < len(message):
                raise RefusedCallError(
                    status.INTERNAL,
                    f"the message ends after {self._filled} of {len(message)} bytes",
                )
        elif self._head:
            raise RefusedCallError(
                status.INTERNAL, f"the message's prefix ends after {len(self._head)} of 5 bytes"
            )
        else:
            raise no_message()
        return message


def _several() -> RefusedCallError:
    return RefusedCallError(
        status.UNIMPLEMENTED, "a unary call needs one message; the client sent several"
    )

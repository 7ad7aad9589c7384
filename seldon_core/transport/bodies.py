"""Request bodies before anyone decodes them: how large they may be, and decompressing them."""

import zlib
from asyncio import sleep
from collections.abc import Iterator

from seldon_core.errors import (
    InvalidRequestError,
    OverloadedError,
    PayloadTooLargeError,
    UnsupportedEncodingError,
)
from seldon_core.protocol.inference import Buffer
from seldon_core.protocol.oip_binary import LENGTH_HEADER
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.settings import KIB, MIB, ListenerSettings

_RATIO_FROM = MIB  # a small body of zeros may well shrink a thousandfold
_PIECE = 64 * KIB
_STEP = 256 * KIB  # inflated in about 1 ms, then others have their turn
_SMALL = 32 * KIB  # so much is inflated at once, which most bodies are

_WINDOW_BITS = {
    b"gzip": 16 + zlib.MAX_WBITS,
    b"x-gzip": 16 + zlib.MAX_WBITS,
    b"deflate": zlib.MAX_WBITS,
}


def largest_body(headers: dict[bytes, bytes], settings: ListenerSettings) -> int:
    """Return how many bytes the body of a request with these headers may have.

    Only a body with tensors beside its JSON may exceed `json_bytes`.
    """
    if LENGTH_HEADER in headers:
        return settings.body_bytes
    return min(settings.json_bytes, settings.body_bytes)


def too_large(limit: int, settings: ListenerSettings) -> str:
    """Return the message for a body that exceeds `limit`, with what to do about it."""
    if limit == settings.body_bytes:
        return f"a body may have {limit} bytes, this has more"
    return (
        f"a JSON body may have {limit} bytes, this has more: send large tensors with the binary "
        f"tensor data extension (header {LENGTH_HEADER.decode()}), "
        f"up to {settings.body_bytes} bytes"
    )


async def decompress(
    body: Buffer, encoding: bytes, limit: int, settings: ListenerSettings, budget: InFlightBytes
) -> tuple[Buffer, int]:
    """Return `body` without its content-encoding, and the bytes it took of `budget`.

    The caller gives those back. Works in steps of about a millisecond, of all bodies one in a turn
    of the loop, and lets others run between them. Raises UnsupportedEncodingError for an unknown
    one, InvalidRequestError if the body is not in it, PayloadTooLargeError if it grows beyond
    `limit` or more than `gzip_ratio` times, and OverloadedError if the budget has no room for it.
    """
    coding = encoding.strip().lower()
    if coding in (b"", b"identity"):
        return body, 0
    if coding not in _WINDOW_BITS:
        found = encoding.decode("latin-1")
        raise UnsupportedEncodingError(f"content-encoding may be gzip or deflate, found {found!r}")
    return await inflate(body, _wbits(coding, body), limit, settings, budget)


async def inflate(
    body: Buffer, window_bits: int, limit: int, settings: ListenerSettings, budget: InFlightBytes
) -> tuple[bytearray, int]:
    """Return what zlib makes of `body` with `window_bits`; otherwise as `decompress`."""
    inflated = bytearray()
    steps = _steps(zlib.decompressobj(window_bits), memoryview(body))

    def add_until(size: int) -> bool:
        """Inflate until there are `size` bytes; return whether there are more."""
        while len(inflated) < size:
            step = next(steps, None)
            if step is None:
                return False
            if not budget.fits(len(step)):
                raise OverloadedError("too many bytes are in flight, try again")
            budget.take(len(step))
            inflated.extend(step)
            _check_growth(len(inflated), len(body), limit, settings)
        return True

    try:
        if add_until(_SMALL):
            # Few bodies at a time, of which each turn of the loop one takes a step: as many as
            # clients send at once would hold the loop up, and take memory that malloc keeps.
            async with budget.places:
                is_more = True
                while is_more:
                    async with budget.turn:
                        is_more = add_until(len(inflated) + _STEP)
                        await sleep(0)
    except BaseException:
        budget.give(len(inflated))
        raise
    return inflated, len(inflated)


def _check_growth(size: int, compressed: int, limit: int, settings: ListenerSettings) -> None:
    if size > limit:
        raise PayloadTooLargeError(too_large(limit, settings))
    if size > max(settings.gzip_ratio * compressed, _RATIO_FROM):
        raise PayloadTooLargeError(
            f"a compressed body may grow {settings.gzip_ratio} times, this one grows more"
        )


def _steps(inflater: "zlib._Decompress", body: memoryview) -> Iterator[bytes]:
    """Yield what `body` inflates to, a step at a time.

    zlib is given a piece at a time, because it copies what it has not come to at every step.
    """
    size = _SMALL
    for at in range(0, len(body), _PIECE):
        rest: Buffer = body[at : at + _PIECE]
        while not inflater.eof:
            step = _inflate(inflater, rest, size)
            size = _STEP
            rest = inflater.unconsumed_tail
            if not step and not rest:
                break  # it wants the next piece
            yield step
        if inflater.eof and (inflater.unused_data or at + _PIECE < len(body)):
            raise InvalidRequestError("bytes follow the compressed body")
    if not inflater.eof:
        raise InvalidRequestError("the compressed body is cut off")


def _inflate(inflater: "zlib._Decompress", data: Buffer, size: int) -> bytes:
    try:
        return inflater.decompress(data, size)
    except zlib.error as error:
        reason = str(error).rpartition(": ")[2]  # before it is a number
        raise InvalidRequestError(
            f"the body is not compressed as its headers say: {reason}"
        ) from error


def _wbits(coding: bytes, body: Buffer) -> int:
    """Return zlib's name of the format: some clients send deflate without zlib's header."""
    if coding == b"deflate" and len(body) and body[0] & 0x0F != zlib.DEFLATED:
        return -zlib.MAX_WBITS
    return _WINDOW_BITS[coding]

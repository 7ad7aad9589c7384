"""Targets: gRPC's framing, compressed bodies, the HTTP/1.1 reader; without a socket."""

import asyncio
import gzip
import zlib
from collections.abc import Coroutine
from functools import cache
from typing import Any, cast

from seldon_core.errors import SeldonError
from seldon_core.transport import grpc_frames
from seldon_core.transport.bodies import decompress, inflate
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.grpc_frames import MessageReader, RefusedCallError
from seldon_core.transport.http1 import SLICE_BYTES, Http1Reader
from seldon_core.transport.http1_rules import RefusedError
from seldon_core.transport.incoming import Incoming
from seldon_core.transport.request_id import REQUEST_ID, request_id_of
from seldon_core.transport.settings import KIB, MIB, ListenerSettings
from seldon_core.transport.shared import Shared
from tests.fuzz.target import CUT, Choices, Target, outcome

REFUSED = (RefusedCallError,)
_LIMIT = 64 * KIB
_ENCODINGS = (b"identity", b"gzip", b"deflate", b"br", b"")


def check_frames(data: bytes) -> None:
    """One message comes out of the pieces of a call, however they are cut; headers are read."""
    choices = Choices(data)
    header = choices.take(9)
    seconds, _ = outcome(REFUSED, grpc_frames.timeout_s, header)
    assert seconds is None or 0 <= seconds < 4e11
    grpc_frames.is_grpc(header)
    request_id = request_id_of({REQUEST_ID: header})
    assert request_id.isascii()
    assert request_id.isprintable()
    bits, _ = outcome(REFUSED, grpc_frames.window_bits, choices.pick(_ENCODINGS))
    pieces = choices.pieces(3)
    cut, error = outcome(REFUSED, _message, pieces, bits)
    whole, whole_error = outcome(REFUSED, _message, [b"".join(pieces)], bits)
    assert (cut is None) == (whole is None)
    if error is not None and whole_error is not None:
        assert (error.code, error.message) == (whole_error.code, whole_error.message)
        return
    assert cut is not None
    assert (bytes(cut[0]), cut[1]) == (bytes(whole[0]), whole[1])
    small = grpc_frames.small_message(b"".join(pieces), _LIMIT)
    assert small in (None, bytes(whole[0]))


def _message(pieces: list[bytes], bits: int | None) -> tuple[Any, bool]:
    reader = MessageReader(_LIMIT, bits)
    for piece in pieces:
        reader.feed(piece)
    return reader.finish(), reader.is_compressed


_CODINGS = (b"gzip", b"x-gzip", b"deflate", b"identity", b"br", b" GZIP ", b"")
_BODY = ListenerSettings(gzip_ratio=20)


def check_bodies(data: bytes) -> None:
    """A body is inflated to what zlib says, or refused; the budget has back what is not held."""
    choices = Choices(data)
    coding, limit = choices.pick(_CODINGS), choices.pick((MIB, 100, 4 * MIB))
    budget, body = InFlightBytes(2 * MIB), choices.rest()
    read, _ = outcome((SeldonError,), _finish, decompress(body, coding, limit, _BODY, budget))
    if read is None:
        assert budget.used == 0
        return
    plain, held = read
    assert budget.used == held
    if held:
        bits = 47 if b"gzip" in coding.lower() or body[0] & 15 == 8 else -15
        inflater = zlib.decompressobj(bits)
        assert bytes(plain) == inflater.decompress(body)
        assert inflater.eof
        assert not inflater.unused_data
        assert len(plain) <= limit
    room = InFlightBytes(64 * MIB)
    again, _ = _finish(inflate(gzip.compress(plain), 31, 64 * MIB, ListenerSettings(), room))
    assert bytes(again) == bytes(plain)


def _finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing but its turn."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


_STREAMING = ListenerSettings(body_bytes=256 * KIB)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def check_incoming(data: bytes) -> None:
    """The messages of a streaming call come out one by one, and all that was sent is credited."""
    choices = Choices(data)
    bits, is_slow = choices.pick((None, 31, 15)), choices.number() % 2 == 1
    pieces = choices.pieces(4)
    _loop().run_until_complete(_read_messages(pieces, bits, is_slow=is_slow))


async def _read_messages(pieces: list[bytes], bits: int | None, *, is_slow: bool) -> None:
    budget = InFlightBytes(4 * MIB)
    credited: list[int] = []
    read: list[bytes] = []
    shared = Shared(
        asyncio.get_running_loop(), _STREAMING, cast(Any, None), cast(Any, None), budget
    )
    incoming = Incoming(shared, bits, credited.append)

    async def take_all() -> bool:
        try:
            async for message in incoming:
                read.append(message)  # noqa: PERF401 - what was read before an error is kept
        except RefusedCallError:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        task = group.create_task(take_all())
        for piece in pieces:
            if is_slow:
                await asyncio.sleep(0)
            assert not piece or incoming.feed(piece)
        incoming.end()
    incoming.drop()
    assert (read, task.result()) == _plain_messages(b"".join(pieces), bits)
    assert sum(credited) == sum(map(len, pieces))
    assert budget.used == 0


def _plain_messages(data: bytes, bits: int | None) -> tuple[list[bytes], bool]:
    """Return the messages in `data`, and whether there is nothing else in it."""
    found: list[bytes] = []
    while data:
        is_cut_off = len(data) < grpc_frames.PREFIX_LENGTH
        flag, length = data[0], int.from_bytes(data[1:5], "big")
        message, data = data[5 : 5 + length], data[5 + length :]
        is_cut_off = is_cut_off or len(message) < length
        if is_cut_off or length > _STREAMING.body_bytes or (flag and (flag > 1 or bits is None)):
            return found, False
        if flag:
            inflater = zlib.decompressobj(bits or 0)
            try:
                message = inflater.decompress(message, _STREAMING.body_bytes + 1)
            except zlib.error:
                return found, False
            if not inflater.eof or inflater.unused_data or len(message) > _STREAMING.body_bytes:
                return found, False
        found.append(message)
    return found, True


_SETTINGS = ListenerSettings(json_bytes=4 * KIB, body_bytes=16 * KIB, header_count=12)


def check_http1(data: bytes) -> None:
    """The same requests come out of any pieces; the budget has back what they held."""
    choices = Choices(data)
    pieces = choices.parts()
    cut, whole = _requests(pieces, again=True), _requests([b"".join(pieces)], again=False)
    shorter = min(len(cut[0]), len(whole[0]))
    assert cut[0][:shorter] == whole[0][:shorter]
    # A refusal may come before the request that ends with it; then in whichever form, it comes.
    assert len(cut[0]) == len(whole[0]) or cut[1] or whole[1]
    assert bool(cut[1]) == bool(whole[1])


def _requests(pieces: list[bytes], *, again: bool) -> tuple[list[Any], int]:
    """Return the requests in `pieces`, and the status that the one after them is refused with."""
    budget = InFlightBytes(MIB)
    reader, read, refused = Http1Reader(_SETTINGS, budget), [], 0
    try:
        for piece in pieces:
            received = bytearray(piece)
            exchange = reader.feed_again(received, len(received)) if again else None
            if exchange is not None:
                read.append(exchange)
                continue
            _feed(reader, memoryview(received), read)
    except RefusedError as error:
        refused = error.status
        read += reader.completed
    if reader.incomplete is not None:
        budget.give(reader.incomplete.held)
    budget.give(sum(exchange.held for exchange in read))
    assert budget.used == 0
    reader.close()
    requests = [
        (each.request.method, each.request.target, each.request.headers, bytes(each.request.body))
        for each in read
    ]
    return requests, refused


def _feed(reader: Http1Reader, view: memoryview, read: list[Any]) -> None:
    at = 0
    while at < len(view) and not reader.is_ended:
        if reader.body is not None:
            at += reader.fill_from(view[at:])
        else:
            reader.feed(view[at : at + SLICE_BYTES])
            at += SLICE_BYTES
        read += reader.completed
        reader.completed.clear()


_SAME = b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
HTTP1_SEEDS = (
    b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n",
    CUT.join(_SAME + body for body in (b"hello", b"world", b"a\r\n\r\n")),
    _SAME + b"hello" + CUT + _SAME.replace(b"iris", b"wine") + b"hello" + CUT + b"\r\n" + _SAME,
    _SAME + CUT + b"he" + CUT + b"llo" + _SAME + b"world",
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5;a=b\r\nhello\r\n0\r\nt: 1\r\n\r\n"
    ),
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    (
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    ),
    (
        b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"
        b"Content-Length: 2\r\n\r\nabGET / "
    ),
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nxyz",
    b"POST / HTTP/1.1\r\nhost: a\r\ninference-header-content-length: 4\r\n"
    b"content-length: 9000\r\n\r\n" + bytes(9000) + b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
)
HTTP1_TOKENS = (
    CUT,
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b": ", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"GET "),
    *(b"POST ", b"PRI ", b"Content-Length: ", b"Transfer-Encoding: chunked", b"Connection: close"),
    *(b"Connection: upgrade", b"Upgrade: websocket", b"Expect: 100-continue", b"0\r\n\r\n"),
    *(b"ffffffffffffffff", b"18446744073709551616", b"chunked, chunked", b"identity", b" \t"),
    *(b"content-encoding: gzip", b"x-request-id: 1", b"inference-header-content-length: 0"),
    *(
        b"accept: text/event-stream",
        b"Host: a",
        b"POST /v2/models/iris/infer HTTP/1.1\r\nhost: a\r\n",
    ),
)
_CUTS = b"\x20\x40\x80\xc0"


def _framed(*messages: bytes, flag: int = 0) -> bytes:
    return b"".join(bytes([flag]) + len(each).to_bytes(4, "big") + each for each in messages)


TARGETS = (
    Target(
        "grpc_frames",
        check_frames,
        (
            b"100m\0\0\0\0\0" + b"\x00" + _CUTS[:3] + _framed(b"hello"),
            b"99999999H" + b"\x01" + _CUTS[:3] + _framed(gzip.compress(b"hello"), flag=1),
            b"1n       " + b"\x02" + _CUTS[:3] + _framed(b"a", b"b"),
            b"grpc+json" + b"\x03" + _CUTS[:3] + b"\0\0",
            b"5u       " + b"\x00" + _CUTS[:3] + _framed(bytes(20_000)),
        ),
        (b"H", b"M", b"S", b"m", b"u", b"n", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\1\0\0"),
    ),
    Target(
        "bodies",
        check_bodies,
        (
            b"\0\0" + gzip.compress(b"hello"),
            b"\1\2" + gzip.compress(bytes(100_000)),
            b"\2\0" + zlib.compress(b"hello"),
            b"\2\1" + zlib.compress(bytes(range(256)))[2:-4],
            b"\0\2" + gzip.compress(bytes(3 << 20)),
            b"\3\0plain",
            b"\5\0" + gzip.compress(b"a") + gzip.compress(b"b"),
        ),
        (b"\x1f\x8b\x08", b"\x78\x9c", b"\x03\0", b"\x4b\x04\x00"),
    ),
    Target(
        "incoming",
        check_incoming,
        (
            b"\0\0" + _CUTS + _framed(b"a", b"", b"hello"),
            b"\1\1" + _CUTS + _framed(gzip.compress(b"hello"), flag=1) + _framed(b"b"),
            b"\2\1" + _CUTS + _framed(zlib.compress(bytes(300_000)), flag=1),
            b"\2\0" + _CUTS + _framed(b"a") + b"\0\0\0\1",
            b"\0\1" + _CUTS + b"\0\0\4\0\1",
        ),
        (b"\0\0\0\0\0", b"\1\0\0\0", b"\0\0\0\0\1a", b"\2"),
    ),
    Target("http1", check_http1, HTTP1_SEEDS, HTTP1_TOKENS, None, 2),
)

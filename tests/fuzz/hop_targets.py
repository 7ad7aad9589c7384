"""Targets: what a replica in another process answers, over both versions of HTTP, and what it says.

A client of ours has asked for all that there is to ask; then comes what is the input. However bad
that is, each call ends, by an answer or by an error that is declared, and nothing is held.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache
from typing import Any, cast

from seldon_core.errors import RelayedError, SeldonError, UnreachableError, UpstreamError
from seldon_core.protocol import relay
from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.extension_json import config_body, statistics_body, statistics_rows
from seldon_core.protocol.extension_messages import config_message, statistics_message
from seldon_core.protocol.grpc_calls import model_metadata_message
from seldon_core.protocol.inference import Encoded, ModelMetadata, Payload, TensorSpec
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.oip_json import model_metadata_body
from seldon_core.protocol.relay_stream import read_relayed, relayed_message
from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    MemoryUsage,
    ModelStatistics,
)
from seldon_core.protocol.status import status_of
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.http1_client import Http1Client
from seldon_core.transport.http2_client import Http2Client
from seldon_core.transport.settings import KIB, MIB
from seldon_core.transport.upstream import RemoteReplica
from tests.fuzz.inputs import protobuf_messages
from tests.fuzz.listener_targets import frame, headers
from tests.fuzz.oip_targets import JSON_TOKENS, UNUSUAL
from tests.fuzz.target import CUT, Choices, Target, outcome
from tests.support.hop import rest_call, rpc_call
from tests.support.stream_fakes import Given

_DECLARED = (SeldonError,)
_UPSTREAM = (UpstreamError,)

# What a replica says of its models.


def _stats(found: list[ModelStatistics]) -> bytes:
    return statistics_body([statistics_rows(found)] if found else [])


_SPEC = TensorSpec("x", "FP32", (-1, 4), {"content_type": "np"})
_METADATA = model_metadata_body(ModelMetadata("iris", "sklearn", (_SPEC,), (_SPEC,), ("3",)))
_CONFIG = config_body(ModelConfig("iris", "onnx", "b", 64, (_SPEC,), (), 7000, True, {"a": "b"}))
_DURATION = Duration(3, 77)
_STATISTICS = _stats(
    [
        ModelStatistics(
            *("iris", "2", 5, 6, 7),
            InferStatistics(success=_DURATION),
            {},
            (BatchStatistics(4, _DURATION, _DURATION, _DURATION),),
            (MemoryUsage("GPU", 0, 5),),
        )
    ]
)


def check_relay(data: bytes) -> None:
    """What a model says of itself is read or cannot be; an error is one that can be answered."""
    choices = Choices(data)
    what, code, retry_after = choices.number() % 5, choices.number(2), choices.take(4)
    body = choices.rest()
    match what:
        case 0:
            metadata, _ = outcome(_UPSTREAM, relay.read_metadata, body)
            if metadata is not None:
                assert relay.read_metadata(model_metadata_body(metadata)) == metadata
                model_metadata_message(metadata)
        case 1:
            config, _ = outcome(_UPSTREAM, relay.read_config, body)
            if config is not None:
                again = relay.read_config(config_body(config))  # what goes with batches may go
                assert relay.read_config(config_body(again)) == again
                config_message(config)
        case 2:
            found, _ = outcome(_UPSTREAM, relay.read_statistics, body)
            if found is not None:
                assert relay.read_statistics(_stats(found)) == found
                statistics_message(found)
        case 3:
            times = (None, retry_after, retry_after * 200)
            _check_error(relay.http_error(100 + code % 500, body, "iris", times[code % 3]))
        case _:
            _check_error(relay.grpc_error(retry_after, body, "iris"))


def check_relayed(data: bytes) -> None:
    """An answer of a stream is read or cannot be; an error in it is one that can be answered."""
    read, _ = outcome(_UPSTREAM, read_relayed, data)
    if read is None:
        return
    found, is_final = read
    if isinstance(found, RelayedError):
        _check_error(found)
    if isinstance(found, Encoded) and not found.parts[0]:
        return
    payload = Payload(rpc_call().payload.codec, b"")
    again = b"".join(relayed_message(found, payload, is_final=is_final))
    other, was_final = read_relayed(again)
    assert was_final == is_final
    assert type(other) is type(found)


def _check_error(error: SeldonError) -> None:
    status = status_of(error)
    assert 400 <= status.http < 600, status
    assert 1 <= status.grpc <= 16, status
    assert str(error)
    assert math.isfinite(getattr(error, "retry_after_s", 1.0))


# Whole answers.


class _Transport:
    """Where a client writes to, and what it asks of it."""

    def __init__(self) -> None:
        self.is_closed = False

    def write(self, data: bytes) -> None: ...

    def set_write_buffer_limits(self, high: int) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True

    abort = close


class _Links:
    """One connection, which is all there is."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def ready(self) -> Any:
        return self._client if self._client.has_room else None

    async def open(self) -> Any:
        raise UnreachableError("the peer has gone")

    def leave(self) -> None:
        self._client.leave()


class _Bugs(logging.Handler):
    """Keeps what is logged of connections closed by a bug."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@cache
def _bugs() -> _Bugs:
    bugs = _Bugs()
    logging.getLogger("seldon_core.transport").addHandler(bugs)
    return bugs


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


_RECEIVE = memoryview(bytearray(64 * KIB))


def _run(client_of: Callable[[], Any], calls: Sequence[Any], pieces: Sequence[bytes]) -> None:
    """Have `calls` made on a client that is answered by `pieces`, until the peer closes."""
    bugs = _bugs()
    bugs.lines.clear()
    _loop().run_until_complete(_exchange(client_of, calls, pieces))
    assert not bugs.lines, bugs.lines


async def _exchange(
    client_of: Callable[[], Any], calls: Sequence[Any], pieces: Sequence[bytes]
) -> None:
    budget, transport, client = InFlightBytes(MIB), _Transport(), client_of()
    client.connection_made(cast(asyncio.Transport, transport))
    replica = RemoteReplica(cast(Any, _Links(client)), b"a", budget)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for call in calls:
            group.create_task(_ended(call(replica)))
        await asyncio.sleep(0)
        for piece in pieces:
            for at in range(0, len(piece), len(_RECEIVE)):
                _receive(client, piece[at : at + len(_RECEIVE)])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        client.connection_lost(None)
    assert client.under_way == 0
    assert budget.used == 0


def _receive(client: Any, data: bytes) -> None:
    if isinstance(client, Http1Client):
        if client.is_open or client.under_way:
            client.data_received(data)
        return
    client.get_buffer(-1)[: len(data)] = data
    client.buffer_updated(len(data))


async def _ended(call: Any) -> None:
    try:
        if isinstance(call, AsyncIterator):
            async for _ in call:
                pass
        else:
            await call
    except _DECLARED as error:
        if type(error) is RelayedError:
            _check_error(error)


_CALLS = (
    lambda replica: replica.infer(rest_call()),
    lambda replica: replica.infer(rpc_call(b"abc")),
    lambda replica: replica.infer(rpc_call(bytes(100 * KIB))),
    lambda replica: replica.stream(rpc_call(verb=Verb.STREAM_INFER), _messages(b"a", b"b")),
    lambda replica: replica.stream(rest_call(verb=Verb.GENERATE_STREAM), _messages(b"{}")),
    lambda replica: replica.metadata(rest_call()),
    lambda replica: replica.config(rest_call()),
    lambda replica: replica.statistics(rest_call()),
    lambda replica: replica.ready(rest_call()),
)
"""Over HTTP/2 their streams are 1, 3 and so on."""


def _messages(*bodies: bytes) -> Any:
    return Given(*(Payload(rpc_call().payload.codec, body) for body in bodies))


def check_http1(data: bytes) -> None:
    """An answer over HTTP/1.1 is taken, or told to be none."""
    choices = Choices(data)
    call = _CALLS[(0, 5, 6, 7, 8)[choices.number() % 5]]
    _run(lambda: Http1Client("peer", lambda _: None), [call], choices.parts())


def _http2_client() -> Http2Client:
    return Http2Client(_loop(), "peer", _RECEIVE, lambda _: None, pings=False)


def check_http2(data: bytes) -> None:
    """Frames in any order end each call."""
    _run(_http2_client, _CALLS, _Answers(Choices(data)).pieces())


def check_http2_raw(data: bytes) -> None:
    """Any bytes end each call."""
    _run(_http2_client, _CALLS, Choices(data).pieces(3))


def _framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


_RELAYED = [
    b"".join(relayed_message(found, rpc_call().payload, is_final=is_final))
    for found in (Encoded(b"", (b"abc",)), RelayedError("no", 400, 3), UpstreamError("gone"))
    for is_final in (True, False)
]
_HEADS = (
    (),
    ((b"content-type", b"application/json"),),
    ((b"content-type", b"application/grpc"),),
    ((b"content-length", b"5"),),
    ((b"content-length", b"70000"),),
    ((b"content-length", b"9" * 18),),
    ((b"inference-header-content-length", b"3"),),
    ((b"inference-header-content-length", b"x"),),
    ((b"inference-header-content-length", b"9" * 5000),),
    ((b"retry-after", b"9" * 400),),
    ((b"grpc-status", b"0"),),
    ((b"grpc-status", b"8"), (b"grpc-message", b"%zz%e4")),
    ((b"grpc-status", b"99"),),
)
_CODES = (b"200", b"200", b"200", b"200", b"100", b"204", b"302", b"404", b"503", b"999", b"20")
_BODIES = (
    *(_METADATA, _CONFIG, _STATISTICS, b"", b"{", b'{"error":"no"}', b"data: {}\n\ndata: {}\n\n"),
    *(_framed(b""), _framed(b"abc"), _framed(b"abc")[:-1], _framed(bytes(1 << 16))[:9]),
    *(b"\1" + _framed(b"abc")[1:], b"\0\xff\xff\xff\xff", bytes(16_000)),
    *map(_framed, _RELAYED),
)


class _Answers:
    """Reads a small language of what a server sends: bytes for operations and their arguments."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._pieces = [bytearray(frame(4, 0, 0, b""))]

    def pieces(self) -> list[bytes]:
        """Return what the server sends, cut where the program says."""
        operations = (
            *(self._head, self._head, self._data, self._data, self._data, self._trailers),
            *(self._reset, self._goaway, self._settings, self._window, self._promise, self._ping),
            *(self._any, self._raw, self._cut),
        )
        while self._choices and sum(map(len, self._pieces)) < 64 * KIB:
            self._pieces[-1] += self._choices.pick(operations)()
        return [bytes(piece) for piece in self._pieces]

    def _stream(self) -> int:
        """Return mostly a stream that waits for its answer."""
        which = self._choices.number()
        others = (0, 2, 99, 0x7FFFFFFF)
        return 2 * (which % len(_CALLS)) + 1 if which < 240 else others[which % 4]

    def _head(self) -> bytes:
        choices = self._choices
        stream, flags = self._stream(), choices.number()
        fields = ((b":status", choices.pick(_CODES)), *choices.pick(_HEADS))
        return frame(1, 5 if flags & 1 else 4, stream, headers(fields))

    def _trailers(self) -> bytes:
        stream = self._stream()
        return frame(1, 5, stream, headers(self._choices.pick(_HEADS)))

    def _data(self) -> bytes:
        choices = self._choices
        stream, flags, body = self._stream(), choices.number(), choices.pick(_BODIES)
        if flags & 2:
            half = len(body) // 2
            return frame(0, 0, stream, body[:half]) + frame(0, flags & 1, stream, body[half:])
        return frame(0, flags & 1, stream, body)

    def _reset(self) -> bytes:
        return frame(3, 0, self._stream(), bytes([0, 0, 0, self._choices.number() % 14]))

    def _goaway(self) -> bytes:
        return frame(7, 0, 0, self._stream().to_bytes(4, "big") + bytes(4))

    def _settings(self) -> bytes:
        which, value = self._choices.number(), self._choices.number(4)
        return frame(4, which & 1, 0, bytes([0, which % 10]) + value.to_bytes(4, "big"))

    def _window(self) -> bytes:
        stream = self._stream()
        return frame(8, 0, stream, self._choices.number(4).to_bytes(4, "big"))

    def _promise(self) -> bytes:
        fields = ((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"))
        return frame(5, 4, self._stream(), (2).to_bytes(4, "big") + headers(fields))

    def _ping(self) -> bytes:
        return frame(6, self._choices.number() & 1, 0, bytes(8))

    def _any(self) -> bytes:
        choices = self._choices
        kind, flags = choices.number() % 16, choices.number()
        return frame(kind, flags, self._stream(), choices.take(choices.number() % 64))

    def _raw(self) -> bytes:
        return self._choices.take(self._choices.number() % 32)

    def _cut(self) -> bytes:
        self._pieces.append(bytearray())
        return b""


def _answered(stream: int, code: int, head: int, body: int) -> bytes:
    """Return the operations of a whole answer."""
    return bytes([0, stream, 0, code, head, 2, stream, 1, body])


_PROGRAMS = (
    b"".join(_answered(*each) for each in ((0, 0, 1, 0), (5, 0, 1, 0), (6, 0, 1, 1), (7, 0, 1, 2))),
    _answered(0, 0, 7, 0) + b"\x0e" + _answered(8, 7, 1, 5),
    _answered(0, 0, 8, 0) + _answered(5, 8, 9, 5),
    bytes([0, 1, 0, 0, 2, 2, 1, 0, 8, 5, 1, 10]) + bytes([0, 2, 0, 0, 2, 2, 2, 0, 10, 5, 2, 10]),
    bytes([0, 3, 0, 0, 2, 2, 3, 0, 14, 2, 3, 2, 16, 14, 5, 3, 11]),
    bytes([0, 4, 0, 0, 1, 2, 4, 2, 6, 14, 2, 4, 1, 6]),
    bytes([0, 0, 0, 0, 4, 2, 0, 0, 13, 14, 6, 0, 7, 7, 1]),
    bytes([8, 0, 3, 0, 0, 0, 0, 14, 6, 1, 8, 9, 5, 5, 0, 0, 1]),
)


def _plain(status: bytes, body: bytes, *lines: bytes) -> bytes:
    head = [b"HTTP/1.1 " + status, *lines, b"content-length: %d" % len(body), b"", b""]
    return b"\r\n".join(head) + body


_HTTP1 = (
    b"\0" + _plain(b"200 OK", b"{}", b"content-type: application/json"),
    b"\1" + _plain(b"200 OK", _METADATA),
    b"\2" + _plain(b"200 OK", _CONFIG)[:90] + CUT + _plain(b"200 OK", _CONFIG)[90:],
    b"\3" + _plain(b"200 OK", _STATISTICS),
    b"\4" + _plain(b"404 Not Found", b'{"error":"no"}', b"retry-after: 5"),
    b"\0" + _plain(b"503 Busy", b"", b"retry-after: " + b"9" * 400),
    b"\0" + _plain(b"200 OK", b"{}", b"inference-header-content-length: x"),
    b"\0HTTP/1.1 100 Continue\r\n\r\n" + _plain(b"200 OK", b"{}") + _plain(b"200 OK", b"{}"),
    b"\0HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n" + CUT + b"0\r\n\r\n",
    b"\0HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nabc",
    b"\1HTTP/1.0 200 OK\r\n\r\n" + _METADATA,
    b"\0HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nabc",
)
_HTTP1_TOKENS = (
    CUT,
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 204 No\r\n\r\n",
        b"connection: close",
    ),
    *(b"content-length: 70000\r\n", b"transfer-encoding: chunked\r\n", b"0\r\n\r\n", b"ffffffff"),
    *(b"inference-header-content-length: 3\r\n", b"retry-after: 1\r\n", b"9" * 20, b"302", b"999"),
)
_RELAY = (
    *(b"\0\0\0abcd" + each for each in (_METADATA, *UNUSUAL)),
    b"\1\0\0abcd" + _CONFIG,
    b"\2\0\0abcd" + _STATISTICS,
    *(b"\3" + code.to_bytes(2, "little") + b"9999no" for code in (0, 104, 202, 304, 403, 404)),
    *(b"\4\0\0" + code + b"%zz%e4" for code in (b"5\0\0\0", b"8   ", b"99  ", b"0001")),
)


TARGETS = (
    Target("relay", check_relay, _RELAY, JSON_TOKENS),
    Target(
        "relayed_message",
        check_relayed,
        _RELAYED,
        (b"\xa0\x06\x01", b"\xa8\x06\xff\xff\x03", b"\xb0\x06\x63", b"\x0a\x02no", b"\x12\x00"),
        protobuf_messages(103),
    ),
    Target("hop_http1", check_http1, _HTTP1, _HTTP1_TOKENS, weight=2),
    Target("hop_http2", check_http2, _PROGRAMS, (b"\x0e", _answered(0, 0, 1, 0)), weight=2),
    Target(
        "hop_http2_raw",
        check_http2_raw,
        tuple(b"\x40\x80\xc0" + b"".join(_Answers(Choices(each)).pieces()) for each in _PROGRAMS),
        (
            frame(4, 1, 0, b""),
            frame(0, 1, 1, b""),
            frame(3, 0, 1, bytes(4)),
            frame(7, 0, 0, bytes(8)),
        ),
    ),
)

"""Targets: both parsers through the listener, over sockets.

What an HTTP/1.1 client or an HTTP/2 client sends is the input itself; for HTTP/2 there is also a
small language of frames, so that an input says "headers of this call, then half a message, then a
reset" in a few bytes, and engines get past the first frame.
"""

import gzip
from collections.abc import Sequence
from functools import cache

from hypothesis import strategies as st

from tests.fuzz.attacked_port import ENDINGS, AttackedPort
from tests.fuzz.inputs import varint
from tests.fuzz.oip_targets import GRPC_SEEDS, GRPC_TOKENS, JSON_SEEDS, JSON_TOKENS
from tests.fuzz.target import CUT, Choices, Target
from tests.fuzz.transport_targets import HTTP1_SEEDS, HTTP1_TOKENS

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_MOST_SENT = 64 * 1024


@cache
def _port() -> AttackedPort:
    return AttackedPort()


# HTTP/1.1.


def check_http1(data: bytes) -> None:
    """Whatever comes, what is answered is HTTP/1.1."""
    choices = Choices(data)
    ending, pieces = choices.pick(ENDINGS), choices.parts()
    _check_answers(_port().attack(pieces, ending))


def _check_answers(received: bytes) -> None:
    """Raise AssertionError if these are not answers in a row; the last may be cut off."""
    while received:
        head, end, rest = received.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")[: 2 if end else 1]) or not end, head
        if not end:
            return
        status, *lines = head.split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in lines)
        assert status[9:12].isdigit()
        if status[9:12] == b"100" or rest.startswith(b"HTTP/1.1 "):  # or to HEAD: no body
            received = rest
        elif b"transfer-encoding" in fields:
            received = _after_chunks(rest)
        elif b"content-length" in fields:
            received = rest[int(fields[b"content-length"]) :]
        else:
            is_last = fields.get(b"connection") == b"close"
            assert is_last or status[9:12] in (b"204", b"304"), head
            received = b"" if is_last else rest


def _after_chunks(rest: bytes) -> bytes:
    while rest:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return b""
        size = int(line, 16)
        assert len(rest) < size or rest[size : size + 2] in (b"\r\n", b"\r", b""), rest[size:][:20]
        rest = rest[size + 2 :]
        if not size:
            return rest
    return b""


def _post(path: str, body: bytes, *lines: bytes) -> bytes:
    head = [b"POST /%s HTTP/1.1" % path.encode(), b"host: localhost", *lines]
    return b"\r\n".join([*head, b"content-length: %d" % len(body), b"", b""]) + body


_TEXT = b'{"text_input":"a","id":"1"}'
_HTTP1 = (
    *HTTP1_SEEDS,
    *(_post("v2/models/iris/infer", body) for body in JSON_SEEDS),
    _post("v2/models/later/infer", JSON_SEEDS[0]) + _post("v2/models/held/infer", JSON_SEEDS[0]),
    CUT.join(
        _post("v2/models/iris/infer", JSON_SEEDS[0].replace(b"1.5", x)) for x in (b"2.5", b"x")
    ),
    _post("v2/models/held/infer", JSON_SEEDS[0]) + CUT + JSON_SEEDS[0],
    _post("v2/models/iris/infer", gzip.compress(JSON_SEEDS[0]), b"content-encoding: gzip"),
    _post("v2/models/iris/infer", gzip.compress(bytes(50_000)), b"content-encoding: deflate"),
    _post("v2/models/iris/infer", b"abc", b"inference-header-content-length: 0"),
    _post("v2/models/iris/infer_stream", JSON_SEEDS[0]),
    _post("v2/models/iris/generate", _TEXT),
    _post("v2/models/iris/generate_stream", _TEXT) + b"GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n",
    _post("v2/models/later/generate_stream", _TEXT),
    _post("v2/repository/index", b'{"ready":true}'),
    _post("v2/repository/models/iris/load", b'{"parameters":{"config":"{}"}}'),
    _post("v2/repository/models/iris/unload", b""),
    _post("v2/trace/setting", b'{"trace_rate":"1","trace_level":null}'),
    _post("v2/logging", b'{"log_info":true}'),
    (
        b"GET /v2/models/iris HTTP/1.1\r\nhost: a\r\n\r\n"
        b"GET /v2/models/iris/config HTTP/1.1\r\nhost: a\r\n\r\n"
        b"GET /v2/models/stats HTTP/1.1\r\nhost: a\r\n\r\nHEAD /v2 HTTP/1.1\r\nhost: a\r\n\r\n"
    ),
    b"GET /v2/docs/dataplane.json HTTP/1.1\r\nhost: a\r\n\r\n",
    b"\x16\x03\x01\x02\0",
    PREFACE[:20],
)


# HTTP/2.

_TYPES = range(10)
_MODELS = (b"iris", b"later", b"held", b"none")
_SERVICE = b"/inference.GRPCInferenceService/"
_CALLS = (
    *(
        _SERVICE + name
        for name in (
            *(b"ModelInfer", b"ModelStreamInfer", b"ServerLive", b"ServerReady", b"ServerMetadata"),
            *(b"ModelReady", b"ModelMetadata", b"ModelConfig", b"ModelStatistics", b"TraceSetting"),
            *(b"LogSettings", b"RepositoryIndex", b"RepositoryModelLoad", b"Nothing"),
        )
    ),
    b"/grpc.health.v1.Health/Watch",
    b"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
)
_REQUESTS = (
    *((b"POST", b"/v2/models/%s/infer" % model) for model in _MODELS),
    (b"POST", b"/v2/models/iris/generate_stream"),
    (b"POST", b"/v2/models/iris/infer_stream"),
    (b"GET", b"/v2"),
    (b"HEAD", b"/v2/models/iris"),
    (b"CONNECT", b""),
    (b"OPTIONS", b"*"),
)
_EXTRA = (
    (),
    ((b"te", b"trailers"),),
    ((b"grpc-encoding", b"gzip"),),
    ((b"grpc-encoding", b"br"),),
    ((b"grpc-accept-encoding", b"gzip"),),
    ((b"grpc-timeout", b"1m"),),
    ((b"grpc-timeout", b"x"),),
    ((b"content-length", b"5"),),
    ((b"content-encoding", b"gzip"),),
    ((b"connection", b"close"),),
    ((b"Upper", b"1"),),
    ((b":path", b"/again"),),
    ((b"a", b"b" * 300),) * 20,
    ((b"expect", b"100-continue"),),
)


def _message(model: bytes) -> bytes:
    return b"\x0a" + varint(len(model)) + model + GRPC_SEEDS[0][6:]


_PLAIN = (
    *(_message(model) for model in _MODELS),
    *(*GRPC_SEEDS[1:4], b"", b"\x0a\x04iris"),
    *(b"\x3a\x01*", b"\x22\x1cinference.GRPCInferenceService", b"\x0a\x09inference"),
)
_BODIES = (*JSON_SEEDS[:2], _TEXT, b"", b"{")
_HUGE = 0x7FFFFFFF


def _string(text: bytes) -> bytes:
    length = len(text)
    return (bytes([length]) if length < 127 else b"\x7f" + varint(length - 127)) + text


def headers(fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a header block that uses no table and no Huffman code (RFC 7541, 6.2.2)."""
    return b"".join(b"\0" + _string(name) + _string(value) for name, value in fields)


def frame(kind: int, flags: int, stream: int, payload: bytes, length: int | None = None) -> bytes:
    """Return a frame (RFC 9113, 4.1), whose `length` may be a lie."""
    nbytes = len(payload) if length is None else length
    head = nbytes.to_bytes(3, "big") + bytes([kind, flags])
    return head + (stream & 0xFFFFFFFF).to_bytes(4, "big") + payload


class Program:
    """Reads the small language: a byte for the operation, then bytes for its arguments."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._newest = -1
        self._pieces = [bytearray(PREFACE + frame(4, 0, 0, b""))]

    def pieces(self) -> list[bytes]:
        """Return what the client sends, cut where the program says."""
        operations = (
            *(self._call, self._call, self._request, self._data, self._data, self._body),
            *(self._settings, self._window, self._ping, self._reset, self._priority, self._cut),
            *(self._continuation, self._goaway, self._any, self._block, self._raw, self._lie),
        )
        while self._choices and sum(map(len, self._pieces)) < _MOST_SENT:
            out = self._choices.pick(operations)()
            self._pieces[-1] += out
        return [bytes(piece) for piece in self._pieces]

    def _stream(self) -> int:
        """Return a stream: mostly the newest, else an older one, the next, or none at all."""
        newest = max(self._newest, 1)
        which = self._choices.number()
        others = (max(newest - 2, 1), 1, newest + 2, 0, 2, _HUGE)
        return newest if which < 200 else others[which % len(others)]

    def _open(self, fields: Sequence[tuple[bytes, bytes]]) -> bytes:
        self._newest += 2
        flags = self._choices.number()
        ends = (0x1 if flags & 1 else 0) | (0 if flags & 0xF0 == 0xF0 else 0x4)
        extra = self._choices.pick(_EXTRA)
        block = headers([*fields, *extra])
        if flags & 0x0E == 0x0E and len(block) > 20:
            cut = len(block) // 2
            rest = frame(9, 0x4, self._newest, block[cut:])
            return frame(1, ends & 0x1, self._newest, block[:cut]) + rest
        return frame(1, ends, self._newest, block)

    def _call(self) -> bytes:
        fields = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", self._choices.pick(_CALLS)),
        ]
        fields += [(b":authority", b"a"), (b"content-type", b"application/grpc")]
        return self._open(fields)

    def _request(self) -> bytes:
        method, path = self._choices.pick(_REQUESTS)
        fields = [(b":method", method), (b":scheme", b"http"), (b":path", path)]
        return self._open([*fields, (b":authority", b"a")])

    def _data(self) -> bytes:
        """A gRPC message, whole or cut, with a flag and a length that are true or not."""
        choices = self._choices
        stream, message, how = self._stream(), choices.pick(_PLAIN), choices.number()
        flag = (0, 0, 0, 1, 1, 2)[how % 6]
        message = gzip.compress(message, mtime=0) if how % 6 == 4 else message
        length = len(message) + (0, 0, 0, 1, -1, 1 << 20, 1 << 31)[how // 6 % 7]
        framed = bytes([flag]) + max(length, 0).to_bytes(4, "big") + message
        if how // 42 == 1:
            framed += framed
        cut = choices.number()
        flags = 1 if cut & 1 else 0
        if cut < 200:
            return frame(0, flags, stream, framed)
        at = cut % max(len(framed), 1)
        other = frame(0, 0, self._stream(), framed[:at])  # of another stream between
        return frame(0, 0, stream, framed[:at]) + other + frame(0, flags, stream, framed[at:])

    def _body(self) -> bytes:
        choices = self._choices
        stream, body, flags = self._stream(), choices.pick(_BODIES), choices.number()
        if flags & 8:
            padding = choices.number()
            return frame(0, flags & 9, stream, bytes([padding]) + body + bytes(padding % 32))
        return frame(0, flags & 1, stream, body)

    def _settings(self) -> bytes:
        which, value = self._choices.number(), self._choices.number(4)
        small = (0, 1, 100, 16384, 65535, _HUGE)
        value = value if which & 0x80 else small[value % len(small)]
        entry = (which % 10).to_bytes(2, "big") + value.to_bytes(4, "big")
        return frame(4, 1 if which & 0x40 else 0, 0, b"" if which & 0x20 else entry)

    def _window(self) -> bytes:
        stream, by = self._stream(), self._choices.number()
        grown = (0, 1, 65535, _HUGE, 1 << 31)[by % 5]
        return frame(8, 0, 0 if by & 0x80 else stream, grown.to_bytes(4, "big"))

    def _ping(self) -> bytes:
        return frame(6, self._choices.number() & 1, 0, bytes(8)) * (1 + self._choices.number() % 4)

    def _reset(self) -> bytes:
        return frame(3, 0, self._stream(), bytes([0, 0, 0, self._choices.number() % 14]))

    def _priority(self) -> bytes:
        return frame(2, 0, self._stream(), self._stream().to_bytes(4, "big") + b"\x10")

    def _cut(self) -> bytes:
        self._pieces.append(bytearray())
        return b""

    def _continuation(self) -> bytes:
        choices = self._choices
        return frame(9, choices.number() & 4, self._stream(), choices.take(choices.number() % 32))

    def _goaway(self) -> bytes:
        return frame(7, 0, 0, self._stream().to_bytes(4, "big") + bytes(4))

    def _any(self) -> bytes:
        choices = self._choices
        kind, flags = choices.number() % 16, choices.number()
        return frame(kind, flags, self._stream(), choices.take(choices.number() % 64))

    def _block(self) -> bytes:
        choices = self._choices
        self._newest += 2
        return frame(1, 5, self._newest, choices.take(choices.number() % 64))

    def _raw(self) -> bytes:
        return self._choices.take(self._choices.number() % 16)

    def _lie(self) -> bytes:
        choices = self._choices
        kind, length = choices.number() % 10, choices.number(3)
        return frame(kind, 0, self._stream(), choices.take(8), length)


def check_http2(data: bytes) -> None:
    """Frames in any order are answered by frames."""
    choices = Choices(data)
    ending = choices.pick(ENDINGS)
    _check_frames(_port().attack(Program(choices).pieces(), ending))


def check_http2_raw(data: bytes) -> None:
    """Bytes behind HTTP/2's preface are answered by frames."""
    choices = Choices(data)
    ending, pieces = choices.pick(ENDINGS), choices.pieces(3)
    _check_frames(_port().attack([PREFACE + pieces[0], *pieces[1:]], ending))


def _check_frames(received: bytes) -> None:
    """Raise AssertionError if these are no frames of a server; the last may be cut off."""
    assert received[3:4] in (b"", b"\4"), "an HTTP/2 server begins with SETTINGS"
    while len(received) >= 9:
        length, kind = int.from_bytes(received[:3], "big"), received[3]
        assert kind in _TYPES, f"a frame of type {kind}"
        received = received[9 + length :]


def _seed(*operations: bytes, ending: int = 0) -> bytes:
    return bytes([ending]) + b"".join(operations)


# Operations by their place in the program's list, with arguments.
_INFER = b"\0\0\0\0"  # headers of ModelInfer
_SENT = b"\3\0\0\0\1"  # a whole message that ends the stream
_PROGRAMS = (
    _seed(_INFER, _SENT),
    _seed(_INFER, _SENT, b"\x0b", _INFER, b"\3\0\1\0\1", _INFER, b"\3\0\2\0\1"),
    _seed(b"\0\1\0\0", b"\3\0\0\0\0", b"\3\0\0\0\0", b"\x0b", b"\3\0\1\0\1"),
    _seed(_INFER, b"\3\0\0\0\xc9\0", b"\x09\0\x08"),
    _seed(b"\0\0\0\2", b"\3\0\0\4\1"),
    _seed(b"\0\0\0\2", b"\3\0\0\x1b\1", ending=2),
    _seed(b"\2\0\0\0", b"\5\0\0\1"),
    _seed(b"\2\4\0\0", b"\5\0\2\1", b"\7\0\x82", b"\6\4\0\0\0\0"),
    _seed(b"\2\5\0\0", b"\5\0\0\1", b"\x09\0\x08"),
    _seed(b"\0\x0e\0\0", b"\3\0\7\0\0", b"\x08\0\0"),
    _seed(b"\0\x0f\0\0", b"\3\0\7\0\1"),
    _seed(b"\0\0\x0e\0", _SENT, b"\x0d\0"),
    _seed(b"\0\0\xf0\0", b"\x0c\0\0\4abcd"),
    _seed(_INFER, b"\3\0\2\0\1", b"\x0b", b"\x09\0\x08", ending=1),
    _seed(_INFER, b"\3\0\1\0\1", _INFER, _SENT, ending=3),
    _seed(b"\0\1\0\0", b"\3\0\2\0\0", b"\3\0\2\0\0", b"\x0b", b"\x09\0\x08"),
    _seed(b"\0\1\0\0", b"\3\0\2\0\0", b"\3\0\2\0\0", b"\3\0\2\x24\0", ending=2),
    _seed(b"\0\1\0\0", b"\3\0\1\0\0", b"\x0b", b"\3\0\0\0\1", ending=3),
    _seed(b"\0\1\0\4", b"\3\0\0\0\1", b"\2\4\0\0", b"\5\0\2\1", ending=3),
)
_OPERATIONS = st.one_of(
    st.sampled_from([_INFER, _SENT, b"\x0b", b"\0\1\0\0", b"\2\0\0\0", b"\5\0\0\1", b"\x09\0\x08"]),
    st.binary(min_size=1, max_size=6),
    st.builds(lambda op, rest: bytes([op]) + rest, st.integers(0, 17), st.binary(max_size=5)),
)

TARGETS = (
    Target(
        "listener_http1",
        check_http1,
        tuple(bytes([index % 4]) + each for index, each in enumerate(_HTTP1)),
        (*HTTP1_TOKENS, *JSON_TOKENS, b"/v2/models/held/infer", b"/v2/models/iris/generate_stream"),
        weight=4,
        cpu_s=5.0,
    ),
    Target(
        "listener_http2",
        check_http2,
        _PROGRAMS,
        (_INFER, _SENT, b"\x0b", b"\x09\0\x08", b"\6\4\0\0\0\0", b"\7\0\x83", b"\x0d\0"),
        st.lists(_OPERATIONS, max_size=30).map(lambda made: b"\0" + b"".join(made)),
        weight=5,
        cpu_s=5.0,
    ),
    Target(
        "listener_http2_raw",
        check_http2_raw,
        tuple(
            bytes([index % 4])
            + b"\x40\x80\xc0"
            + b"".join(Program(Choices(program[1:])).pieces())[len(PREFACE) :]
            for index, program in enumerate(_PROGRAMS)
        ),
        (*GRPC_TOKENS, frame(4, 1, 0, b""), frame(0, 1, 1, b""), frame(3, 0, 1, bytes(4))),
        weight=3,
        cpu_s=5.0,
    ),
)

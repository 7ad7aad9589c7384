"""Attacks by HTTP/1: heads, bodies and framing that no honest client sends."""

import gzip
import time
import zlib
from collections.abc import Callable

from tests.support.attackers import Attack, GoneError, Part, Wire

JSON = b'{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
PATH = b"/v2/models/iris-onnx/infer"
MIB = 1 << 20


def post(body: bytes, *headers: bytes, path: bytes = PATH, length: int | None = None) -> bytes:
    """Return a request; `length` is announced in place of the body's."""
    lines = [
        b"POST " + path + b" HTTP/1.1",
        b"host: server",
        b"content-type: application/json",
        b"content-length: %d" % (len(body) if length is None else length),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def header_bomb(attack: Attack) -> None:
    """One header line without an end."""

    def once(attack: Attack, wire: Wire) -> None:
        wire.send(b"GET /v2 HTTP/1.1\r\nhost: a\r\nx-bomb: ")
        for _ in range(1000):
            wire.send(b"b" * 65536)

    attack.again(once)


def many_headers(attack: Attack) -> None:
    """Ten thousand header lines, of new names or of one."""

    def once(attack: Attack, wire: Wire) -> None:
        same = attack.random.random() < 0.5
        lines = b"".join(b"x%d: 1\r\n" % (0 if same else n) for n in range(10_000))
        wire.send(b"GET /v2 HTTP/1.1\r\nhost: a\r\n" + lines + b"\r\n")
        wire.wait(0.05)

    attack.again(once)


def slow_header(attack: Attack) -> None:
    """Two hundred connections whose heads come byte by byte."""
    attack.many(200, lambda _: b"GET /v2 HTTP/1.1\r\nhost: a\r\nx-slow: ", b"s")


def slow_body(attack: Attack) -> None:
    """Two hundred connections whose bodies come byte by byte."""
    attack.many(200, lambda _: post(b"{", length=100_000), b" ")


def empty_promise(attack: Attack) -> None:
    """Forty connections that announce the largest body there may be, and send nothing of it."""
    first = post(b"", b"inference-header-content-length: 10", length=1000 * MIB)
    attack.many(40, lambda _: first, b"")


def slow_reader(attack: Attack) -> None:
    """Requests one after the other, and no answer read."""

    def once(attack: Attack, wire: Wire) -> None:
        request = b"GET /v2/models/iris-onnx HTTP/1.1\r\nhost: a\r\n\r\n" * 200
        while True:
            wire.send(request, reads=False)

    attack.again(once, receive_buffer=4096)


def pipelining(attack: Attack) -> None:
    """As many requests as fit through one connection."""

    def once(attack: Attack, wire: Wire) -> None:
        requests = post(JSON) * 300
        while True:
            wire.send(requests)

    attack.again(once)


def pipelining_crowd(attack: Attack) -> None:
    """As many requests as fit through each of five hundred connections."""
    attack.storm(500, lambda: Part(post(JSON) * 100))


SMUGGLING = (
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"
    b"0\r\n\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n"
    b"0\r\n\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 4, 4\r\n\r\nabcd" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: +4\r\n\r\nabcd" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 0x4\r\n\r\nabcd" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999999\r\n\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n-1\r\nab\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    b"fffffffffffffffff\r\nab\r\n" % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"
    % PATH,
    b"POST %s HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n" % PATH,
    b"GET /v2 HTTP/1.1\r\nhost: a\r\nx-folded: a\r\n b\r\n\r\n",
    b"GET /v2 HTTP/1.1\nhost: a\n\n",
    b"GET /v2 HTTP/1.1\r\nhost: a\nx: 1\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\nhost: a\r\nx\0y: 1\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\nhost : a\r\n\r\n",
    b"GET /v2 HTTP/1.1\r\nhost: a\rx: 1\r\n\r\n",
    b"GET /v2 HTTP/1.15\r\nhost: a\r\n\r\n",
    b"GET /v2 HTTP/3.0\r\nhost: a\r\n\r\n",
    b"GET /v2 http/1.1\r\nhost: a\r\n\r\n",
    b"POST %s HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" % PATH,
)
"""Requests that two parsers may read differently."""


def smuggling(attack: Attack) -> None:
    """Requests of two readings, with another request behind each that must not be answered."""

    def once(attack: Attack, wire: Wire) -> None:
        form = attack.random.choice(SMUGGLING)
        wire.send(form + b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n")
        try:
            wire.wait(0.1)
            attack.heard["left open"] += 1
        finally:
            if b"/smuggled" in wire.got:
                attack.heard["smuggled"] += 1

    attack.again(once)


def gzip_bomb(attack: Attack) -> None:
    """Bodies that are a thousand times larger than they seem."""
    bomb = gzip.compress(bytes(60 * MIB), 9)
    deflated = zlib.compress(bytes(60 * MIB), 9)

    def once(attack: Attack, wire: Wire) -> None:
        for _ in range(20):
            wire.send(post(bomb, b"content-encoding: gzip"))
            wire.send(post(deflated, b"content-encoding: deflate"))
            wire.wait(0.01)

    attack.again(once)


def half_closed(attack: Attack) -> None:
    """Connections whose side is closed before, within and after a request."""

    def once(attack: Attack, wire: Wire) -> None:
        request = post(JSON)
        wire.send(request[: attack.random.randrange(len(request) + 1)])
        wire.end()
        wire.wait(0.05)

    attack.again(once)


def aborts(attack: Attack) -> None:
    """Ten thousand connections, each reset after nothing, a part of a request or a whole one."""
    request = post(JSON)
    for _ in range(10_000):
        if not attack.goes_on():
            return
        wire = Wire(attack)
        try:
            wire.send(request[: attack.random.choice((0, 0, 20, 100, len(request)))])
        except GoneError:
            attack.heard["closed"] += 1
        wire.abort()


def crowd(attack: Attack) -> None:
    """More connections than are let in."""
    wires: list[Wire] = []
    try:
        while attack.goes_on():
            if len(wires) < 900:
                wires.append(Wire(attack))
            else:
                time.sleep(0.01)
    finally:
        for wire in wires:
            wire.close()


def noise(attack: Attack) -> None:
    """Bytes by chance, some behind what begins well."""
    beginnings = (
        b"",
        b"GET ",
        b"POST " + PATH,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01",
    )

    def once(attack: Attack, wire: Wire) -> None:
        size = attack.random.randrange(1, 5000)
        wire.send(attack.random.choice(beginnings) + attack.random.randbytes(size))
        wire.wait(0.01)

    attack.again(once)


ATTACKS: dict[str, Callable[[Attack], None]] = {
    each.__name__: each
    for each in (
        header_bomb,
        many_headers,
        slow_header,
        slow_body,
        empty_promise,
        slow_reader,
        pipelining,
        pipelining_crowd,
        smuggling,
        gzip_bomb,
        half_closed,
        aborts,
        crowd,
        noise,
    )
}

"""The most that one Python process answers to large tensors: each is received into one buffer.

    python -m perf.ceilings.one_buffer binary|grpc PORT MODEL

`binary` takes POSTs of the binary extension, `grpc` ModelInfer with raw contents. Both run the
ONNX model at MODEL on the last bytes of each body, in place, and answer its output as bytes.
There are no routes, checks or limits; headers are skipped, one request at a time on a connection
(`binary`) or stream (`grpc`).
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import uvloop

from perf.ceilings.rest import predict_with_onnx
from perf.harness.bodies import IMAGE

Predict = Callable[[Any], Any]

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
LENGTH = b"\r\ncontent-length: "
END_OF_HEAD = b"\r\n\r\n"
IMAGE_BYTES = 4 * int(np.prod(IMAGE))


def predicted(predict: Predict, body: memoryview) -> bytes:
    """The output for the image that ends `body`, as bytes."""
    rows = np.frombuffer(body[-IMAGE_BYTES:], "<f4").reshape(IMAGE)
    output: bytes = predict(rows).tobytes()
    return output


class Receiver(asyncio.BufferedProtocol):
    """One client. `wanted` is where the next bytes go; none: to the buffer for heads and frames."""

    def __init__(self, predict: Predict) -> None:
        self.predict = predict
        self.received = bytearray(64 * 1024)
        self.wanted: memoryview | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are Transports by shape, not by class.
        self.write = cast(asyncio.Transport, transport).write

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.wanted or memoryview(self.received)

    def filled(self, nbytes: int) -> bool:
        """Note what went to `wanted`; whether that is complete."""
        assert self.wanted is not None
        self.wanted = self.wanted[nbytes:] or None
        return self.wanted is None


class Binary(Receiver):
    """HTTP/1.1: a head, then a body of its content-length."""

    def buffer_updated(self, nbytes: int) -> None:
        if self.wanted is None:
            head = bytes(memoryview(self.received)[:nbytes])
            end = head.index(END_OF_HEAD) + len(END_OF_HEAD)
            start = head.lower().index(LENGTH) + len(LENGTH)
            length = int(head[start : head.index(b"\r", start)])
            self.body = memoryview(np.empty(length, np.uint8).data)
            self.body[: nbytes - end] = head[end:]
            self.wanted = self.body[nbytes - end :] or None
        else:
            self.filled(nbytes)
        if self.wanted is None:
            out = predicted(self.predict, self.body)
            self.write(b"%scontent-length: %d\r\n\r\n%s" % (HEAD, len(out), out))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEAD = 9
PREFIX = 5  # the compression flag and the length of a gRPC message
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, END_HEADERS, ACK = 1, 4, 1
WINDOW = 1 << 30


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header field that is in no table (RFC 7541, 6.2.2)."""
    return b"\0" + bytes((len(name),)) + name + bytes((len(value),)) + value


# 0x88 is `:status: 200`.
ANSWER = b"\x88" + literal(b"content-type", b"application/grpc")
TRAILERS = literal(b"grpc-status", b"0")
OPENING = frame(SETTINGS, 0, 0, b"\0\x04" + WINDOW.to_bytes(4))  # the initial window of streams
CREDIT = frame(8, 0, 0, WINDOW.to_bytes(4))


class Grpc(Receiver):
    """HTTP/2: the frames of a stream's data are received where they belong in its message."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.unread = b""
        self.began = False
        self.stream = self.flags = self.credit = 0
        self.bodies: dict[int, tuple[memoryview, int]] = {}  # and how much of it is there
        self.write(OPENING + CREDIT)

    def buffer_updated(self, nbytes: int) -> None:
        if self.wanted is not None:
            if self.filled(nbytes):
                self.data_is_complete()
            return
        data = self.unread + bytes(memoryview(self.received)[:nbytes])
        if not self.began:
            self.began = True
            data = data[len(PREFACE) :]
        at = 0
        while len(data) - at >= FRAME_HEAD:
            size, kind = int.from_bytes(data[at : at + 3]), data[at + 3]
            there = len(data) - at - FRAME_HEAD
            if there < (min(size, PREFIX) if kind == DATA else size):
                break
            self.flags = data[at + 4]
            self.stream = int.from_bytes(data[at + 5 : at + 9])
            at += FRAME_HEAD
            payload = data[at : at + size]
            at += len(payload)
            if kind == DATA:
                self.take(payload, size)
            elif kind == PING and not self.flags:
                self.write(frame(PING, ACK, 0, payload))
            elif kind == SETTINGS and not self.flags:
                self.write(frame(SETTINGS, ACK, 0, b""))
        self.unread = data[at:]

    def take(self, payload: bytes, size: int) -> None:
        """Take what there is of a frame's data; the rest is received behind it."""
        body, filled = self.bodies.get(self.stream, (memoryview(b""), 0))
        if not filled and size:
            body = memoryview(np.empty(PREFIX + int.from_bytes(payload[1:PREFIX]), np.uint8).data)
        body[filled : filled + len(payload)] = payload
        self.bodies[self.stream] = body, filled + size
        self.credit += size
        if len(payload) < size:
            self.wanted = body[filled + len(payload) : filled + size]
        else:
            self.data_is_complete()

    def data_is_complete(self) -> None:
        """Answer, if that was the last of a message."""
        if not self.flags & END_STREAM:
            return
        body, _ = self.bodies.pop(self.stream)
        out = predicted(self.predict, body)
        message = b"\x32" + bytes((len(out),)) + out  # field 6, raw_output_contents
        stream = self.stream
        self.write(
            frame(8, 0, 0, self.credit.to_bytes(4))
            + frame(HEADERS, END_HEADERS, stream, ANSWER)
            + frame(DATA, 0, stream, b"\0" + len(message).to_bytes(4) + message)
            + frame(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)
        )
        self.credit = 0


async def main(mode: str, port: int, model: str) -> None:
    predict = predict_with_onnx(model)
    kind = {"binary": Binary, "grpc": Grpc}[mode]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: kind(predict), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))

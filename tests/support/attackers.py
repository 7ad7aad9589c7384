"""Clients that mean harm, over real sockets.

    python -m tests.support.attackers NAME PORT SECONDS SEED

Each runs in a process of its own, so that what it costs is not taken for the server's. When its
time is over it prints what it did and heard as one line of JSON: a count by name, such as `431`
for answers of that status, `goaway 11` for GOAWAY frames of that code, `grpc 8` for calls.
"""

import contextlib
import json
import random
import re
import select
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable

KEPT = 1 << 16
"""How many of the last bytes that came are looked at."""

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_GOAWAY = 7
_RESET = 3


class GoneError(Exception):
    """The server has closed the connection, or the time is over."""


class Wire:
    """One connection of an attack: sends without caring for what comes, but notes it."""

    def __init__(self, attack: "Attack", receive_buffer: int = 0) -> None:
        self._attack = attack
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect(("127.0.0.1", attack.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self.fileno = self._socket.fileno()
        self.got = bytearray()
        self._unsent = memoryview(b"")
        attack.heard["connections"] += 1

    def send(self, data: bytes, reads: bool = True) -> None:
        """Send all of `data`, reading meanwhile what comes if `reads`.

        Raises GoneError if the server has closed or the attack's time is over.
        """
        rest = memoryview(data)
        while rest:
            if not self._attack.goes_on():
                raise GoneError
            wanted = [self._socket]
            readable, writable, _ = select.select(wanted if reads else [], wanted, [], 0.05)
            if readable:
                self._receive()
            if writable:
                try:
                    rest = rest[self._socket.send(rest[:KEPT]) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    with contextlib.suppress(GoneError):
                        while True:  # what it said before
                            self._receive()
                    raise GoneError from error
        self._attack.heard["bytes"] += len(data)

    def listen(self) -> None:
        """Read what has come; raises GoneError if the server has closed."""
        if select.select([self._socket], [], [], 0)[0]:
            self._receive()

    def exchange(self, events: int, part: "Part") -> bool:
        """Read and send once what can be, as epoll's `events` say, and as `part` has it.

        Returns whether there is something to send. Raises GoneError if the server has closed.
        """
        if events & ~select.EPOLLOUT:
            part.hear(self._receive())
        self._unsent = self._unsent or memoryview(part.say())
        if events & select.EPOLLOUT and self._unsent:
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except BlockingIOError:
                return True
            except OSError as error:
                raise GoneError from error
            self._unsent = self._unsent or memoryview(part.say())
        return bool(self._unsent)

    def wait(self, seconds: float) -> None:
        """Read what comes for so long; raises GoneError once the server has closed."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._attack.goes_on():
            if select.select([self._socket], [], [], min(left, 0.05))[0]:
                self._receive()

    def until(self, said: bytes, seconds: float = 2.0) -> bool:
        """Read until `said` has come; return whether it has."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(GoneError):
            while said not in self.got and time.monotonic() < deadline:
                self.wait(0.02)
                if not self._attack.goes_on():
                    break
        return said in self.got

    def end(self) -> None:
        """Close our side only."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """Close by a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close, and count what was said in the end."""
        self._socket.close()
        for status in _STATUS.findall(self.got):
            self._attack.heard[status.decode()] += 1
        for kind, payload in frames_in(bytes(self.got)):
            if kind == _GOAWAY:
                code = int.from_bytes(payload[4:8], "big")
                self._attack.heard[f"goaway {code}"] += 1
                self._attack.said.add(payload[8:].decode("utf-8", "replace"))
            elif kind == _RESET:
                self._attack.heard[f"reset {int.from_bytes(payload, 'big')}"] += 1

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(KEPT)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise GoneError from error
        if not data:
            raise GoneError
        self.got += data
        # Frames are found from the beginning on, so the beginning is what is kept.
        if len(self.got) > 4 * KEPT:
            del self.got[2 * KEPT : -KEPT]
        return data


class Part:
    """What one connection of a crowd says: `data`, again and again."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def say(self) -> bytes:
        """Return what is to be sent next, nothing if something has to come first."""
        return self._data

    def hear(self, data: bytes) -> None:
        """Take what the server has sent."""


class Attack:
    """One attack: where to, until when, and what it has heard."""

    def __init__(self, port: int, seconds: float, seed: int) -> None:
        self.port = port
        self.random = random.Random(seed)
        self._until = time.monotonic() + seconds
        self.heard: Counter[str] = Counter()
        self.said: set[str] = set()

    def goes_on(self) -> bool:
        """Return whether there is time left."""
        return time.monotonic() < self._until

    def again(self, once: Callable[["Attack", Wire], None], receive_buffer: int = 0) -> None:
        """Do `once` on one connection after the other, until the time is over."""
        while self.goes_on():
            wire = Wire(self, receive_buffer)
            try:
                once(self, wire)
            except GoneError:
                self.heard["closed"] += 1
            finally:
                wire.close()

    def many(self, number: int, first: Callable[["Attack"], bytes], more: bytes) -> None:
        """Keep `number` connections open that send `first` and then `more`, a little at a time."""
        wires: list[Wire] = []
        try:
            while self.goes_on():
                while len(wires) < number and self.goes_on():
                    wires.append(Wire(self))
                    self._step(wires, wires[-1], first(self))
                for wire in self.random.sample(wires, max(1, len(wires) // 10)):
                    self._step(wires, wire, more)
                time.sleep(0.005)
        finally:
            for wire in wires:
                wire.close()

    def storm(self, number: int, new_part: Callable[[], Part]) -> None:
        """Keep `number` connections open, each saying its part as fast as that is taken."""
        wires: dict[int, tuple[Wire, Part]] = {}
        with select.epoll() as poll:
            try:
                while self.goes_on():
                    while len(wires) < number:
                        wire = Wire(self)
                        wires[wire.fileno] = wire, new_part()
                        poll.register(wire.fileno, select.EPOLLIN | select.EPOLLOUT)
                    for fileno, events in poll.poll(0.05):
                        wire, part = wires[fileno]
                        try:
                            says = wire.exchange(events, part)
                        except GoneError:
                            self.heard["closed"] += 1
                            wires.pop(fileno)[0].close()
                            continue
                        if says != bool(events & select.EPOLLOUT):
                            wanted = select.EPOLLIN | (select.EPOLLOUT if says else 0)
                            poll.modify(fileno, wanted)
            finally:
                for wire, _ in wires.values():
                    wire.close()

    def _step(self, wires: list[Wire], wire: Wire, data: bytes) -> None:
        try:
            wire.send(data)
            wire.listen()
        except GoneError:
            self.heard["closed"] += 1
            wires.remove(wire)
            wire.close()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return an HTTP/2 frame (RFC 9113, 4.1)."""
    head = struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream)
    return head + payload


def frames_in(data: bytes) -> list[tuple[int, bytes]]:
    """Return type and payload of the complete frames in what a server said on HTTP/2."""
    frames: list[tuple[int, bytes]] = []
    if data.startswith(b"HTTP/"):
        return frames
    at = 0
    while at + 9 <= len(data):
        size = int.from_bytes(data[at : at + 3], "big")
        if at + 9 + size > len(data):
            break
        frames.append((data[at + 3], data[at + 9 : at + 9 + size]))
        at += 9 + size
    return frames


def main(arguments: list[str]) -> None:
    """Attack, then say what was heard."""
    from tests.support import attacks_http1, attacks_http2

    name, port, seconds, seed = arguments
    attack = Attack(int(port), float(seconds), int(seed))
    {**attacks_http1.ATTACKS, **attacks_http2.ATTACKS}[name](attack)
    sys.stdout.write(json.dumps({**attack.heard, "said": sorted(attack.said)[:20]}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Replicas in other processes, for tests of the hop: real ports, and peers that are only frames."""

import asyncio
import contextlib
from dataclasses import replace
from time import monotonic

import ngh2

from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import Payload, ServerMetadata
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.protocol.oip_json import JSON_CODEC
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.control import ReplicaAddress, ReplicaId
from seldon_core.transport.handler import DataServices, InferCall
from seldon_core.transport.listener import open_listener
from seldon_core.transport.settings import MIB, ListenerSettings
from seldon_core.transport.upstreams import open_upstreams

REPLICA = ReplicaId("mlserver", 1)


class Steady:
    """A server that is ready."""

    def live(self):
        return True

    def ready(self):
        return True

    def metadata(self):
        return ServerMetadata("tested", "0", ())


def services_of(handler, repository=None):
    return DataServices(handler, Steady(), repository, None, None)


@contextlib.asynccontextmanager
async def listening(handler, repository=None, **settings):
    """A data port that answers by `handler`."""
    given = replace(ListenerSettings(port=0), **settings)
    async with open_listener(given, services_of(handler, repository)) as listener:
        yield listener


def address_of(port, is_ours=True):
    return ReplicaAddress("127.0.0.1", port, port, is_ours)


@contextlib.asynccontextmanager
async def remote(port, budget=None, is_ours=True):
    """The handler of the replica at `port`."""
    async with open_upstreams(budget or InFlightBytes(1024 * MIB)) as upstreams:
        yield upstreams.open(REPLICA, address_of(port, is_ours))


def rest_call(body=b"{}", model="iris_1", verb=Verb.INFER, seconds=600.0, headers=None):
    given = {b"content-type": b"application/json", **(headers or {})}
    payload, deadline = Payload(JSON_CODEC, body), monotonic() + seconds
    return InferCall(verb, "iris", "", given, payload, "rest", "r1", deadline, model)


def rpc_call(body=b"", model="iris_1", verb=Verb.INFER, seconds=float("inf"), headers=None):
    payload, deadline = Payload(GRPC_CODEC, body), monotonic() + seconds
    return InferCall(verb, "iris", "", headers or {}, payload, "grpc", "r1", deadline, model)


def body_of(reply):
    return b"".join(reply.response.parts)


class Peer(asyncio.Protocol):
    """One connection of a steered server; what is asked is kept, nothing is answered by itself."""

    def __init__(self, server):
        self.server = server
        self.h2 = ngh2.Connection(ngh2.Role.SERVER, server.config)
        self.requests = {}  # stream -> headers
        self.bodies = {}
        self.ended = []
        self.resets = {}
        self.events = []

    def connection_made(self, transport):
        self.transport = transport
        self.server.peers.append(self)
        if self.server.refuses:
            transport.abort()
            return
        self.h2.initiate_connection(self.server.settings)
        self.flush()

    def connection_lost(self, error):
        self.is_lost = True

    is_lost = False

    def data_received(self, data):
        self.h2.receive_data(data)
        for event in self.h2.events():
            self.events.append(event)
            match event:
                case ngh2.RequestReceived(stream_id, headers, end_stream):
                    self.requests[stream_id] = dict(headers)
                    self.bodies[stream_id] = bytearray()
                    if end_stream:
                        self._end(stream_id)
                case ngh2.DataReceived(stream_id, piece, end_stream):
                    self.bodies[stream_id] += piece
                    if end_stream:
                        self._end(stream_id)
                case ngh2.StreamReset(stream_id, code):
                    self.resets[stream_id] = code
                case _:
                    pass
        self.flush()

    def _end(self, stream_id):
        self.ended.append(stream_id)
        if self.server.answer is not None:
            self.server.answer(self, stream_id)

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def head(self, stream_id, *headers, status=b"200", end=False):
        self.h2.send_response(stream_id, [(b":status", status), *headers], end_stream=end)
        self.flush()

    def data(self, stream_id, data, end=False):
        self.h2.send_data(stream_id, data, end_stream=end)
        self.flush()

    def answer(self, stream_id, body=b"{}", status=b"200", *headers):
        self.head(stream_id, (b"content-type", b"application/json"), *headers, status=status)
        self.data(stream_id, body, end=True)


class SteeredServer:
    """Listens and keeps its connections as `peers`; `answer(peer, stream)` is called if given."""

    def __init__(self, answer=None, settings=None, refuses=False, **config):
        self.answer = answer
        self.settings = settings or {}
        self.refuses = refuses
        self.config = ngh2.Configuration(**config)
        self.peers = []

    async def until(self, holds):
        """Let the loop turn until `holds()` is true; 5 s are a failure."""
        async with asyncio.timeout(5):
            while not (found := holds()):
                await asyncio.sleep(0.001)
        return found

    async def asked(self, count=1):
        """Wait until so many requests have come whole on the last connection; return it."""
        await self.until(lambda: self.peers and len(self.peers[-1].ended) >= count)
        return self.peers[-1]


@contextlib.asynccontextmanager
async def steered(answer=None, port=0, **rest):
    server = SteeredServer(answer, **rest)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Peer(server), "127.0.0.1", port)
    server.port = listener.sockets[0].getsockname()[1]
    server.listener = listener
    try:
        yield server
    finally:
        listener.close()
        for peer in server.peers:
            peer.transport.abort()
        await asyncio.sleep(0)


def free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]

"""What streams share, and one stream on it: the bytes of a client in, what it is answered out."""

import asyncio

from seldon_core.protocol.status import GRPC_CODES
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.call_stream import RpcStream
from seldon_core.transport.heads import read_head
from seldon_core.transport.request_stream import HttpStream
from seldon_core.transport.settings import ListenerSettings
from seldon_core.transport.shared import Shared
from tests.support.http2_peer import EchoHttp, EchoRpc


class OneStream:
    """What streams share, and one stream opened on it."""

    def __init__(self, block, **changes):
        self.settings = ListenerSettings(**changes)
        self.budget = InFlightBytes(self.settings.in_flight_bytes)
        self.rpc, self.http = EchoRpc(), EchoHttp()
        self.shared = Shared(
            asyncio.get_running_loop(), self.settings, self.http, self.rpc, self.budget
        )
        head = read_head(block, self.settings)
        if head.is_grpc:
            self.stream = RpcStream(1, head, self.shared, 0.0, self.rpc)
        else:
            self.stream = HttpStream(1, head, self.shared, 0.0, self.http)

    async def send(self, *pieces):
        """Open the stream, give it pieces; return the refusal or the answer."""
        refusal = self.stream.open()
        for piece in pieces:
            refusal = refusal or self.stream.receive(piece)
        return refusal or await self.stream.answer()


def asked(block, *pieces, **changes):
    """What comes of one stream, its headers and the parts joined; nothing stays in the budget, and
    a refusal is counted once."""

    async def main():
        world = OneStream(block, **changes)
        outgoing = await world.send(*pieces)
        world.stream.release()
        counts = world.shared.refusals.counts
        headers = dict(outgoing.headers)
        code = int(headers.get(b"grpc-status", 0))
        refusal = ("grpc", GRPC_CODES[code]) if code else ("rest", headers[b":status"].decode())
        assert counts == ({} if refusal == ("rest", "200") else {refusal: 1})
        assert world.budget.used == 0
        return headers, b"".join(outgoing.parts or ())

    return asyncio.run(main())

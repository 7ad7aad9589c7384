"""A unary gRPC call other than ModelInfer, on its way to the method that answers it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from seldon_core.protocol.dialects import Verb
from seldon_core.protocol.inference import Buffer, Payload
from seldon_core.protocol.oip_grpc import GRPC_CODEC
from seldon_core.transport.handler import InferCall


@dataclass(slots=True)
class RpcCall:
    """One call. `headers` is its metadata, `message` what was sent, still encoded.

    `deadline` is an instant on the loop's clock, `peer` the caller's address and port
    (`127.0.0.1:51234`).
    """

    verb: Verb
    headers: dict[bytes, bytes]
    message: Buffer
    request_id: str
    deadline: float
    peer: str

    def for_handler(self, model: str, version: str) -> InferCall:
        """Return the call as an `InferHandler` takes it."""
        payload = Payload(GRPC_CODEC, self.message)
        return InferCall(
            self.verb, model, version, self.headers, payload, "grpc", self.request_id, self.deadline
        )


RpcMethod = Callable[[RpcCall], Awaitable[bytes]]
"""Answers the calls of one verb with a message; errors of `seldon_core.errors` become statuses."""

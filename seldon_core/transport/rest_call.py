"""A REST request other than infer, on its way to the method that answers it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from seldon_core.protocol.dialects import Target
from seldon_core.protocol.inference import Payload
from seldon_core.protocol.oip_json import CONTENT_TYPE, JSON_CODEC
from seldon_core.transport.exchange import HttpAnswer, HttpRequest, StreamedAnswer
from seldon_core.transport.handler import InferCall
from seldon_core.transport.request_id import REQUEST_ID

JSON_TYPE = (b"content-type", CONTENT_TYPE)


@dataclass(slots=True)
class RestCall:
    """One request. The body of `request` is decompressed.

    `deadline` is an instant on the clock of `InferCall.deadline`, `peer` the caller's address and
    port (`127.0.0.1:51234`).
    """

    target: Target
    request: HttpRequest
    request_id: str
    deadline: float
    peer: str

    def for_handler(self, payload: Payload | None = None) -> InferCall:
        """Return the call as an `InferHandler` takes it; without a payload the body is nothing."""
        return InferCall(
            self.target.verb,
            self.target.model,
            self.target.version,
            self.request.headers,
            payload or Payload(JSON_CODEC, b""),
            "rest",
            self.request_id,
            self.deadline,
        )

    def answer(self, body: bytes) -> HttpAnswer:
        """Return 200 with a JSON body."""
        return HttpAnswer(200, [JSON_TYPE, self.id_header], (body,))

    @property
    def id_header(self) -> tuple[bytes, bytes]:
        """The header that names the request on its answer."""
        return (REQUEST_ID, self.request_id.encode())


RestMethod = Callable[[RestCall], Awaitable[HttpAnswer | StreamedAnswer]]
"""Answers the calls of one verb; errors of `seldon_core.errors` become answers."""

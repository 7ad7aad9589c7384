"""The router's place in the chain of calls: find the route, choose, pass on, sign the answer."""

from collections.abc import Callable

from seldon_core.errors import NotReadyError
from seldon_core.protocol.inference import ModelMetadata
from seldon_core.router.table import RouteTable, Upstream
from seldon_core.transport.control import RouteUpdate
from seldon_core.transport.handler import InferCall, Reply


class RouterHandler:
    """Answers calls by passing them to a replica. It is an InferHandler and a RouteSink.

    `random` returns numbers in [0, 1).
    """

    def __init__(self, table: RouteTable, random: Callable[[], float]) -> None:
        self._table = table
        self._random = random

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update` from the next call on."""
        self._table.apply(update)

    async def infer(self, call: InferCall) -> Reply:
        """Run the call on the version and replica chosen for it; name them on the reply.

        Raises NotFoundError or NotReadyError if there is no route, and what the replica raises.
        """
        random = self._random
        headers = call.headers
        candidate = self._table.resolve(headers, call.model).candidate(headers, random)
        call.internal_model = candidate.internal_model
        upstream = candidate.upstream(random)
        upstream.in_flight += 1
        try:
            reply = await upstream.handler.infer(call)
        finally:
            upstream.in_flight -= 1
        reply.headers.append(candidate.hop)
        return reply

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the chosen version says of itself. Raises as `infer` does."""
        return await self._pick(call).handler.metadata(call)

    async def ready(self, call: InferCall) -> bool:
        """Return whether the model would answer; one that is loading or failed would not.

        Raises NotFoundError if it is unknown.
        """
        try:
            upstream = self._pick(call)
        except NotReadyError:
            return False
        return await upstream.handler.ready(call)

    def _pick(self, call: InferCall) -> Upstream:
        """What `infer` does in line, for the calls whose speed does not matter."""
        route = self._table.resolve(call.headers, call.model)
        candidate = route.candidate(call.headers, self._random)
        call.internal_model = candidate.internal_model
        return candidate.upstream(self._random)

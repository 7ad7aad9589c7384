"""The router's place in the chain of calls: find the route, choose, pass on, sign the answer."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from seldon_core.errors import (
    NotFoundError,
    NotReadyError,
    SeldonError,
    UnreachableError,
    UnsupportedError,
    UpstreamError,
)
from seldon_core.protocol.inference import ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.router.attempts import Attempts
from seldon_core.router.counts import joined
from seldon_core.router.streaming import Messages
from seldon_core.router.table import MODEL_HEADER, Candidate, RouteTable, Upstream
from seldon_core.router.waking import Waking
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteUpdate
from seldon_core.transport.handler import InferCall, InferHandler, RemoteHandler, Reply, StreamReply

T = TypeVar("T")

OpenRemote = Callable[[ReplicaId, ReplicaAddress], RemoteHandler]
"""Makes the handler of a replica in another process; connects when it is first called."""


class RouterHandler:
    """Answers calls by passing them to a replica. It is an InferHandler and a RouteSink.

    `random` returns numbers in [0, 1), `open_remote` the handlers of replicas that are published.
    `waking` is where calls wait for what is scaled to zero.
    """

    def __init__(
        self,
        table: RouteTable,
        random: Callable[[], float],
        open_remote: OpenRemote | None = None,
        waking: Waking | None = None,
    ) -> None:
        self._table = table
        self._random = random
        self._open_remote = open_remote
        self._waking = waking
        self._remotes: dict[ReplicaId, tuple[ReplicaAddress, RemoteHandler]] = {}

    def publish(self, update: RouteUpdate) -> None:
        """Route by `update` from the next call on."""
        self._table.apply(update)
        if self._waking is not None:
            self._waking.published(update)

    def publish_replica(self, replica: ReplicaId, address: ReplicaAddress | None) -> None:
        """Reach `replica` at `address` from the next call on; None: it is gone.

        Calls that it was given before may end. The same address again changes nothing.
        """
        known_address, known = self._remotes.get(replica, (None, None))
        if address == known_address or self._open_remote is None:
            return
        remote = None
        if address is None:
            del self._remotes[replica]
        else:
            remote = self._open_remote(replica, address)
            self._remotes[replica] = address, remote
        self._table.reach(replica, remote)
        if known is not None:
            known.leave()

    async def infer(self, call: InferCall) -> Reply:
        """Run the call on the version and replica chosen for it; name them on the reply.

        Raises NotFoundError or NotReadyError if there is no route, and what the replica raises.
        """
        random = self._random
        headers = call.headers
        route = self._table.resolve(headers, call.model)
        candidate = route.candidate(headers, random, call.internal_model)
        call.internal_model = candidate.internal_model
        upstream = candidate.upstream(random)
        upstream.in_flight += 1
        try:
            reply = await upstream.handler.infer(call)
        except (NotFoundError, UnreachableError) as error:
            # It may have been unloaded while the call waited for it to come into memory, or loaded
            # since it was scaled to zero: then its route led elsewhere before that. Nothing of the
            # call has run.
            if self._leads_to(call, candidate, upstream):
                attempts = self._attempts(call, candidate, upstream)
                reply = await self._elsewhere(
                    call, attempts, error, lambda handler: handler.infer(call)
                )
                reply.headers.append(attempts.candidate.hop)
                return reply
        else:
            reply.headers.append(candidate.hop)
            return reply
        finally:
            upstream.in_flight -= 1
        return await self.infer(call)

    async def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Have one version on one replica answer; its name is on the first reply.

        When its route leaves it, another goes on with the next message, and with those that still
        waited for the first one to come into memory; so it does with those that a replica had not
        taken when it stopped. Raises as `infer` does.
        """
        source = Messages(messages)
        is_first = True
        candidate, upstream = self._choose(call)
        attempts: Attempts | None = None
        while True:
            source.lead(partial(self._leads_to, call, candidate, upstream))
            is_silent = True
            try:
                async with aclosing(_answers(upstream, call, source)) as replies:
                    async for reply in replies:
                        if is_first:
                            reply.headers.append(candidate.hop)
                        is_first = is_silent = False
                        yield reply
                if not source.has_moved:
                    return
            except (NotFoundError, UnreachableError) as error:
                source.take_back()
                if not _may_go_on(error, source, is_silent=is_silent):
                    raise
                if not is_silent:
                    attempts = None  # it did well until then
                if self._leads_to(call, candidate, upstream):
                    attempts = attempts or self._attempts(call, candidate, upstream)
                    upstream = attempts.after(error)
                    candidate = attempts.candidate
                    call.internal_model = candidate.internal_model
                    continue
            candidate, upstream = self._choose(call)
            attempts = None

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the chosen version says of itself, under the name that was called.

        Not under the version's, which answers say: clients go on by it, as perf_analyzer does, and
        look for it among the statistics. Raises as `infer` does.
        """
        found = await self._ask(call, lambda handler: handler.metadata(call))
        header = call.headers.get(MODEL_HEADER)
        return replace(found, name=header.decode() if header else call.model)

    async def ready(self, call: InferCall) -> bool:
        """Return whether the model would answer; one that is loading or failed would not.

        Raises NotFoundError if it is unknown.
        """
        try:
            return await self._ask(call, lambda handler: handler.ready(call))
        except (NotReadyError, UnreachableError):
            return False

    async def config(self, call: InferCall) -> ModelConfig:
        """Return how the chosen version is served. Raises as `infer` does."""
        return await self._ask(call, lambda handler: handler.config(call))

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Return the counts of every version that the route leads to, or of all models.

        Those of several replicas are added up. Of a version that the call names it is these alone;
        one that is not there is no error, as it decides nothing in other calls. Raises as `infer`
        does, and UnsupportedError if none of its replicas tells, being of another kind.
        """
        if not call.model and not call.headers.get(MODEL_HEADER):
            call.internal_model = ""
            return joined(
                [one for each in self._table.replicas() for one in await _any_counts(each, call)]
            )
        route = self._table.resolve(call.headers, call.model)
        counts: list[ModelStatistics] = []
        refusal: SeldonError = NotFoundError("model", route.name)
        for candidate in route.candidates:
            call.internal_model = candidate.internal_model
            for upstream in candidate.upstreams:
                try:
                    counts += await _counts(upstream.handler, call)
                except UnsupportedError as error:
                    refusal = error
        if not counts:
            raise refusal
        found = joined(counts)
        return [one for one in found if one.version == call.version] or found

    async def _ask(self, call: InferCall, ask: Callable[[InferHandler], Awaitable[T]]) -> T:
        """Return what the version and replica chosen for a call answers to `ask`."""
        candidate, upstream = self._choose(call)
        try:
            return await ask(upstream.handler)
        except (NotFoundError, UnreachableError) as error:
            if self._leads_to(call, candidate, upstream):
                attempts = self._attempts(call, candidate, upstream)
                return await self._elsewhere(call, attempts, error, ask)
        return await self._ask(call, ask)

    async def _elsewhere(
        self,
        call: InferCall,
        attempts: Attempts,
        error: UnreachableError | NotFoundError,
        ask: Callable[[InferHandler], Awaitable[T]],
    ) -> T:
        """Ask other replicas after one could not be reached or does not have it."""
        while True:
            upstream = attempts.after(error)
            call.internal_model = attempts.candidate.internal_model
            upstream.in_flight += 1
            try:
                return await ask(upstream.handler)
            except (NotFoundError, UnreachableError) as another:
                error = another
            finally:
                upstream.in_flight -= 1

    def _attempts(self, call: InferCall, chosen: Candidate, upstream: Upstream) -> Attempts:
        """Return the attempts of a call whose first one failed, at what its route still has."""
        route = self._table.resolve(call.headers, call.model)
        model = chosen.internal_model.rpartition("_")[0]
        beside = [
            candidate
            for candidate in route.candidates
            if candidate.internal_model != chosen.internal_model
            and candidate.internal_model.rpartition("_")[0] == model
        ]
        return Attempts(chosen, upstream, beside)

    def _choose(self, call: InferCall) -> tuple[Candidate, Upstream]:
        """What `infer` does in line, for the calls whose speed does not matter."""
        route = self._table.resolve(call.headers, call.model)
        candidate = route.candidate(call.headers, self._random, call.internal_model)
        call.internal_model = candidate.internal_model
        return candidate, candidate.upstream(self._random)

    def _leads_to(self, call: InferCall, chosen: Candidate, upstream: Upstream) -> bool:
        """Return whether a call's route has what was chosen for it; a change replaces candidates.

        Raises as `infer` does.
        """
        name = chosen.internal_model
        return any(
            candidate.internal_model == name and upstream in candidate.upstreams
            for candidate in self._table.resolve(call.headers, call.model).candidates
        )


def _may_go_on(
    error: NotFoundError | UnreachableError, source: Messages, *, is_silent: bool
) -> bool:
    """Return whether another replica may answer the messages of a stream that has no answers yet.

    If any may have run, only before the first answer, as a call that is asked once more.
    """
    if isinstance(error, NotFoundError):
        return source.has_moved
    return is_silent or not error.was_sent


async def _answers(
    upstream: Upstream, call: InferCall, source: Messages
) -> AsyncGenerator[StreamReply, None]:
    """Yield a replica's answers to a stream, each once the message has it."""
    upstream.in_flight += 1
    try:
        async with aclosing(upstream.handler.stream(call, source)) as replies:
            async for reply in replies:
                if reply.is_final:
                    source.answered()
                yield reply
    finally:
        upstream.in_flight -= 1


async def _counts(handler: InferHandler, call: InferCall) -> Sequence[ModelStatistics]:
    """Return a replica's counts of one version, none if it is loading there, leaving or lost."""
    try:
        return await handler.statistics(call)
    except (NotFoundError, UpstreamError):
        return ()


async def _any_counts(handler: InferHandler, call: InferCall) -> Sequence[ModelStatistics]:
    """Return a replica's counts of all versions, none if it is of a kind that does not tell."""
    try:
        return await _counts(handler, call)
    except UnsupportedError:
        return ()

"""Answers inference calls on the models of one server replica: the agent's end of the data path.

`infer` is the hot path. For a model that is in memory and runs on the loop it makes no task, no
event and, for a lone request, no future.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from time import monotonic
from typing import cast

from seldon_core.agent.batching import Array
from seldon_core.agent.hosting import ModelHost
from seldon_core.agent.served import Served, config_of
from seldon_core.agent.slots import Residence
from seldon_core.agent.streaming import answered_in_order
from seldon_core.aio.clock import Clock
from seldon_core.errors import DeadlineError, ModelRuntimeError, NotFoundError, SeldonError
from seldon_core.observability.metrics import ModelSeries
from seldon_core.protocol.inference import InferResponse, ModelMetadata, Payload
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.protocol.status import GRPC_CODES, status_of
from seldon_core.transport.handler import InferCall, Reply, StreamReply

_log = logging.getLogger(__name__)

_SNAPSHOTS_A_TURN = 50  # of 20 µs each; then requests on the loop have their turn

_LEAVES_EARLY_S = 0.05  # a client leaves when its own clock says so, and that may be before ours

_SUCCESS = {"rest": "200", "grpc": "OK"}


class AgentHandler:
    """Implements `transport.handler.InferHandler` by `call.internal_model` (`iris_1`)."""

    def __init__(self, host: ModelHost, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._pool = host.pool
        self._served = host.served

    async def infer(self, call: InferCall) -> Reply:
        """Run the model on the call's payload, loading it first if it was evicted.

        Raises InvalidRequestError if the request does not fit the model, OverloadedError if there
        is no room for it or too many wait, DeadlineError if the call's time has passed already or
        the time that the model gives a call does, ModelRuntimeError with the model's message if it
        fails. Cancelled, it leaves its batch; it counts as failed if that is for its deadline.
        """
        began = monotonic()
        model = call.internal_model
        served = self._served.get(model)
        if served is None:
            raise NotFoundError("model", model)
        # One coroutine, not one in another: each step from the loop passes through every frame.
        slot = entry = None
        admitted = began
        ready = 0.0  # when it began to wait for a run, if it has to
        try:
            if call.deadline <= began:
                raise DeadlineError("the call's time had passed before it reached the model")
            slot = self._pool.try_admit(model)
            if slot is None:
                slot = await self._host.admit(model)
                admitted = monotonic()
            request = call.payload.decode()
            entry = served.check.entry(request)
            runner = served.runner
            outputs = runner.offer(entry)
            if outputs is None:
                ready = monotonic()
                outputs = await (
                    cast("Awaitable[list[Array]]", entry.waiter)
                    if served.timeout is None
                    else served.timeout.outputs(entry, began, runner.withdraw)
                )
            tensors = served.check.tensors(entry.outputs, outputs, request.outputs)
        except asyncio.CancelledError:
            if entry is not None:
                served.runner.withdraw(entry)
            self._count_late(call, served, began)
            raise
        except Exception as error:  # noqa: BLE001 - raised again, or logged and counted
            raise self._failure(error, call, served, monotonic() - began) from error.__cause__
        finally:
            if slot is not None:
                decisions = self._pool.release(slot)
                if decisions:
                    self._host.carry_out(decisions)
        now = monotonic()
        served.note(call.request_id, entry, began, admitted, ready, now)
        series = served.answered.get(call.protocol) or self._first_series(served, call.protocol)
        series.observe(now - began)
        return Reply(InferResponse(model, tensors, "1", request.id))

    def stream(
        self, call: InferCall, messages: AsyncIterator[Payload]
    ) -> AsyncGenerator[StreamReply, None]:
        """Answer each message as `infer` would, several at once, in their order."""
        return answered_in_order(self.infer, call, messages)

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the model says of itself, in memory or not. Raises NotFoundError.

        Its version is the number that the repository's index and the statistics have.
        """
        served = self._served.get(call.internal_model)
        if served is None:
            raise NotFoundError("model", call.internal_model)
        signature, versions = served.signature, (str(served.version.version),)
        return ModelMetadata(
            call.internal_model, signature.platform, signature.inputs, signature.outputs, versions
        )

    async def config(self, call: InferCall) -> ModelConfig:
        """Return how the model is served, under the name that clients know it by.

        Raises NotFoundError.
        """
        served = self._served.get(call.internal_model)
        if served is None:
            raise NotFoundError("model", call.internal_model)
        return config_of(served)

    async def statistics(self, call: InferCall) -> Sequence[ModelStatistics]:
        """Return the counts of the model, or of every one that is served if none is named.

        They are under the name that clients know it by, with the number of its version. Raises
        NotFoundError.
        """
        model = call.internal_model
        if model and model not in self._served:
            raise NotFoundError("model", model)
        models = [self._served[model]] if model else list(self._served.values())
        wall_of = self._clock.wall() - monotonic()
        counts: list[ModelStatistics] = []
        for served in models:
            if len(counts) % _SNAPSHOTS_A_TURN == _SNAPSHOTS_A_TURN - 1:
                await asyncio.sleep(0)
            counts.append(self._statistics(served, wall_of))
        return counts

    def _statistics(self, served: Served, wall_of: float) -> ModelStatistics:
        version = served.version
        slot = self._pool.slots.get(version.internal_name)  # None if it has just gone
        held = 0 if slot is None or slot.residence is Residence.ABSENT else slot.nbytes
        counts, has_rows = served.counts, served.signature.batchable
        return counts.snapshot(version.spec.name, str(version.version), held, wall_of, has_rows)

    async def ready(self, call: InferCall) -> bool:
        """Return True: what is served can be called, an evicted model too. Raises NotFoundError."""
        if call.internal_model not in self._served:
            raise NotFoundError("model", call.internal_model)
        return True

    def _failure(
        self, error: Exception, call: InferCall, served: Served, seconds: float
    ) -> SeldonError:
        """Count a failed call; return the error for its caller. One of ours it keeps as it is."""
        if not isinstance(error, SeldonError):
            _log.error("internal error model=%s", call.internal_model, exc_info=error)
            self._host.count_fault()
            error = ModelRuntimeError(f"internal error in model {call.internal_model}")
        elif isinstance(error, ModelRuntimeError):
            # Its caller gets one line; who wrote the model asks where it was raised.
            _log.debug(
                "model failed model=%s reason=%r",
                call.internal_model,
                str(error),
                exc_info=error.__cause__,
            )
        self._count(error, call, served, seconds)
        return error

    def _count_late(self, call: InferCall, served: Served, began: float) -> None:
        """Count a cancelled call as failed if its time is over: its caller did not just leave."""
        now = monotonic()
        if call.deadline <= now + _LEAVES_EARLY_S:
            self._count(DeadlineError(), call, served, now - began)

    def _count(self, error: SeldonError, call: InferCall, served: Served, seconds: float) -> None:
        """Count a call as failed by `error`."""
        self._series(served, call.protocol, _code(call.protocol, error)).observe(seconds)
        served.counts.fail(seconds)

    def _first_series(self, served: Served, protocol: str) -> ModelSeries:
        """Return where successful calls are counted, and note it."""
        series = served.answered[protocol] = self._series(served, protocol, _SUCCESS[protocol])
        return series

    def _series(self, served: Served, protocol: str, code: str) -> ModelSeries:
        version = served.version
        return self._host.metrics.model_series(
            version.spec.name, version.internal_name, protocol, code
        )


def _code(protocol: str, error: SeldonError) -> str:
    status = status_of(error)
    return str(status.http) if protocol == "rest" else GRPC_CODES[status.grpc]

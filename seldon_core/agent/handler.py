"""Answers inference calls on the models of one server replica: the agent's end of the data path.

`infer` is the hot path. For a model that is in memory and runs on the loop it makes no task, no
event and, for a lone request, no future.
"""

import asyncio
import logging
from time import monotonic

from seldon_core.agent.batching import Array
from seldon_core.agent.hosting import ModelHost, Served
from seldon_core.errors import DeadlineError, ModelRuntimeError, NotFoundError, SeldonError
from seldon_core.protocol.inference import InferRequest, InferResponse, ModelMetadata
from seldon_core.protocol.status import GRPC_CODES, status_of
from seldon_core.transport.handler import InferCall, Reply

_log = logging.getLogger(__name__)

_SUCCESS = {"rest": "200", "grpc": "OK"}


class AgentHandler:
    """Implements `transport.handler.InferHandler` by `call.internal_model` (`iris_1`)."""

    def __init__(self, host: ModelHost) -> None:
        self._host = host
        self._pool = host.pool
        self._served = host.served

    async def infer(self, call: InferCall) -> Reply:
        """Run the model on the call's payload, loading it first if it was evicted.

        Raises InvalidRequestError if the request does not fit the model, OverloadedError if there
        is no room for it or too many wait, DeadlineError if the call's time has passed already,
        ModelRuntimeError with the model's message if it fails. Cancelled, it leaves its batch.
        """
        began = monotonic()
        served = self._served.get(call.internal_model)
        if served is None:
            raise NotFoundError("model", call.internal_model)
        try:
            response = await self._infer(call, served, began)
        except SeldonError as error:
            self._count(served, call.protocol, _code(call.protocol, error), monotonic() - began)
            raise
        except Exception as error:
            _log.exception("internal error model=%s", call.internal_model)
            self._host.count_fault()
            failure = ModelRuntimeError(f"internal error in model {call.internal_model}")
            self._count(served, call.protocol, _code(call.protocol, failure), monotonic() - began)
            raise failure from error
        self._count(served, call.protocol, _SUCCESS[call.protocol], monotonic() - began)
        return Reply(response)

    async def metadata(self, call: InferCall) -> ModelMetadata:
        """Return what the model says of itself, in memory or not. Raises NotFoundError."""
        served = self._served.get(call.internal_model)
        if served is None:
            raise NotFoundError("model", call.internal_model)
        signature = served.signature
        return ModelMetadata(
            call.internal_model, signature.platform, signature.inputs, signature.outputs, ("1",)
        )

    async def ready(self, call: InferCall) -> bool:
        """Return True: what is served can be called, an evicted model too. Raises NotFoundError."""
        if call.internal_model not in self._served:
            raise NotFoundError("model", call.internal_model)
        return True

    async def _infer(self, call: InferCall, served: Served, now: float) -> InferResponse:
        if call.deadline <= now:
            raise DeadlineError("the call's time had passed before it reached the model")
        slot = self._pool.try_admit(call.internal_model)
        if slot is None:
            slot = await self._host.admit(call.internal_model)
        try:
            request = call.payload.decode()
            entry = served.check.entry(request)
            runner = served.runner
            outputs = runner.offer(entry)
            if outputs is None:
                waiter: asyncio.Future[list[Array]] = entry.waiter  # type: ignore[assignment]
                try:
                    outputs = await waiter
                except asyncio.CancelledError:
                    runner.withdraw(entry)
                    raise
        finally:
            self._host.release(slot)
        return _response(call.internal_model, request, served, entry.outputs, outputs)

    def _count(self, served: Served, protocol: str, code: str, seconds: float) -> None:
        series = served.series.get((protocol, code))
        if series is None:
            version = served.version
            series = self._host.metrics.model_series(
                version.spec.name, version.internal_name, protocol, code
            )
            served.series[protocol, code] = series
        series.observe(seconds)


def _response(
    model: str, request: InferRequest, served: Served, names: tuple[str, ...], outputs: list[Array]
) -> InferResponse:
    return InferResponse(model, served.check.tensors(names, outputs), "1", request.id)


def _code(protocol: str, error: SeldonError) -> str:
    status = status_of(error)
    return str(status.http) if protocol == "rest" else GRPC_CODES[status.grpc]

"""What model gateways of Seldon's ask of the scheduler, and what is told of them in statuses."""

from collections.abc import AsyncGenerator
from typing import Final

from seldon_core.errors import InvalidRequestError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol import status as codes
from seldon_core.scheduler.acknowledgements import Operation
from seldon_core.scheduler.model_gateways import GatewayOrder, ModelGateways
from seldon_core.scheduler.service import Scheduler
from seldon_core.scheduler.status import ModelStatus
from seldon_core.scheduler.status_messages import model_message
from seldon_core.transport.conversations import CallStatusError

_OPERATIONS: Final = {
    pb.ModelUpdateMessage.Create: Operation.CREATE,
    pb.ModelUpdateMessage.Delete: Operation.DELETE,
}
_NUMBERS: Final = {
    Operation.CREATE: pb.ModelStatusResponse.ModelCreate,
    Operation.DELETE: pb.ModelStatusResponse.ModelDelete,
}


class ModelGatewayApi:
    """Handlers of the gateways' calls."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._gateways = ModelGateways(scheduler.mark_model)

    async def follow(self, member: str) -> AsyncGenerator[pb.ModelStatusResponse, None]:
        """Yield what the gateway `member` is to take in and to let go, from now on.

        Raises InvalidRequestError without a name. It ends when another one subscribes by that name.
        """
        if not member:
            raise InvalidRequestError(
                "a model gateway subscribes by a name of its own: subscriberName is empty"
            )
        await self._scheduler.complete()
        with self._scheduler.watch_models() as watch:
            self._gateways.join(member, watch)
            try:
                for name in self._scheduler.model_names():
                    watch.mark(name)
                async for name in watch:
                    await self._scheduler.carried_out()
                    if not self._gateways.is_member(member, watch):
                        return
                    message = self._order_of(member, name)
                    if message is not None:
                        yield message
            finally:
                self._gateways.leave(member, watch)

    async def take_event(
        self, request: pb.ModelUpdateStatusMessage, _: str
    ) -> pb.ModelUpdateStatusResponse:
        """Take in what a gateway says of an order; one that was overtaken is no error.

        UNKNOWN, as in Seldon's, if there is no such version.
        """
        update = request.update
        await self._scheduler.carried_out()
        status = self._scheduler.model(update.model)
        versions = status.versions if status is not None else ()
        if all(version.version.version != update.version for version in versions):
            text = f"there is no version {update.version} of model {update.model!r}"
            raise CallStatusError(codes.UNKNOWN, text)
        operation = _OPERATIONS.get(update.op)
        if operation is None:
            raise InvalidRequestError(
                f"op {update.op} of an acknowledgement is neither Create (1) nor Delete (2)"
            )
        self._gateways.acknowledge(
            update.stream, update.model, operation, update.timestamp, is_done=request.success
        )
        return pb.ModelUpdateStatusResponse()

    def message(self, status: ModelStatus, *, all_versions: bool = False) -> pb.ModelStatusResponse:
        """Return a model's status with what became of it at the gateways."""
        message = model_message(status, all_versions=all_versions)
        latest = status.latest.version.version
        for version in message.versions:
            state, reason = self._gateways.state_of(
                status.name,
                version.version,
                is_latest=version.version == latest,
                is_deleted=status.is_deleted,
            )
            told = pb.ModelStatus(modelGwState=state.value, modelGwReason=reason)
            version.state.MergeFrom(told)
        return message

    def _order_of(self, member: str, name: str) -> pb.ModelStatusResponse | None:
        status = self._scheduler.model(name)
        if status is None:
            self._gateways.forget(name)
            return None
        number = status.latest.version.version
        order = self._gateways.order(member, name, number, is_deleted=status.is_deleted)
        return None if order is None else _order_message(self.message(status), order)


def _order_message(message: pb.ModelStatusResponse, order: GatewayOrder) -> pb.ModelStatusResponse:
    message.operation = _NUMBERS[order.operation]
    message.timestamp = order.timestamp
    message.keepTopics = order.keep_topics
    return message

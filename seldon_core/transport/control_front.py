"""The front of a control port: calls the handlers of its services, and says what errors mean."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message

from seldon_core.errors import (
    InvalidRequestError,
    InvalidResourceError,
    NotFoundError,
    NotReadyError,
    SeldonError,
)
from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.control_services import (
    ControlService,
    GatherMethod,
    StreamMethod,
    UnaryMethod,
)
from seldon_core.transport.conversations import (
    CallStatusError,
    Conversation,
    TalkRules,
    not_served,
    only,
)
from seldon_core.transport.grpc_frames import RefusedCallError
from seldon_core.transport.rpc import RpcAnswer

_log = logging.getLogger(__name__)

T = TypeVar("T", bound=Message)

# What the data port calls these is in `status.STATUSES`. Seldon's scheduler answers so whatever the
# resource's fault; its clients do not retry it.
_FAILED_PRECONDITION: Final = (InvalidResourceError, NotFoundError, NotReadyError)

_Parts = AsyncGenerator[Sequence[Buffer], None]


class ControlFront:
    """Answers the calls of `services`, and by `talks` those of what is no service of ours.

    `talks` is by path. A subscriber that takes longer than `write_timeout_s` to take in one message
    is dropped.
    """

    def __init__(
        self,
        services: Sequence[ControlService],
        talks: Mapping[bytes, Conversation],
        write_timeout_s: float,
    ) -> None:
        self.rules = TalkRules(write_timeout_s, opens_at_once=True, ends_at_once=True)
        self._peer = ""
        self._unary: dict[bytes, tuple[str, UnaryMethod]] = {}
        self._talks = dict(talks)
        for service in services:
            for method in service.methods:
                name = f"{service.name}/{method.name}"
                path = f"/{name}".encode()
                if isinstance(method, UnaryMethod):
                    self._unary[path] = name, method
                elif isinstance(method, GatherMethod):
                    self._talks[path] = _gathering(name, method)
                else:
                    self._talks[path] = _talk(name, method)

    def for_peer(self, peer: str) -> "ControlFront":
        """Return what answers the calls of `peer`."""
        front = copy(self)
        front._peer = peer  # noqa: SLF001 - of this very class
        return front

    def conversation(self, path: bytes) -> Conversation | None:
        """Return the method at `path`, None if it is unary.

        What is not served is refused by a conversation, which needs no message for that.
        """
        if path in self._unary:
            return None
        return self._talks.get(path) or not_served(path)

    async def answer(
        self, path: bytes, headers: dict[bytes, bytes], message: Buffer, deadline: float
    ) -> RpcAnswer:
        """Answer a call; raises nothing but a cancellation by who asked for it."""
        name, method = self._unary[path]
        try:
            request = _parse(method.request, bytes(message))
            response = await method.handler(request, self._peer)
            return RpcAnswer(status.OK, parts=[response.SerializeToString()])
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the caller has left
            return RpcAnswer(status.UNAVAILABLE, "the process is stopping")
        except Exception as error:  # noqa: BLE001 - it is answered, and logged if it is a bug
            refusal = _refusal(name, self._peer, error)
            return RpcAnswer(refusal.code, refusal.message)


def _talk(name: str, method: StreamMethod) -> Conversation:
    async def converse(
        headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
    ) -> _Parts:
        try:
            request = _parse(method.request, await only(messages))
            async with aclosing(method.handler(request, peer)) as answers:
                async for answer in answers:
                    yield [answer.SerializeToString()]
        except Exception as error:
            raise _refusal(name, peer, error) from error

    return converse


def _gathering(name: str, method: GatherMethod) -> Conversation:
    async def requests(messages: AsyncIterator[bytes]) -> AsyncGenerator[Message, None]:
        async for message in messages:
            yield _parse(method.request, message)

    async def converse(
        headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
    ) -> _Parts:
        try:
            async with aclosing(requests(messages)) as given:
                answer = await method.handler(given, peer)
        except Exception as error:
            raise _refusal(name, peer, error) from error
        yield [answer.SerializeToString()]

    return converse


def _parse(kind: type[T], request: bytes) -> T:
    try:
        return kind.FromString(request)
    except DecodeError as error:
        raise InvalidRequestError(f"the request is no {kind.DESCRIPTOR.full_name}") from error


def _refusal(name: str, peer: str, error: Exception) -> RefusedCallError:
    """Return what `error` means to its caller; a bug is logged, and not told."""
    if isinstance(error, RefusedCallError):
        return error
    if not isinstance(error, SeldonError):
        _log.error("call failed method=%s peer=%s", name, peer, exc_info=error)
        return CallStatusError(status.INTERNAL, "internal error")
    if isinstance(error, _FAILED_PRECONDITION):
        return CallStatusError(status.FAILED_PRECONDITION, str(error))
    return CallStatusError(status.status_of(error).grpc, str(error))

"""Services that only some may call of those whom a port lets in: by the subjects they show."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from time import monotonic
from typing import Any

from google.protobuf.message import Message

from seldon_core.errors import ForbiddenError
from seldon_core.transport.control_services import (
    ControlService,
    GatherMethod,
    StreamMethod,
    UnaryMethod,
)
from seldon_core.transport.rare_log import RareLog

_log = logging.getLogger(__name__)

_Answer = Callable[[Any, str], Awaitable[Message]]
_Answers = Callable[[Any, str], AsyncGenerator[Message, None]]


def only_for(
    subjects: Collection[str], setting: str, services: Sequence[ControlService]
) -> Sequence[ControlService]:
    """Return `services`, whose methods refuse whoever is none of `subjects`; none means all.

    A caller is called by its certificate's subject; `setting` is where the subjects are listed.
    """
    if not subjects:
        return services
    check = _checking(frozenset(subjects), setting)
    return [
        replace(service, methods=[_guarded(method, check) for method in service.methods])
        for service in services
    ]


def _checking(subjects: Collection[str], setting: str) -> Callable[[str], None]:
    refusals = RareLog()

    def check(peer: str) -> None:
        if peer not in subjects:
            if (others := refusals.due(monotonic())) is not None:
                _log.warning(
                    "refused who is not listed peer=%s setting=%s others=%d", peer, setting, others
                )
            raise ForbiddenError(f"{peer!r} is none of those who may call this: {setting}")

    return check


def _guarded(
    method: UnaryMethod | StreamMethod | GatherMethod, check: Callable[[str], None]
) -> UnaryMethod | StreamMethod | GatherMethod:
    if isinstance(method, StreamMethod):
        return replace(method, handler=_guarded_stream(method.handler, check))
    return replace(method, handler=_guarded_call(method.handler, check))


def _guarded_call(answer: _Answer, check: Callable[[str], None]) -> _Answer:
    async def guarded(request: Message | AsyncIterator[Message], peer: str) -> Message:
        check(peer)
        return await answer(request, peer)

    return guarded


def _guarded_stream(answers: _Answers, check: Callable[[str], None]) -> _Answers:
    async def guarded(request: Message, peer: str) -> AsyncGenerator[Message, None]:
        check(peer)
        async with aclosing(answers(request, peer)) as given:
            async for answer in given:
                yield answer

    return guarded

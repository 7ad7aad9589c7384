"""HTTP answers that are sent as they are made, whatever the HTTP version.

One request's answer is made and sent in one task: the one that `HttpFront.answer` ran in, which the
answer's generator goes on in. So it may have begun in there.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from typing import Protocol

from seldon_core.protocol.inference import Buffer
from seldon_core.transport.exchange import StreamedAnswer
from seldon_core.transport.request_id import request_id_of
from seldon_core.transport.shared import Shared

_logger = logging.getLogger(__name__)


class Way(Protocol):
    """The way of one answer to its client."""

    @property
    def is_over(self) -> bool:
        """Whether nothing can be sent any more: the client has gone, or the answer was ended."""

    async def open(self) -> bool:
        """Send the head once it is this answer's turn; return whether a body is wanted."""

    async def send(self, piece: Buffer) -> None:
        """Send one piece, which is not empty; return when the next one may be made."""

    def finish(self) -> None:
        """Say that the answer is whole."""

    def cut(self) -> None:
        """End the answer so that the client sees that it is not whole; harmless if it is over."""


async def pump(
    answer: StreamedAnswer, way: Way, headers: Mapping[bytes, bytes], shared: Shared
) -> None:
    """Send the answer to a request with these `headers`; afterwards its generator is closed.

    Cancelled by who knows that the client has gone, or that the answer takes too long.
    """
    try:
        async with aclosing(answer.pieces) as pieces:
            if asyncio.current_task(shared.loop) is None:
                await asyncio.sleep(0)  # which gives the request a task (`aio/start.py`)
            if not way.is_over and await way.open():
                async for piece in pieces:
                    if len(piece):
                        await way.send(piece)
    except asyncio.CancelledError:
        if way.is_over:
            raise
        # Not our doing: what the answer waited for was cancelled. The client sees it.
        _cut(answer, way, headers, shared, "was cancelled by others")
    except Exception:  # noqa: BLE001 - whatever the bug is, it is logged and the client sees it
        _cut(answer, way, headers, shared, "failed by a bug")
    else:
        way.finish()


def _cut(
    answer: StreamedAnswer, way: Way, headers: Mapping[bytes, bytes], shared: Shared, how: str
) -> None:
    shared.counters.internal_errors += 1
    request_id = request_id_of({**headers, **dict(answer.headers)})
    _logger.exception("an answer under way %s request_id=%s", how, request_id)
    way.cut()

"""Streaming gRPC calls, as those see them who answer them.

A conversation is a call with any number of messages in both directions. The handler of one is an
async generator: it takes what the caller says from `messages` and yields what is answered. Nothing
is asked of it while the caller has not taken the message before, and it is closed (or, where it
waits, cancelled) as soon as the caller leaves, the deadline passes or the port closes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from seldon_core.protocol import status
from seldon_core.protocol.inference import Buffer
from seldon_core.transport.grpc_frames import RefusedCallError

_HALF_CLOSE_S: Final = 0.25  # for it to follow the one message; nearly always it comes with it


class InitialMetadata(list[tuple[bytes, bytes]]):
    """Headers to be said before the first message, if they are yielded before it; else nothing."""


Conversation = Callable[
    [dict[bytes, bytes], AsyncIterator[bytes], str, float],
    AsyncGenerator[Sequence[Buffer] | InitialMetadata, None],
]
"""`(headers, messages, peer, deadline)` -> the answers.

`headers` is the call's metadata, its own to change, with the id that the trailers name the call by
as `x-request-id`; `messages` are the caller's, decompressed, and end when the caller has no more to
say; iterating raises CallStatusError if they are no messages. `peer` is who calls
(`127.0.0.1:51234`), `deadline` an instant on the loop's clock, infinite if the caller gave none.
Parts that are yielded are joined to one message. A handler that returns ends the call well; a
CallStatusError ends it with its code, an error of ours as `status_of` has it, and anything else is
a bug, logged and answered INTERNAL. The handler runs in a task of its own.
"""


class CallStatusError(RefusedCallError):
    """Ends a conversation with gRPC's code `code` and the text `message`, plain and not escaped."""


@dataclass(frozen=True, slots=True)
class TalkRules:
    """What conversations are given on a port.

    - `write_timeout_s`: a caller that takes nothing of a message for so long is dropped: told
      DEADLINE_EXCEEDED, or, where calls end at once, as if there were no more to say.
    - `opens_at_once`: the answer's headers are said before there is a message, so that subscribers
      know that they are heard; there can be no initial metadata then.
    - `ends_at_once`: a port that drains ends its conversations, as if there were no more to say.
      Else they hear the end of their messages, and answer the ones they have.
    """

    write_timeout_s: float = 60.0
    opens_at_once: bool = False
    ends_at_once: bool = False


def not_served(path: bytes) -> Conversation:
    """Return what refuses calls of a method that there is not; it waits for no message."""

    async def refuse(
        headers: dict[bytes, bytes], messages: AsyncIterator[bytes], peer: str, deadline: float
    ) -> AsyncGenerator[Sequence[Buffer], None]:
        shown = path[:256].decode("latin-1")
        why = ": shared memory is not offered" if b"SharedMemory" in path else ""
        raise CallStatusError(status.UNIMPLEMENTED, f"{shown} is not served here{why}")
        yield []  # type: ignore[unreachable]  # it makes this a generator

    return refuse


async def only(messages: AsyncIterator[bytes]) -> bytes:
    """Return the one message of a call that may have no more.

    A caller that does not say that it was the only one is believed after a quarter of a second.
    Raises CallStatusError, UNIMPLEMENTED as gRPC's list of codes asks, if there are none or
    several.
    """
    async for message in messages:
        with suppress(TimeoutError):
            async with asyncio.timeout(_HALF_CLOSE_S):
                async for _ in messages:
                    raise _not_one("several")
        return message
    raise _not_one("none")


def _not_one(found: str) -> CallStatusError:
    return CallStatusError(
        status.UNIMPLEMENTED, f"this call needs one message; the client sent {found}"
    )

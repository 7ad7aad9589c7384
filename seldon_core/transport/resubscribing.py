"""A subscription for ever: one stream after the other, with pauses between those that fail."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from seldon_core.aio.backoff import Backoff
from seldon_core.errors import RelayedError, SeldonError
from seldon_core.protocol.status import UNIMPLEMENTED

_log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 15.0
"""What Seldon's agents do."""


async def resubscribe(once: Callable[[], Awaitable[None]], what: str, backoff: Backoff) -> None:
    """Do `once` again and again, which is one stream from its beginning to its end.

    It resets `backoff` when the other side has taken the subscription. `what` is what the log calls
    it. Only errors that are none of ours come out.
    """
    said = ""
    while True:
        try:
            await once()
            why, level = "the other side has ended it", logging.INFO
        except RelayedError as error:
            why, level = f"it was refused: {error}{_hint(error)}", logging.WARNING
        except SeldonError as error:
            why, level = str(error), logging.WARNING
        if backoff.is_reset:  # it was subscribed: what comes now is news
            said = ""
        pause_s = backoff.pause_s()
        # Once for each reason: an hour without a scheduler is not 240 lines.
        _log.log(
            logging.DEBUG if why == said else level,
            "not subscribed to %s, trying again in_s=%.1f reason=%r",
            what,
            pause_s,
            why,
        )
        said = why
        await asyncio.sleep(pause_s)


def _hint(error: RelayedError) -> str:
    """Say what may be wrong where somebody answers who is no scheduler, or another port of it."""
    if error.grpc != UNIMPLEMENTED:
        return ""
    return "; is this the scheduler's port for agents and routers (agent.port)?"

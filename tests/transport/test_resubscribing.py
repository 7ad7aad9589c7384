"""One stream after the other, for ever."""

import asyncio
import logging

import pytest

from seldon_core.aio.backoff import Backoff
from seldon_core.errors import RelayedError, UpstreamError
from seldon_core.transport.resubscribing import resubscribe


def subscribed(*ends):
    """Have streams end so, one after the other; what is after the last one comes out."""
    left = [*ends, KeyError("a bug")]

    async def once():
        end = left.pop(0)
        if end is not None:
            raise end

    async def test():
        async with asyncio.timeout(5):
            await resubscribe(once, "the news", Backoff(0.001, 0.002, lambda: 0.5))

    with pytest.raises(KeyError, match="a bug"):
        asyncio.run(test())


def test_a_stream_follows_the_other_and_each_reason_is_said_once(caplog):
    with caplog.at_level(logging.INFO):
        subscribed(
            None,
            UpstreamError("the wire was cut"),
            UpstreamError("the wire was cut"),
            RelayedError("speak up", 503, 9),
            UpstreamError("the wire was cut"),
        )
    assert [(record.levelname, record.args[2]) for record in caplog.records] == [
        ("INFO", "the other side has ended it"),
        ("WARNING", "the wire was cut"),
        ("WARNING", "it was refused: speak up"),
        ("WARNING", "the wire was cut"),
    ]
    assert caplog.records[0].getMessage() == (
        "not subscribed to the news, trying again in_s=0.0 reason='the other side has ended it'"
    )

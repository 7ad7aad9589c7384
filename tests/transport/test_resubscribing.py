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


def test_what_ends_a_stream_that_had_begun_is_news_whatever_ended_the_one_before(caplog):
    backoff = Backoff(0.001, 0.002, lambda: 0.5)
    left = [True, False, True, KeyError("a bug")]

    async def once():
        is_taken = left.pop(0)
        if isinstance(is_taken, KeyError):
            raise is_taken
        if is_taken:
            backoff.reset()
        raise UpstreamError("the wire was cut")

    async def test():
        async with asyncio.timeout(5):
            await resubscribe(once, "the news", backoff)

    with caplog.at_level(logging.INFO), pytest.raises(KeyError, match="a bug"):
        asyncio.run(test())
    assert len(caplog.records) == 2


def test_who_is_no_scheduler_is_said_to_be_perhaps_another_port(caplog):
    subscribed(RelayedError("it is not served here", 503, 12))
    (record,) = caplog.records
    assert record.args[2] == (
        "it was refused: it is not served here; is this the scheduler's port for agents and "
        "routers (agent.port)?"
    )

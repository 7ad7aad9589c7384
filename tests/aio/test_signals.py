import asyncio
import os
import signal

import pytest

from seldon_core.aio import signals
from seldon_core.aio.signals import stop_on_signals


def test_a_second_signal_ends_the_process_at_once(monkeypatch):
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(signals, "_SAME_WISH_S", -1.0)

    async def scenario():
        stop = stop_on_signals()
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        assert codes == []
        os.kill(os.getpid(), signal.SIGINT)
        while not codes:
            await asyncio.sleep(0)

    asyncio.run(scenario())
    assert codes == [128 + signal.SIGINT]


@pytest.mark.parametrize("ignored", [False, True], ids=["terminal", "nohup"])
def test_a_closed_terminal_ends_the_process_unless_it_is_to_survive_that(ignored):
    async def scenario():
        stop = stop_on_signals()
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(5):
            await asyncio.sleep(0)
        return stop.is_set()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        assert asyncio.run(scenario()) is not ignored
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_is_sent_twice_at_once_counts_once(monkeypatch):
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(signals, "_SAME_WISH_S", 60.0)

    async def scenario():
        stop = stop_on_signals()
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(5):  # the first is taken before the second is sent
                await asyncio.sleep(0)
            assert stop.is_set()

    asyncio.run(scenario())
    assert codes == []

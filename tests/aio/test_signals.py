import asyncio
import os
import pty
import signal
import sys

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


@pytest.mark.parametrize(
    ("ignored", "terminals", "stops"),
    [
        (False, [True, False], True),
        (False, [True, True], False),
        (False, [False], False),
        (True, [True, False], False),
    ],
    ids=["its terminal is closed", "its terminal is there", "it never had one", "nohup"],
)
def test_a_closed_terminal_ends_the_process_and_else_sighup_reloads(
    monkeypatch, ignored, terminals, stops
):
    reloads = []
    left = iter(terminals)
    monkeypatch.setattr(signals, "has_terminal", lambda: next(left))

    async def scenario():
        stop = stop_on_signals(lambda: reloads.append(1))
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(5):
            await asyncio.sleep(0)
        return stop.is_set()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        assert asyncio.run(scenario()) is stops
        assert reloads == ([] if stops else [1])
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_process_that_stops_or_cannot_reload_ignores_sighup(monkeypatch):
    reloads = []
    monkeypatch.setattr(signals, "has_terminal", lambda: False)

    async def scenario():
        stop_on_signals()
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)
        stop = stop_on_signals(lambda: reloads.append(1))
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert reloads == []


def test_a_terminal_is_there_until_it_is_closed():
    """In a session of its own, whose terminal is a pair that this process has the other end of."""
    program = """
import os, signal, sys
from seldon_core.aio.signals import has_terminal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
out = int(sys.argv[1])
os.write(out, b"yes" if has_terminal() else b"no")
while os.isatty(0):
    try:
        if not os.read(0, 1):
            break
    except OSError:
        break
os.write(out, b" yes" if has_terminal() else b" no")
"""
    reading, writing = os.pipe()
    pid, master = pty.fork()
    if pid == 0:
        os.set_inheritable(writing, True)
        os.execv(sys.executable, [sys.executable, "-c", program, str(writing)])
    os.close(writing)
    said = os.read(reading, 10)
    os.close(master)
    while more := os.read(reading, 10):
        said += more
    os.close(reading)
    os.waitpid(pid, 0)
    assert said == b"yes no"


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

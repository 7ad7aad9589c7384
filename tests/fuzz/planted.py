"""Targets with faults, to see that they are found."""

import os
import signal
import time

from tests.fuzz.target import Target

_SEEDS = (b"abcd", b"efgh")


def _raises(data: bytes) -> None:
    if data[:1] == b"a" and len(data) % 5 == 0:
        raise ZeroDivisionError


def _takes_time(data: bytes) -> None:
    until = time.process_time() + 0.2
    while data[:1] == b"e" and time.process_time() < until:
        pass


def _takes_memory(data: bytes) -> None:
    if data[:1] == b"e":
        bytes(b"x" * (128 << 20))


def _dies(data: bytes) -> None:
    if data[:1] == b"e":
        os.kill(os.getpid(), signal.SIGSEGV)


def _hangs(data: bytes) -> None:
    if data[:1] == b"e":
        time.sleep(60)


def _fine(data: bytes) -> None:
    """Take anything."""


TARGETS = (
    Target("raises", _raises, _SEEDS),
    Target("takes time", _takes_time, _SEEDS, cpu_s=0.1),
    Target("takes memory", _takes_memory, _SEEDS, peak_bytes=32 << 20),
    Target("dies", _dies, _SEEDS),
    Target("hangs", _hangs, _SEEDS),
    Target("fine", _fine, _SEEDS),
)

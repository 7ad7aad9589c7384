"""Asks again and again until the answer is as wanted: quickly at first, then calmly."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0

T = TypeVar("T")


def wait_until(
    look: Callable[[], T],
    is_met: Callable[[T], bool],
    timeout_s: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> tuple[T, bool]:
    """Return what was seen last, and whether it is as wanted; it is looked at once at least.

    The pauses between two looks double from 50 ms to a second, and the last look is at the end of
    `timeout_s`.
    """
    end = now() + timeout_s
    pause = FIRST_PAUSE_S
    while True:
        seen = look()
        if is_met(seen):
            return seen, True
        left = end - now()
        if left <= 0:
            return seen, False
        sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE_S)

"""Long answers, made in steps between which others have their turn on the loop."""

from asyncio import sleep
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

_Row = TypeVar("_Row")

STATISTICS_A_TURN: Final = 50
"""Models whose statistics are written at once: each takes 15 µs as JSON, 35 as a message."""

INDEX_A_TURN: Final = 500
"""Models of the index that are written at once: each takes 1 µs as JSON, 3 as a message."""


async def in_turns(
    rows: Sequence[_Row], encode: Callable[[Sequence[_Row]], bytes], size: int
) -> list[bytes]:
    """Return what `encode` makes of the rows, `size` of them in each turn of the loop."""
    parts = []
    for start in range(0, len(rows), size):
        if start:
            await sleep(0)
        parts.append(encode(rows[start : start + size]))
    return parts

"""Log lines about what attackers cause as often as they like: one a second, and how many were not.

Each kind has a `RareLog` of its own, so that a flood of one does not hide another.
"""

import math
from dataclasses import dataclass
from typing import Final

_LOG_EVERY_S: Final = 1.0


@dataclass(slots=True)
class RareLog:
    """When something was last logged, and how many since then were not."""

    logged_at: float = -math.inf
    unlogged: int = 0

    def due(self, now: float) -> int | None:
        """Return how many were not logged if this one is to be, else None; call once for each.

        `now` is in monotonic seconds. One a second is logged.
        """
        if now < self.logged_at + _LOG_EVERY_S:
            self.unlogged += 1
            return None
        others, self.unlogged = self.unlogged, 0
        self.logged_at = now
        return others

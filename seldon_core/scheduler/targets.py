"""How many replicas a model should have by how much it is called: numbers only, of no state.

A rate moves the count through two windows, so that a peak or a lull between two looks moves nothing
to and fro: it grows to the least that was wanted within the first, and shrinks to the most that was
wanted within the second.
"""

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from seldon_core.resources.model import ModelSpec

C = TypeVar("C")

_ROUNDING = 1e-9
"""Of three requests a second for three there is one replica, whatever the division made of it."""


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """When models and servers are scaled. Times are seconds.

    An idle model that was `stable_s` as it is loses a replica. The windows are those of a model
    with a target. Rates that are older than `rates_last_s` count no more: their replica is gone.
    `packing` is the share of occasions on which models are moved to make a server's replicas empty.
    """

    scales_models: bool = True
    scales_servers: bool = True
    stable_s: float = 300.0
    up_window_s: float = 0.0
    down_window_s: float = 300.0
    rates_last_s: float = 60.0
    packing: float = 0.0


USUAL_RULES = ScalingRules()


@dataclass(slots=True)
class Load:
    """How much a model is called: requests a second by where, with the time of each figure, how
    many replicas were wanted when, the oldest first, and when which replica said of what second
    that nobody has called it since."""

    rates: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    wanted: deque[tuple[float, int]] = field(default_factory=deque)
    unused: dict[Hashable, tuple[float, float]] = field(default_factory=dict)

    def note_rate(self, where: Hashable, rate: float, now: float, last_s: float) -> float:
        """Take in the rate at one place; return the sum over all places that told lately."""
        self.rates[where] = (now, rate)
        self.rates = {each: its for each, its in self.rates.items() if its[0] > now - last_s}
        return sum(rate for _, rate in self.rates.values())

    def settled_on(self, wanted: int, current: int, now: float, rules: ScalingRules) -> int:
        """Take in how many replicas are wanted now; return how many there should be."""
        if not self.wanted:
            self.wanted.append((now, current))  # nothing is known of before: no reason to go down
        self.wanted.append((now, wanted))
        oldest = now - max(rules.up_window_s, rules.down_window_s)
        while self.wanted[0][0] < oldest:
            self.wanted.popleft()
        up = min([wanted, *self._since(now - rules.up_window_s)])
        down = max([wanted, *self._since(now - rules.down_window_s)])
        return min(max(current, up), down)

    def _since(self, begin: float) -> list[int]:
        return [wanted for at, wanted in self.wanted if at > begin]


def clamped(spec: ModelSpec, replicas: int) -> int:
    """Return the number nearest to `replicas` that a model's bounds allow; at least one."""
    at_most = min(replicas, spec.max_replicas) if spec.max_replicas > 0 else replicas
    return max(at_most, spec.min_replicas, 1)


def replicas_for(rate: float, target: float) -> int:
    """Return how many replicas a rate asks for of which each is to take `target`."""
    return math.ceil(rate / target - _ROUNDING)


def kept_choice(chosen: C | None, before: ModelSpec, after: ModelSpec) -> C | None:
    """Return what scaling chose under a spec as far as it counts under the next one.

    Who changes the number, its bounds or the target begins anew.
    """
    is_same = all(
        getattr(before, name) == getattr(after, name)
        for name in ("replicas", "min_replicas", "max_replicas")
    )
    return chosen if is_same and before.knobs.target_rps == after.knobs.target_rps else None

"""Which models are called so much, or so little, that the scheduler should know. Pure.

A replica looks at its models once in a period. What it counts anyway is enough for that, so no
request costs more: calls under way, and how many there have been.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import ModelVersion
from seldon_core.transport.control import ReplicaId, ScalingSignal, SignalKind

SLICE = 256
"""Models that are looked at without a pause, 2 to 3 µs each."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A version at one moment: the calls under way, and all that have ended since it was loaded.

    `life` is another object for each time that it came here.
    """

    version: ModelVersion
    under_way: int
    ended: int
    life: object


@dataclass(slots=True)
class _Seen:
    """A version when it was looked at last: in look number `look`; `used_at` is UTC seconds."""

    ended: int
    used_at: float
    look: int
    life: object


class ScalingWatch:
    """Compares each look with the one before.

    `lag` calls under way are too many, and a model that nobody called for `inactive_s` seconds is
    idle, which is said at each look for as long as it is so; so is that one could be scaled to
    zero, after as long as its knob says. Both may be changed between two looks.
    """

    def __init__(self, replica: ReplicaId, lag: int, inactive_s: float) -> None:
        self.lag = lag
        self.inactive_s = inactive_s
        self._replica = replica
        self._seen: dict[tuple[str, int], _Seen] = {}
        self._looks = 0

    def look(
        self, models: Iterable[Figures], now: float, elapsed_s: float | None
    ) -> Iterator[list[ScalingSignal]]:
        """Yield the signals of those that are to be scaled, lag and rates before idleness.

        They come a slice at a time, an empty one also, between which others may have their turn.
        `now` is UTC seconds, and `elapsed_s` the seconds since the last look, None at the first.
        """
        urgent: list[ScalingSignal] = []
        idle: list[ScalingSignal] = []
        self._looks += 1
        watched = 0
        for count, figures in enumerate(models, 1):
            if count % SLICE == 0:
                yield urgent
                urgent = []
            spec = figures.version.spec
            if not spec.is_watched:
                continue
            key = spec.name, figures.version.version
            watched += 1
            before = self._seen.get(key)
            ended = figures.ended if before is None else before.ended
            is_used = figures.under_way > 0 or figures.ended != ended
            is_new = before is None or before.life is not figures.life
            used_at = now if before is None or is_new or is_used else before.used_at
            # What was seen is written over: to make 10,000 anew and let the old go takes 10 ms.
            seen = before or self._seen.setdefault(key, _Seen(0, 0.0, 0, None))
            seen.ended, seen.used_at, seen.look = figures.ended, used_at, self._looks
            seen.life = figures.life
            if spec.is_scaled and figures.under_way >= self.lag:
                urgent.append(self._signal(key, SignalKind.LAG, figures.under_way))
            if spec.is_scaled and now - used_at >= self.inactive_s:
                idle.append(self._signal(key, SignalKind.IDLE, used_at))
            if spec.knobs.scale_to_zero and now - used_at >= self._zero_after(spec.knobs):
                idle.append(self._signal(key, SignalKind.UNUSED, used_at))
            if spec.knobs.target_rps is not None and before and elapsed_s:
                rate = max(0, figures.ended - ended) / elapsed_s
                urgent.append(self._signal(key, SignalKind.RATE, rate))
        if len(self._seen) > watched:
            self._seen = {k: seen for k, seen in self._seen.items() if seen.look == self._looks}
        yield urgent
        for first in range(0, len(idle), SLICE):
            yield idle[first : first + SLICE]

    def _zero_after(self, knobs: Knobs) -> float:
        after_s = knobs.scale_to_zero_after_s
        return self.inactive_s if after_s is None else after_s

    def _signal(self, key: tuple[str, int], kind: SignalKind, amount: float) -> ScalingSignal:
        return ScalingSignal(self._replica, *key, kind, amount)

"""What models that are kept in memory leave of it for the others. Pure, a part of `pool.py`.

A kept model (`seldon-core/keep-in-memory`) is never evicted, so what it takes is gone for the rest
for as long as it is loaded. It is therefore accepted only if every other model still has room
beside it, and a model that would have none is refused with the reason.
"""

from collections.abc import Iterable

from seldon_core.agent.slots import Slot
from seldon_core.config.sizes import describe_bytes
from seldon_core.resources.knobs import KNOBS

_NAME = KNOBS["keep_in_memory"].name


class KeptModels:
    """The kept models of a pool with `capacity` bytes, without those on their way out."""

    __slots__ = ("_capacity", "slots")

    def __init__(self, capacity: int) -> None:
        self.slots: dict[str, Slot] = {}
        self._capacity = capacity

    def add(self, slot: Slot) -> None:
        """Count a model that was accepted, if it is to be kept."""
        if slot.is_kept:
            self.slots[slot.model] = slot

    def discard(self, slot: Slot) -> None:
        """Do not count a model any more; it need not be kept."""
        self.slots.pop(slot.model, None)

    def is_hopeless(self, slot: Slot) -> bool:
        """Whether `slot` has no room even if all go that may: kept models grew after their load."""
        return slot.nbytes + self._taken(slot) > self._capacity

    def holding(self, slot: Slot) -> str:
        """Return what the others hold, to follow a reason; "" if there are none."""
        taken = self._taken(slot)
        if not taken:
            return ""
        return f", and models kept in memory ({_NAME}) hold {self._of_all(taken)}"

    def misfit(self, slot: Slot, models: Iterable[Slot]) -> str:
        """Return why `slot` is not accepted beside `models`, "" if it is.

        It begins with the size of the model: `4 KiB, the server has …`.
        """
        needs = f"{describe_bytes(slot.nbytes)}, the server has {describe_bytes(self._capacity)}"
        taken = self._taken(slot)
        room = self._capacity - taken - slot.nbytes
        if room < 0:
            return needs + self.holding(slot)
        if not slot.is_kept:
            return ""
        others = [other for other in models if not other.is_kept and other.farewell is None]
        largest = max(others, key=lambda other: other.nbytes, default=None)
        if largest is None or largest.nbytes <= room:
            return ""
        return (
            f"{needs}{self.holding(slot)}: kept in memory as well ({_NAME}), it leaves no room for "
            f"model {largest.model}, which takes {describe_bytes(largest.nbytes)}"
        )

    def _taken(self, slot: Slot) -> int:
        """Bytes of the kept models but `slot`."""
        if not self.slots:
            return 0
        return sum(kept.nbytes for kept in self.slots.values() if kept is not slot)

    def _of_all(self, taken: int) -> str:
        return f"{describe_bytes(taken)} of {describe_bytes(self._capacity)}"

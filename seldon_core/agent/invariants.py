"""What is true of a model pool after every event; tests check it after each step, its shell only
after a fault."""

from collections.abc import Iterator

from seldon_core.agent.pool import ModelPool
from seldon_core.agent.slots import Residence, Slot


def violations(pool: ModelPool) -> list[str]:
    """Return a sentence for each rule that is broken; nothing if the pool is sound."""
    found = list(_memory_violations(pool))
    for slot in pool.slots.values():
        found += _slot_violations(pool, slot)
    for what, names in pool.books().items():
        found += [f"{name} is {what} and unknown" for name in names if name not in pool.slots]
    return found


def _memory_violations(pool: ModelPool) -> Iterator[str]:
    slots = pool.slots.values()
    held = sum(slot.nbytes for slot in slots if slot.residence is not Residence.ABSENT)
    if pool.used != held:
        yield f"{pool.used} bytes are counted as used, and {held} are"
    leaving = sum(slot.nbytes for slot in slots if slot.residence is Residence.UNLOADING)
    if pool.leaving != leaving:
        yield f"{pool.leaving} bytes are counted as leaving, and {leaving} are"
    registered = sum(slot.nbytes for slot in slots)
    if pool.registered != registered:
        yield f"{pool.registered} bytes are counted as registered, and {registered} are"


def _slot_violations(pool: ModelPool, slot: Slot) -> Iterator[str]:
    books = pool.books()
    is_resident = slot.residence is Residence.RESIDENT
    is_open = is_resident and slot.farewell is None and slot.model not in books["closed"]
    if slot.admits != is_open:
        yield f"{slot.model} admits={slot.admits}, which is not what its state wants"
    if (slot.model in books["resident"]) != is_resident:
        yield f"{slot.model} is {slot.residence.name}, which is not what the list of residents says"
    is_idle = is_resident and slot.farewell is None and not slot.running
    if (slot.model in books["idle"]) != is_idle:
        yield f"{slot.model} runs {slot.running}, which is not what the list of idle models says"
    if (slot.model in books["kept"]) != (slot.is_kept and slot.farewell is None):
        yield f"{slot.model} is_kept={slot.is_kept}, which is not what the list of those kept says"
    if slot.is_held != (slot.is_kept and slot.admits):
        yield f"{slot.model} is_held={slot.is_held}, which is not what its state wants"
    waits = slot.waiting and slot.residence in (Residence.ABSENT, Residence.UNLOADING)
    if (waits or slot.is_awaited) and slot.model not in books["wanted"]:
        yield f"{slot.model} is waited for and does not want room"

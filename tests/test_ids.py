"""Request ids."""

import os

from seldon_core import ids
from seldon_core.ids import new_xid


def decode(xid):
    """The 12 bytes, as a number; written the slow way on purpose."""
    bits = 0
    for character in xid:
        bits = bits << 5 | "0123456789abcdefghijklmnopqrstuv".index(character)
    assert bits & 15 == 0  # 100 bits for 96
    return bits >> 4


def test_an_id_is_seconds_machine_process_and_counter(monkeypatch):
    monkeypatch.setattr(ids.time, "time_ns", lambda: 0x6543_2109 * 10**9 + 999_999_999)
    first, second = decode(new_xid()), decode(new_xid())
    assert first >> 64 == 0x6543_2109
    assert first >> 24 & 0xFFFF == os.getpid() & 0xFFFF
    assert first >> 24 == second >> 24
    assert second - first in (1, 1 - 2**24)


def test_ids_are_twenty_characters_and_all_different():
    made = {new_xid() for _ in range(5_000)}
    assert len(made) == 5_000
    assert {len(xid) for xid in made} == {20}


def test_a_later_second_sorts_later(monkeypatch):
    seconds = iter([5, 6])
    monkeypatch.setattr(ids.time, "time_ns", lambda: next(seconds) * 10**9)
    assert new_xid() < new_xid()

import socket

import pytest

from seldon_core.transport.sign_of_life import SILENT_S, SignOfLife, on_its_way


def asked(written=0):
    """A peer that was last heard of at 0 and asked at 10, with 6 s to answer."""
    life = SignOfLife(6.0, 0.0)
    life.written = written
    assert not life.is_lost(10.0, 0)
    life.asked(10.0)
    return life


def test_who_said_something_a_moment_ago_is_not_silent():
    life = SignOfLife(6.0, 0.0)
    assert not life.is_silent(SILENT_S - 0.1)
    assert life.is_silent(SILENT_S)
    life.hear(SILENT_S)
    assert not life.is_silent(SILENT_S + 0.1)


@pytest.mark.parametrize(("at", "is_lost"), [(15.9, False), (16.0, True)], ids=["before", "after"])
def test_who_was_asked_has_its_time_to_answer(at, is_lost):
    assert asked().is_lost(at, 0) is is_lost


def test_who_was_not_asked_is_not_lost():
    assert not SignOfLife(6.0, 0.0).is_lost(1000.0, 0)


def test_who_answers_is_asked_no_more():
    life = asked()
    assert life.is_asked
    life.hear(12.0)
    assert not life.is_asked
    assert not life.is_lost(1000.0, 0)


def test_the_time_begins_when_the_ping_has_arrived():
    life = asked(written=10_000)
    unsent = 3000
    for second in range(11, 41):
        unsent -= 100
        assert not life.is_lost(second, unsent)
    assert not life.is_lost(45.0, 0)
    assert life.is_lost(46.0, 0)


def test_what_is_written_after_the_ping_gives_no_more_time():
    life = asked(written=1000)
    for second in range(11, 16):
        life.written += 1000
        assert not life.is_lost(second, 0)
    life.written += 1000
    assert life.is_lost(17.0, 0)


class Wired:
    """A transport of a socket, which has kept some bytes."""

    def __init__(self, connected, kept):
        self._connected, self._kept = connected, kept

    def get_extra_info(self, name):
        return {"socket": self._connected}[name]

    def get_write_buffer_size(self):
        return self._kept


def test_what_has_not_come_to_the_peers_machine_is_counted():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert on_its_way(Wired(ours, 0)) == 0
        ours.send(bytes(1000))
        assert on_its_way(Wired(ours, 7)) >= 1007

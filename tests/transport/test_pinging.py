"""Whether a client is still there."""

from seldon_core.transport.pinging import Pings


class Engine:
    def __init__(self):
        self.pings = 0

    def ping(self):
        self.pings += 1


def test_a_client_is_asked_again_and_again():
    engine = Engine()
    pings = Pings(engine, 5, 10, now=100)
    assert not pings.visit(104)
    assert engine.pings == 0
    assert not pings.visit(105)
    assert not pings.visit(106)
    assert engine.pings == 1
    assert pings.answered(107)
    assert not pings.visit(111)
    assert engine.pings == 1
    assert not pings.visit(112)
    assert engine.pings == 2


def test_a_client_that_does_not_answer_in_time_is_dead():
    pings = Pings(Engine(), 5, 10, now=0)
    assert not pings.visit(5)
    assert not pings.visit(15)
    assert pings.visit(15.1)


def test_an_answer_to_what_others_asked_is_theirs():
    assert not Pings(Engine(), 5, 10, now=0).answered(1)


def test_nobody_is_asked_where_that_is_not_wanted():
    engine = Engine()
    pings = Pings(engine, 0, 10, now=0)
    assert not pings.visit(1e6)
    assert engine.pings == 0

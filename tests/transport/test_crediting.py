from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.crediting import Withheld


class World:
    def __init__(self):
        self.budget = InFlightBytes(10)
        self.budget.take(10)
        self.credited, self.resumed = [], 0
        self.withheld = Withheld(self.budget, self.credit, self.resume)

    def credit(self, nbytes, stream_id):
        self.credited.append((nbytes, stream_id))

    def resume(self):
        self.resumed += 1
        self.withheld.give_all()


def test_what_is_withheld_is_credited_once_when_there_is_room():
    world = World()
    world.withheld.add(5, 1)
    world.withheld.add(6, 3)
    assert not world.credited
    world.budget.give(1)
    assert world.credited == [(5, 1), (6, 3)]
    world.withheld.give_all()
    assert world.resumed == 1
    assert len(world.credited) == 2


def test_bytes_that_come_one_by_one_are_credited_together():
    world = World()
    for _ in range(1000):
        world.withheld.add(1, 1)
        world.withheld.add(1, 3)
    world.budget.give(1)
    assert world.credited == [(1000, 1), (1000, 3)]


def test_a_lost_connection_is_credited_nothing():
    world = World()
    world.withheld.add(5, 1)
    world.withheld.forget()
    world.budget.give(1)
    assert world.resumed == 0


def test_who_may_send_no_more_is_known():
    world = World()
    world.withheld.add(5, 1)
    assert world.withheld.holds(1)
    assert not world.withheld.holds(3)
    world.budget.give(1)
    assert not world.withheld.holds(1)

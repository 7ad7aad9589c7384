"""Which model gateway has which model, and what is told of that."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seldon_core.scheduler.acknowledgements import Operation
from seldon_core.scheduler.choosing import member_for
from seldon_core.scheduler.model_gateways import GatewayOrder, GatewayState, ModelGateways

CREATE, DELETE = Operation.CREATE, Operation.DELETE


class Inbox:
    def __init__(self):
        self.names = {}
        self.is_over = False

    def mark(self, name):
        self.names[name] = None

    def end(self):
        self.is_over = True

    def take(self):
        names, self.names = list(self.names), {}
        return names


class World:
    """Gateways and what they are told of the model iris, whose latest version is `number`."""

    def __init__(self, *members):
        self.changed = []
        self.gateways = ModelGateways(self.changed.append)
        self.number, self.is_deleted = 1, False
        self.inboxes = {}
        for member in members:
            self.join(member)

    def join(self, member):
        self.inboxes[member] = Inbox()
        self.gateways.join(member, self.inboxes[member])

    def leave(self, member):
        self.gateways.leave(member, self.inboxes.pop(member))

    def order(self, member, name="iris"):
        return self.gateways.order(member, name, self.number, is_deleted=self.is_deleted)

    def answer(self, member, operation, timestamp, is_done=True):
        self.gateways.acknowledge(member, "iris", operation, timestamp, is_done=is_done)

    def state(self, number=None, name="iris"):
        number = self.number if number is None else number
        is_latest = number == self.number
        return self.gateways.state_of(name, number, is_latest=is_latest, is_deleted=self.is_deleted)


def test_a_model_waits_while_nobody_is_there():
    world = World()
    assert world.state()[0] is GatewayState.CREATE
    assert world.state()[1].startswith("no model gateway runs")
    world.is_deleted = True
    assert world.state()[0] is GatewayState.TERMINATED


def test_a_gateway_is_told_once_and_says_that_it_has_the_model():
    world = World("a")
    assert world.state() == (GatewayState.CREATE, "")
    assert world.order("a") == GatewayOrder(CREATE, 1)
    assert world.order("a") is None
    assert world.state() == (GatewayState.PROGRESSING, "")
    world.answer("a", CREATE, 1)
    assert world.state() == (GatewayState.AVAILABLE, "1/1 ready ")
    assert world.changed == ["iris", "iris"]


def test_a_gateway_that_cannot_take_a_model_in_is_told_of():
    world = World("a")
    world.order("a")
    world.answer("a", CREATE, 1, is_done=False)
    assert world.state() == (GatewayState.FAILED, "1/1 failed ")


@pytest.mark.parametrize(
    ("member", "timestamp"), [("b", 1), ("a", 2)], ids=["another-member", "another-order"]
)
def test_an_answer_to_another_order_changes_nothing(member, timestamp):
    world = World("a")
    world.order("a")
    world.answer(member, CREATE, timestamp)
    assert world.state()[0] is GatewayState.PROGRESSING


def test_a_new_version_is_told_of_and_the_one_before_is_over():
    world = World("a")
    world.order("a")
    world.answer("a", CREATE, 1)
    world.number = 2
    assert world.state() == (GatewayState.CREATE, "")
    assert world.state(1)[0] is GatewayState.PROGRESSING
    assert world.order("a") == GatewayOrder(CREATE, 2)
    world.answer("a", CREATE, 2)
    assert world.state() == (GatewayState.AVAILABLE, "1/1 ready ")
    assert world.state(1) == (GatewayState.TERMINATED, "Not latest version")


def test_a_deleted_model_is_let_go_of():
    world = World("a")
    world.order("a")
    world.answer("a", CREATE, 1)
    world.is_deleted = True
    assert world.state() == (GatewayState.TERMINATE, "Model deleted")
    assert world.order("a") == GatewayOrder(DELETE, 2)
    assert world.order("a") is None
    assert world.state()[0] is GatewayState.TERMINATING
    world.answer("a", DELETE, 2)
    assert world.state() == (GatewayState.TERMINATED, "1/1 terminated ")


def test_a_gateway_that_does_not_let_go_is_told_of():
    world = World("a")
    world.order("a")
    world.is_deleted = True
    world.order("a")
    world.answer("a", DELETE, 2, is_done=False)
    assert world.state()[0] is GatewayState.TERMINATE_FAILED


def test_a_model_moves_when_a_gateway_comes_that_is_to_have_it():
    world = World("a")
    name = next(f"m{n}" for n in range(99) if member_for(f"m{n}", ("a", "b")) == "b")
    world.order("a", name)
    world.join("b")
    assert world.inboxes["a"].take() == [name]
    assert world.order("a", name) == GatewayOrder(DELETE, 0, keep_topics=True)
    assert world.order("b", name) == GatewayOrder(CREATE, 2)
    assert world.order("a", name) is None


def test_what_a_gateway_had_that_is_gone_is_another_s():
    world = World("a", "b")
    has, other = ("a", "b") if member_for("iris", ("a", "b")) == "a" else ("b", "a")
    world.order(has)
    world.leave(has)
    assert world.inboxes[other].take() == ["iris"]
    assert world.order(other) == GatewayOrder(CREATE, 2)
    world.leave(other)
    assert world.state()[1].startswith("no model gateway runs")


def test_what_was_to_be_let_go_of_is_gone_with_who_had_it():
    world = World("a", "b")
    has = member_for("iris", ("a", "b"))
    world.order(has)
    world.is_deleted = True
    world.order(has)
    world.leave(has)
    assert world.state() == (GatewayState.TERMINATED, "")


def test_a_gateway_takes_the_place_of_one_of_its_name():
    world = World("a")
    world.order("a")
    first = world.inboxes["a"]
    world.join("a")
    assert first.is_over
    assert not world.gateways.is_member("a", first)
    world.gateways.leave("a", first)  # late
    assert world.order("a") == GatewayOrder(CREATE, 2)


def test_a_model_that_nobody_remembers_is_forgotten():
    world = World("a")
    world.order("a")
    world.gateways.forget("iris")
    assert world.order("a") == GatewayOrder(CREATE, 1)


class Gateways(RuleBasedStateMachine):
    """Gateways come, go, are told and answer; what each has is noted as it was told."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.has = {}
        self.owed = []

    @rule(member=st.sampled_from("abc"))
    def come(self, member):
        self.world.join(member)
        self.world.inboxes[member].mark("iris")
        self.has[member] = None

    @precondition(lambda self: self.has)
    @rule(data=st.data())
    def go(self, data):
        member = data.draw(st.sampled_from(sorted(self.has)))
        self.world.leave(member)
        del self.has[member]

    @rule()
    def change(self):
        self.world.number += 1
        self.world.is_deleted = False
        self._mark_all()

    @rule()
    def delete(self):
        self.world.is_deleted = True
        self._mark_all()

    @rule()
    def tell(self):
        for member, inbox in self.world.inboxes.items():
            for _ in inbox.take():
                order = self.world.order(member)
                if order is not None:
                    is_create = order.operation is CREATE
                    self.has[member] = self.world.number if is_create else None
                    self.owed.append((member, order.operation, order.timestamp))

    @precondition(lambda self: self.owed)
    @rule(is_done=st.booleans())
    def answer(self, is_done):
        self.world.answer(*self.owed.pop(0), is_done=is_done)

    def _mark_all(self):
        for inbox in self.world.inboxes.values():
            inbox.mark("iris")

    @invariant()
    def one_has_the_latest_when_all_were_told(self):
        if any(inbox.names for inbox in self.world.inboxes.values()) or not self.has:
            return
        wanted = None if self.world.is_deleted else self.world.number
        holder = member_for("iris", self.has)
        assert self.has == {name: wanted if name == holder else None for name in self.has}


TestGateways = Gateways.TestCase

"""What a router in a process of its own says of models."""

import asyncio

import pytest

from seldon_core.errors import UnsupportedError
from seldon_core.protocol.repository import IndexState, ModelIndex
from seldon_core.router.repository import NoTraces, RouteIndex
from seldon_core.transport.control import ReplicaAddress, ReplicaId, RouteCandidate, RouteUpdate

REPLICA = ReplicaId("mlserver", 0)
ADDRESS = ReplicaAddress("10.0.0.1", 1, 1)
OLD, NEW = (RouteCandidate("iris", number, 50, (REPLICA,)) for number in (1, 2))


class Routes:
    """What the router is told."""

    def __init__(self):
        self.told = []

    def publish(self, update):
        self.told.append(update)

    def publish_replica(self, replica, address):
        self.told.append((replica, address))


@pytest.fixture
def routes():
    return Routes()


@pytest.fixture
def index(routes):
    return RouteIndex(routes)


def shown(index, *, only_ready=False):
    return asyncio.run(index.index(only_ready=only_ready))


def test_every_version_that_calls_go_to_is_shown_once(index, routes):
    updates = [RouteUpdate("iris", (OLD, NEW)), RouteUpdate("half.experiment", (NEW,))]
    for update in updates:
        index.publish(update)
    index.publish_replica(REPLICA, ADDRESS)
    assert shown(index) == [
        ModelIndex("iris", "2", IndexState.READY),
        ModelIndex("iris", "1", IndexState.READY),
    ]
    assert routes.told == [*updates, (REPLICA, ADDRESS)]


@pytest.mark.parametrize(
    ("notice", "state", "reason"),
    [
        ("", IndexState.READY, "scaled to zero; the next call loads it"),
        ("failed to load: why", IndexState.UNAVAILABLE, "failed to load: why"),
    ],
    ids=["asleep", "failed"],
)
def test_a_version_on_no_replica_is_ready_if_nothing_is_in_the_way_of_loading_it(
    index, notice, state, reason
):
    index.publish(RouteUpdate("iris", (RouteCandidate("iris", 3, 100, ()),), notice))
    assert shown(index) == [ModelIndex("iris", "3", state, reason)]


def test_what_cannot_answer_is_shown_with_the_reason(index):
    index.publish(RouteUpdate("iris", notice="is loading"))
    assert shown(index) == [ModelIndex("iris", "", IndexState.UNAVAILABLE, "is loading")]
    assert shown(index, only_ready=True) == []
    assert index.rows() == [
        {"name": "iris", "version": 0, "state": "UNAVAILABLE", "reason": "is loading"}
    ]
    index.publish(RouteUpdate("iris"))
    assert shown(index) == []


def test_it_loads_and_unloads_nothing(index):
    for call in (index.load("iris", {}, "me"), index.unload("iris", "me")):
        with pytest.raises(UnsupportedError, match="this process is a router, which never"):
            asyncio.run(call)


def test_it_traces_nothing():
    with pytest.raises(UnsupportedError, match="never traces calls: ask the agent"):
        NoTraces().current()
    with pytest.raises(UnsupportedError, match="never traces calls: ask the agent"):
        NoTraces().change({}, "me")

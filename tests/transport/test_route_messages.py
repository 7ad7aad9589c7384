"""The messages that tell routers where calls go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.proto import control_pb2 as pb
from seldon_core.transport.control import ReplicaId, RouteUpdate
from seldon_core.transport.route_messages import (
    PART_BYTES,
    RouteChanges,
    changes_of,
    parts_of,
)
from tests.support.link_values import ADDRESSES, REPLICAS, ROUTES

CHANGES = st.builds(
    RouteChanges,
    st.booleans(),
    st.lists(ROUTES, max_size=5).map(tuple),
    st.dictionaries(REPLICAS, st.none() | ADDRESSES, max_size=5),
)


@given(CHANGES)
def test_changes_are_read_as_they_were_meant(changes):
    sent = [part.SerializeToString() for part in parts_of(changes)]
    assert changes_of([pb.RoutesMessage.FromString(part) for part in sent]) == changes


def test_much_is_said_in_parts():
    notice = "x" * 1000
    routes = tuple(RouteUpdate(f"m{index}", notice=notice) for index in range(3000))
    changes = RouteChanges(True, routes, {ReplicaId("a", 0): None})
    parts = list(parts_of(changes))
    assert [part.isComplete for part in parts] == [False, False, True]
    assert all(part.ByteSize() < 1.1 * PART_BYTES for part in parts)
    assert changes_of(parts) == changes


def test_nothing_is_one_message():
    (part,) = parts_of(RouteChanges(is_snapshot=True))
    assert part == pb.RoutesMessage(isSnapshot=True, isComplete=True)


def test_parts_of_different_sorts_are_refused():
    with pytest.raises(ValueError, match="are mixed"):
        changes_of([pb.RoutesMessage(isSnapshot=True), pb.RoutesMessage()])


def test_a_port_that_is_none_is_refused():
    place = {"replica": {"server": "a"}, "host": "h", "httpPort": 65536}
    with pytest.raises(ValueError, match="replica a/0 is at port 65536"):
        changes_of([pb.RoutesMessage(replicas=[place])])

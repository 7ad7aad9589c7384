"""Which replicas a version goes to, and why to no other."""

import pytest

from seldon_core.resources.model import ModelSpec, ModelVersion
from seldon_core.scheduler.placement import (
    MOST_TOLD,
    REPLICA_FILTERS,
    SERVER_FILTERS,
    Placed,
    Refused,
    explain,
    place,
)
from seldon_core.scheduler.state import (
    Assignment,
    ReplicaRecord,
    ReplicaState,
    SchedulerState,
    ServerRecord,
    VersionRecord,
)
from seldon_core.transport.control import ReplicaId


def a_state(**servers):
    """Servers by name; each is (capabilities, free bytes of each replica)."""
    state = SchedulerState()
    for name, (capabilities, frees) in servers.items():
        server = state.servers[name] = ServerRecord(name)
        for index, free in enumerate(frees):
            replica = ReplicaId(name, index)
            server.replicas[replica] = ReplicaRecord(replica, frozenset(capabilities.split()), free)
    return state


def a_version(server="", **fields):
    spec = ModelSpec("iris", "/iris", **{"memory_bytes": 10, **fields})
    return VersionRecord(ModelVersion(spec, 1), server=server)


def placed(state, version):
    placement = place(state, version)
    assert isinstance(placement, Placed)
    return [str(replica) for replica in placement.replicas]


def refused(state, version):
    placement = place(state, version)
    assert isinstance(placement, Refused)
    return placement.reason


def hold(state, version, replica, replica_state):
    version.assignments[replica] = Assignment(replica_state, 0.0)
    state.replica(replica).hold("iris", 1, 10)


def test_every_requirement_must_be_a_capability_of_the_server():
    state = a_state(a=("sklearn", [50]), b=("sklearn python", [50]))
    assert placed(state, a_version(requirements=("sklearn", "python"))) == ["b/0"]


def test_capabilities_are_compared_exactly():
    reason = refused(a_state(a=("sklearn", [50])), a_version(requirements=("SKLearn",)))
    assert reason == "no matching server: a lacks SKLearn"


def test_the_server_asked_for_is_the_only_one():
    state = a_state(a=("", [50]), b=("", [50]))
    assert placed(state, a_version()) == ["a/0"]
    version = VersionRecord(ModelVersion(ModelSpec("iris", "/iris", server="b"), 1))
    assert placed(state, version) == ["b/0"]


def test_the_refusals_of_all_servers_are_told():
    version = VersionRecord(
        ModelVersion(ModelSpec("iris", "/iris", requirements=("x", "y", "z"), server="b"), 1)
    )
    assert refused(a_state(a=("x", [50]), b=("y", [50])), version) == (
        "no matching server: a is not the server 'b' that is asked for; b lacks x, z"
    )
    assert refused(a_state(), version) == "no matching server: no server is connected"


@pytest.mark.parametrize(("free", "fits"), [(10, True), (9, False)])
def test_a_version_must_fit_into_memory(free, fits):
    assert isinstance(place(a_state(a=("", [free])), a_version()), Placed) == fits


def test_what_is_short_of_room_is_told_for_every_replica():
    assert refused(a_state(a=("", [9, 50, 0])), a_version(replicas=2)) == (
        "not enough suitable replicas: 2 wanted, 1 found: "
        "a/0 has 9 bytes free of the 10 bytes needed; a/2 has 0 bytes free of the 10 bytes needed"
    )


@pytest.mark.parametrize(
    ("free", "needed", "shown"),
    [
        (39 * 2**30 // 5, 900 * 2**30, "7.8 GiB free of the 900 GiB needed"),
        (8 * 2**30 - 1, 8 * 2**30, "8589934591 bytes free of the 8589934592 bytes needed"),
    ],
    ids=["far apart", "a byte apart"],
)
def test_room_is_told_in_sizes_that_people_read(free, needed, shown):
    state = a_state(a=("", [free]))
    assert refused(state, a_version(memory_bytes=needed)).endswith(f": a/0 has {shown}")


def test_of_a_thousand_replicas_without_room_only_the_first_are_told():
    reason = refused(a_state(a=("", [9] * 1000)), a_version())
    assert reason.count("free of the 10 bytes needed") == MOST_TOLD
    assert reason.endswith("; and so on")


def test_of_a_thousand_servers_that_do_not_match_only_the_first_are_told():
    servers = {f"s{index}": ("x", [50]) for index in range(1000)}
    reason = refused(a_state(**servers), a_version(requirements=("y",)))
    assert reason.count("lacks y") == MOST_TOLD
    assert reason.endswith("; and so on")


def test_most_free_memory_comes_first_then_the_lowest_index():
    state = a_state(a=("", [20, 50, 20, 60]))
    assert placed(state, a_version(replicas=3)) == ["a/3", "a/1", "a/0"]


def test_a_replica_that_has_the_version_comes_before_all_others_even_if_full():
    state, version = a_state(a=("", [90, 10, 10])), a_version(replicas=2)
    hold(state, version, ReplicaId("a", 1), ReplicaState.LOADING)
    hold(state, version, ReplicaId("a", 2), ReplicaState.AVAILABLE)
    assert placed(state, version) == ["a/2", "a/1"]


def test_a_replica_that_is_letting_go_of_the_version_needs_no_more_room():
    state, version = a_state(a=("", [10])), a_version()
    hold(state, version, ReplicaId("a", 0), ReplicaState.UNLOADING)
    assert placed(state, version) == ["a/0"]


def test_the_server_that_has_the_model_comes_first():
    state = a_state(a=("", [50]), b=("", [50]))
    assert placed(state, a_version(server="b")) == ["b/0"]


def test_a_server_with_room_for_all_comes_before_one_with_room_for_the_minimum():
    state = a_state(a=("", [50]), b=("", [50, 50]))
    assert placed(state, a_version(replicas=2, min_replicas=1)) == ["b/0", "b/1"]


def test_the_first_server_with_room_for_the_minimum_gets_all_it_has_room_for():
    state = a_state(a=("", [50]), b=("", [50, 50, 50]))
    assert placed(state, a_version(replicas=4, min_replicas=2)) == ["b/0", "b/1", "b/2"]
    assert placed(state, a_version(replicas=4, min_replicas=1)) == ["a/0"]


def test_replicas_of_two_servers_are_not_added_up():
    state = a_state(a=("", [50]), b=("", [50]))
    assert refused(state, a_version(replicas=2)) == (
        "not enough suitable replicas: 2 wanted, 1 found: no other replica is connected"
    )


def test_a_server_that_lost_its_replicas_is_told_of():
    state = a_state(a=("", []))
    assert refused(state, a_version()) == "no matching server: a has no replica that is connected"


def test_the_first_filter_that_refuses_is_named_for_every_server_and_replica():
    state = a_state(a=("", []), b=("x", [50]), c=("x gpu", [50, 5]), d=("gpu", [50]))
    version = a_version(requirements=("x", "gpu"))
    told = [(v.server, v.replica_idx, v.filter, v.reason) for v in explain(state, version)]
    assert told == [
        ("a", None, "ServerReplicaFilter", "has no replica that is connected"),
        ("b", None, "ServerRequirementsFilter", "lacks gpu"),
        ("c", None, "", ""),
        ("c", 0, "", ""),
        (
            "c",
            1,
            "AvailableMemoryReplicaFilter",
            "has 5 bytes free of the 10 bytes needed",
        ),
        ("d", None, "ServerRequirementsFilter", "lacks x"),
    ]


def test_a_server_that_is_not_asked_for_is_refused_before_its_capabilities_are_looked_at():
    record = VersionRecord(
        ModelVersion(ModelSpec("iris", "/iris", server="b", requirements=("x",)), 1)
    )
    (verdict,) = explain(a_state(a=("", [50])), record)
    assert verdict.filter == "SharingServerFilter"


def test_filters_stand_in_seldons_order():
    assert list(SERVER_FILTERS) == [
        "ServerReplicaFilter",
        "SharingServerFilter",
        "DeletedServerFilter",
        "ServerRequirementsFilter",
    ]
    assert list(REPLICA_FILTERS) == [
        "AvailableMemoryReplicaFilter",
        "ReplicaDrainingFilter",
        "ReplicaRequirementsFilter",
    ]

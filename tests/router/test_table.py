"""Names to routes."""

import pytest

from seldon_core.errors import NotFoundError, NotReadyError, UnreachableError
from seldon_core.router.table import RouteTable
from seldon_core.router.unknown import UnknownReplica
from seldon_core.transport.control import ReplicaId, RouteCandidate, RouteUpdate
from tests.support.router_fakes import EchoUpstream

R0, R1 = ReplicaId("mlserver", 0), ReplicaId("mlserver", 1)


def no_randomness():
    raise AssertionError("there was nothing to choose")


def model(name, *versions, weight=50, replicas=(R0,)):
    """An update that splits `name` evenly between `versions`."""
    return RouteUpdate(
        name, tuple(RouteCandidate(name, version, weight, replicas) for version in versions)
    )


def table_of(*updates):
    table = RouteTable({R0: EchoUpstream(), R1: EchoUpstream()})
    for update in updates:
        table.apply(update)
    return table


def chosen(table, headers=None, named="", point=0.0):
    headers = headers or {}
    return table.resolve(headers, named).candidate(headers, lambda: point).internal_model


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        pytest.param({}, "iris", id="the path"),
        pytest.param({}, "iris.model", id="the path with a suffix"),
        pytest.param({b"seldon-model": b"iris"}, "", id="the header"),
        pytest.param({b"seldon-model": b"iris.model"}, "", id="the header with a suffix"),
        pytest.param({b"seldon-model": b"iris"}, "wine", id="the header, not the path"),
        pytest.param({b"seldon-model": b"iris"}, "nothing", id="the header, whatever the path"),
        pytest.param({b"seldon-model": b""}, "iris", id="the path if the header is empty"),
    ],
)
def test_a_route_is_found_by(headers, named):
    assert chosen(table_of(model("iris", 3), model("wine", 1)), headers, named) == "iris_3"


def test_a_name_that_nobody_has_told_yet_is_not_said_to_be_none():
    table = table_of()
    table.has_all = lambda: False
    with pytest.raises(UnreachableError, match="has not told yet where calls go"):
        table.resolve({}, "iris")
    table.apply(model("iris", 3))
    assert chosen(table, named="iris") == "iris_3"
    table.has_all = lambda: True
    with pytest.raises(NotFoundError):
        table.resolve({}, "wine")


@pytest.mark.parametrize("name", ["shop.experiment", "shop.pipeline"])
def test_a_name_with_a_suffix_of_its_own_is_a_name(name):
    table = table_of(RouteUpdate(name, (RouteCandidate("iris", 1, 100, (R0,)),)))
    assert chosen(table, named=name) == "iris_1"
    with pytest.raises(NotFoundError):
        table.resolve({}, f"{name}.model")


@pytest.mark.parametrize(
    ("headers", "named", "text"),
    [
        pytest.param({}, "rose", "model 'rose' not found", id="model"),
        pytest.param({}, "iris_1", "model 'iris_1' not found", id="internal name"),
        pytest.param({}, "", "the request names no model", id="no name"),
        pytest.param({}, ".model", "model '.model' not found", id="only a suffix"),
        pytest.param({}, "rose.model", "model 'rose' not found", id="model with a suffix"),
        pytest.param({}, "a.experiment", "experiment 'a' not found", id="experiment"),
        pytest.param({}, "a.pipeline", "pipeline 'a' not found", id="pipeline"),
        pytest.param({}, "a.b", "model 'a.b' not found", id="another dot"),
        pytest.param(
            {b"seldon-model": b"rose"}, "iris", "model 'rose' not found", id="header over path"
        ),
        pytest.param(
            {b"seldon-model": b"\xff"}, "iris", "model '\ufffd' not found", id="header of no text"
        ),
    ],
)
def test_what_is_not_there_is_named(headers, named, text):
    with pytest.raises(NotFoundError) as caught:
        table_of(model("iris", 1)).resolve(headers, named)
    assert str(caught.value) == text


def test_a_known_model_that_cannot_answer_says_why():
    table = table_of(RouteUpdate("iris", notice="is loading"))
    with pytest.raises(NotReadyError, match=r"^model 'iris' is loading$"):
        table.resolve({}, "iris.model")


def test_a_candidate_without_replicas_does_not_count():
    table = table_of(model("iris", 1, replicas=()))
    with pytest.raises(NotReadyError, match=r"^model 'iris' has no replica$"):
        table.resolve({}, "iris")


def test_an_update_replaces_the_route_and_an_empty_one_removes_it():
    table = table_of(RouteUpdate("iris", notice="is loading"), model("iris", 1), model("iris", 2))
    assert chosen(table, named="iris") == "iris_2"
    assert len(table) == 2
    table.apply(RouteUpdate("iris"))
    table.apply(RouteUpdate("iris"))
    assert len(table) == 0
    for headers, named in [({}, "iris"), ({b"seldon-model": b"iris.model"}, "")]:
        with pytest.raises(NotFoundError):
            table.resolve(headers, named)


def test_a_replica_that_is_not_known_cannot_be_reached_until_it_is():
    remote = ReplicaId("remote", 0)
    table = table_of(model("iris", 1, replicas=(remote,)))
    (candidate,) = table.resolve({}, "iris").candidates
    (upstream,) = candidate.upstreams
    assert isinstance(upstream.handler, UnknownReplica)
    handler = EchoUpstream()
    table.reach(remote, handler)
    assert upstream.handler is handler
    assert handler in table.replicas()
    table.reach(remote, None)
    table.reach(remote, None)
    assert isinstance(upstream.handler, UnknownReplica)
    assert handler not in table.replicas()


def test_a_replica_inside_the_process_is_not_replaced():
    table = table_of(model("iris", 1))
    (upstream,) = table.resolve({}, "iris").candidates[0].upstreams
    own = upstream.handler
    table.reach(R0, EchoUpstream())
    assert upstream.handler is own


def test_the_hop_names_the_candidate():
    (candidate,) = table_of(model("iris", 7)).resolve({}, "iris").candidates
    assert candidate.hop == (b"x-seldon-route", b":iris_7:")


@pytest.mark.parametrize(("point", "version"), [(0.49, "iris_1"), (0.5, "iris_2")])
def test_without_a_sticky_header_the_weight_decides(point, version):
    assert chosen(table_of(model("iris", 1, 2)), named="iris", point=point) == version


@pytest.mark.parametrize(
    ("sticky", "version"),
    [
        pytest.param(b":iris_2:", "iris_2", id="the candidate"),
        pytest.param(b":add10_1:,:iris_2:,:p.pipeline:", "iris_2", id="among other hops"),
        pytest.param(b":iris_2:,:iris_1:", "iris_1", id="the first candidate in route order"),
        pytest.param(b":iris_22:", "iris_1", id="another version"),
        pytest.param(b"iris_2", "iris_1", id="no marker"),
        pytest.param(b"", "iris_1", id="nothing"),
    ],
)
def test_a_sticky_header_chooses_its_candidate_or_else_the_weight_does(sticky, version):
    table = table_of(model("iris", 1, 2))
    assert chosen(table, {b"x-seldon-route": sticky}, "iris", point=0.0) == version


@pytest.mark.parametrize(
    ("before", "version"), [("iris_1", 1), ("iris_2", 2), ("iris_3", 2), ("", 2)]
)
def test_a_call_keeps_to_its_candidate_while_the_route_has_it(before, version):
    route = table_of(model("iris", 1, 2)).resolve({}, "iris")
    sticky = {b"x-seldon-route": b":iris_2:"}
    for headers, point in ((sticky, 0.1), ({}, 0.9)):
        candidate = route.candidate(headers, lambda point=point: point, before)
        assert candidate.internal_model == f"iris_{version}"


def test_one_candidate_on_one_replica_needs_no_randomness():
    headers = {b"x-seldon-route": b":iris_9:"}
    route = table_of(model("iris", 1)).resolve(headers, "iris")
    candidate = route.candidate(headers, no_randomness)
    assert candidate.upstream(no_randomness) is candidate.upstreams[0]


@pytest.mark.parametrize(
    ("busy", "first", "taken"),
    [
        pytest.param((0, 0), 0.0, 0, id="equal: the first of the two"),
        pytest.param((0, 0), 0.5, 1, id="equal: the first of the two, the other way"),
        pytest.param((1, 0), 0.0, 1, id="the other is less busy"),
        pytest.param((1, 0), 0.5, 1, id="the first is less busy"),
    ],
)
def test_of_two_replicas_the_less_busy_is_taken(busy, first, taken):
    (candidate,) = table_of(model("iris", 1, replicas=(R0, R1))).resolve({}, "iris").candidates
    for upstream, in_flight in zip(candidate.upstreams, busy, strict=True):
        upstream.in_flight = in_flight
    assert candidate.upstream(lambda: first) is candidate.upstreams[taken]


def test_a_replica_is_one_upstream_for_all_routes():
    table = table_of(model("iris", 1), model("wine", 1))
    upstreams = {table.resolve({}, name).candidates[0].upstreams[0] for name in ("iris", "wine")}
    assert len(upstreams) == 1

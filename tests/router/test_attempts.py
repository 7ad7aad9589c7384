"""Whom a call is asked of when a replica could not be reached."""

import pytest

from seldon_core.errors import NotFoundError, UnreachableError
from seldon_core.router.attempts import Attempts
from seldon_core.router.table import Candidate, Upstream
from seldon_core.transport.control import RouteCandidate

REFUSED, LOST = UnreachableError("refused"), UnreachableError("lost", was_sent=True)
MISSING = NotFoundError("model", "iris_1")


def upstreams(*loads):
    found = []
    for load in loads:
        found.append(Upstream(None))
        found[-1].in_flight = load
    return found


def attempts_of(*loads):
    found = upstreams(*loads)
    candidate = Candidate(RouteCandidate("iris", 1, 100, ()), tuple(found))
    return Attempts(candidate, found[0]), found


def test_a_refusal_leads_to_each_other_replica_the_less_busy_first():
    attempts, (_, busy, idle) = attempts_of(0, 2, 1)
    assert attempts.after(REFUSED) is idle
    assert attempts.after(REFUSED) is busy
    assert attempts.after(REFUSED) is busy
    with pytest.raises(UnreachableError, match="refused"):
        attempts.after(REFUSED)


def test_a_lone_replica_that_refuses_is_asked_once_more():
    attempts, (same,) = attempts_of(0)
    assert attempts.after(REFUSED) is same
    with pytest.raises(UnreachableError):
        attempts.after(REFUSED)


def test_a_call_that_may_have_been_seen_is_asked_once_more_elsewhere():
    attempts, (_, other, _) = attempts_of(0, 0, 5)
    assert attempts.after(LOST) is other
    with pytest.raises(UnreachableError, match="lost"):
        attempts.after(LOST)


def test_a_call_that_may_have_been_seen_goes_to_the_same_replica_if_it_is_the_only_one():
    attempts, (same,) = attempts_of(0)
    assert attempts.after(LOST) is same
    with pytest.raises(UnreachableError):
        attempts.after(REFUSED)


def test_a_refusal_after_a_loss_leads_on():
    attempts, (_, second, third) = attempts_of(0, 1, 2)
    assert attempts.after(LOST) is second
    assert attempts.after(REFUSED) is third


def test_a_replica_without_the_version_leads_to_each_other_once():
    attempts, (_, second, third) = attempts_of(0, 1, 2)
    assert attempts.after(MISSING) is second
    assert attempts.after(MISSING) is third
    with pytest.raises(NotFoundError):
        attempts.after(MISSING)


def test_a_version_may_be_on_the_replica_that_could_not_be_reached():
    attempts, (_, other) = attempts_of(0, 0)
    assert attempts.after(REFUSED) is other
    with pytest.raises(UnreachableError, match="refused"):
        attempts.after(MISSING)


def rolled(olds, news):
    """Attempts at a new version on replicas `news`, beside an old one on `olds`."""
    new, old = (
        Candidate(RouteCandidate("iris", version, 50, ()), tuple(found))
        for version, found in ((2, news), (1, olds))
    )
    return Attempts(new, news[0], [old])


def test_a_version_that_is_nowhere_to_be_reached_is_stood_in_for_by_one_beside_it():
    one, other, third = upstreams(0, 1, 0)
    attempts = rolled([one, third], [one, other])
    assert attempts.after(REFUSED) is other
    assert attempts.candidate.internal_model == "iris_2"
    assert attempts.after(REFUSED) is third  # the first cannot be reached
    assert attempts.candidate.internal_model == "iris_1"
    assert attempts.after(REFUSED) is third  # once more
    with pytest.raises(UnreachableError):
        attempts.after(REFUSED)


def test_a_replica_without_one_version_may_have_the_one_beside_it():
    (only,) = upstreams(0)
    attempts = rolled([only], [only])
    assert attempts.after(MISSING) is only
    assert attempts.candidate.internal_model == "iris_1"
    with pytest.raises(NotFoundError):
        attempts.after(MISSING)

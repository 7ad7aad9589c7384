"""Which version of our own additions two processes speak."""

import pytest

from seldon_core.errors import InvalidResourceError
from seldon_core.transport import link_protocol
from seldon_core.transport.link_protocol import agreed_protocol


@pytest.fixture(autouse=True)
def versions(monkeypatch):
    monkeypatch.setattr(link_protocol, "PROTOCOL", 5)
    monkeypatch.setattr(link_protocol, "OLDEST_PROTOCOL", 4)


@pytest.mark.parametrize(
    ("newest", "oldest", "agreed"),
    [(5, 5, 5), (4, 4, 4), (6, 5, 5), (5, 4, 5)],
    ids=["same", "older", "newer", "both"],
)
def test_the_newest_version_that_both_understand_is_spoken(newest, oldest, agreed):
    assert agreed_protocol(newest, oldest, "agent") == agreed


@pytest.mark.parametrize(
    ("newest", "oldest"), [(3, 3), (7, 6), (0, 0), (4, 5)], ids=["old", "new", "none", "odd"]
)
def test_versions_that_do_not_meet_are_refused(newest, oldest):
    with pytest.raises(InvalidResourceError) as refused:
        agreed_protocol(newest, oldest, "agent")
    assert str(refused.value) == (
        f"protocol: the agent speaks versions {oldest} to {newest}, the scheduler 4 to 5; "
        "update the older of the two"
    )

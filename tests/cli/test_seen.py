from seldon_core.cli.seen import Condition, seconds_of, show_since, show_time
from seldon_core.proto import scheduler_pb2 as pb
from tests.support.toy_scheduler import SINCE

WHEN = "2023-11-14T22:13:20Z"


def test_instants_are_utc():
    status = pb.ModelStatus(lastChangeTimestamp={"seconds": SINCE, "nanos": 500_000_000})
    assert seconds_of(status.lastChangeTimestamp) == SINCE + 0.5
    assert show_time(SINCE + 0.5) == WHEN
    years_ago = pb.ModelStatus(lastChangeTimestamp={"seconds": -62_135_596_800})
    assert show_since(seconds_of(years_ago.lastChangeTimestamp), SINCE) == "<unknown>"


def test_a_condition_is_shown_without_what_is_not_known():
    assert Condition("Ready", True).document() == {"type": "Ready", "status": "True"}

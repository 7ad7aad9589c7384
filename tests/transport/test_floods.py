import pytest

from seldon_core.transport.floods import BURST_S, Flood, Floods
from seldon_core.transport.settings import ListenerSettings

SETTINGS = ListenerSettings(
    resets_per_s=1, settings_per_s=2, pings_per_s=3, empty_data_per_s=4, window_updates_per_s=5
)
RATES = {
    Flood.RESETS: 1,
    Flood.SETTINGS: 2,
    Flood.PINGS: 3,
    Flood.EMPTY_DATA: 4,
    Flood.WINDOW_UPDATES: 5,
}


def test_every_kind_has_its_rate():
    assert set(RATES) == set(Flood)


@pytest.mark.parametrize(("kind", "rate"), RATES.items(), ids=[kind.name for kind in RATES])
def test_ten_seconds_worth_may_come_at_once_and_no_more(kind, rate):
    floods = Floods(SETTINGS, 50.0)
    burst = int(rate * BURST_S)
    assert [floods.is_flood(kind, 50.0) for _ in range(burst + 1)] == [False] * burst + [True]
    assert floods.describe(kind) == f"more than {rate} {kind.value} a second"


def test_kinds_are_counted_apart():
    floods = Floods(SETTINGS, 0.0)
    while not floods.is_flood(Flood.RESETS, 0.0):
        pass
    assert not floods.is_flood(Flood.PINGS, 0.0)


@pytest.mark.parametrize(
    ("per_s", "is_flood"), [(5, False), (6, True)], ids=["at the rate", "above it"]
)
def test_for_ever_only_the_rate_is_let_pass(per_s, is_flood):
    floods = Floods(SETTINGS, 0.0)
    found = [
        floods.is_flood(Flood.WINDOW_UPDATES, second + 0.5)
        for second in range(100)
        for _ in range(per_s)
    ]
    assert any(found) is is_flood


def test_a_long_pause_earns_no_more_than_a_burst():
    floods = Floods(SETTINGS, 0.0)
    passed = 0
    while not floods.is_flood(Flood.PINGS, 1e6):
        passed += 1
    # What was there, and what the pause has earned.
    assert passed == 2 * 3 * BURST_S

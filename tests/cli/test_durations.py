import pytest

from seldon_core.cli.durations import parse_duration, show_age
from seldon_core.errors import InvalidRequestError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300s", 300),
        ("5m", 300),
        ("1m30s", 90),
        ("1h", 3600),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("250ms", 0.25),
        ("7us", 7e-6),
        ("7µs", 7e-6),
        ("7ns", 7e-9),
        ("0", 0),
        ("-1s", -1),
        ("+2s", 2),
        (" 2s ", 2),
    ],
)
def test_durations_are_read_as_go_writes_them(text, seconds):
    assert parse_duration(text, "--timeout") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["300", "", "s", "5 m", "1d", "1m30", "five", "1s;", "0x1s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidRequestError) as caught:
        parse_duration(text, "--timeout")
    assert str(caught.value) == (
        f"--timeout: {text!r} is no duration; write for example 300s, 5m or 1m30s"
    )


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-3, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (250, "4m10s"),
        (600, "10m"),
        (3599, "59m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (9 * 3600, "9h"),
        (50 * 3600, "2d2h"),
        (9 * 86_400, "9d"),
        (800 * 86_400, "800d"),
    ],
)
def test_an_age_has_two_units_at_most(seconds, age):
    assert show_age(seconds) == age

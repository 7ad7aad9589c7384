"""A model's knobs: how they are written, read and shown, and that README.md lists them."""

from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.resources.knobs import KNOBS, NO_KNOBS, Knobs, parse_knobs, show_knobs
from seldon_core.resources.model import ModelSpec

VALUES: dict[str, st.SearchStrategy[object]] = {
    "keep_in_memory": st.booleans(),
    "isolation": st.sampled_from(["auto", "process"]),
    "timeout_ms": st.none() | st.integers(1, 86_400_000),
    "max_batch_delay_ms": st.integers(0, 60_000),
    "max_concurrency": st.none() | st.integers(1, 1_000_000),
    "max_queue": st.none() | st.integers(0, 1_000_000),
    "target_rps": st.none() | st.integers(1, 10**12).map(lambda millionths: millionths / 10**6),
    "scale_to_zero": st.just(True),
    "scale_to_zero_after_s": st.none() | st.integers(1, 31_536_000),
}
KNOBS_OF_ANY_KIND = st.builds(Knobs, **VALUES) | st.builds(
    Knobs, **{**VALUES, "scale_to_zero": st.just(False), "scale_to_zero_after_s": st.none()}
)


def test_every_knob_is_drawn_here():
    assert set(VALUES) == set(KNOBS) == set(get_type_hints(Knobs))


@given(KNOBS_OF_ANY_KIND)
def test_what_is_shown_reads_as_the_same_knobs(knobs):
    assert parse_knobs(show_knobs(knobs)) == knobs
    assert hash(parse_knobs(show_knobs(knobs))) == hash(knobs)


def test_a_time_to_be_scaled_to_zero_needs_a_model_that_is():
    given = {"seldon-core/scale-to-zero-after-s": "5"}
    for more in ({}, {"seldon-core/scale-to-zero": "false"}):
        with pytest.raises(ValueError, match="has no effect without seldon-core/scale-to-zero"):
            parse_knobs({**given, **more})


def test_only_what_differs_from_its_default_is_shown():
    assert show_knobs(NO_KNOBS) == {}
    assert show_knobs(Knobs(keep_in_memory=True, timeout_ms=20)) == {
        "seldon-core/keep-in-memory": "true",
        "seldon-core/timeout-ms": "20",
    }


def test_other_names_are_not_looked_at():
    assert parse_knobs({"app": "iris", "seldon.io/knob": "1"}) is NO_KNOBS


def test_a_default_may_be_given():
    shown = {knob.name: knob.default for knob in KNOBS.values() if knob.default}
    assert parse_knobs(shown) == NO_KNOBS


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("keep-in-memory", "True", "must be 'true' or 'false', not 'True'"),
        ("isolation", "thread", "must be 'auto' or 'process', not 'thread'"),
        *(
            (
                "target-rps",
                text,
                f"a number of requests a second above 0, up to 1000000, such as 2.5, not '{text}'",
            )
            for text in ("0", "0.0", "-1", "nan", "1e3", "1000000.5", "")
        ),
        (
            "timeout-ms",
            "0",
            "must be a whole number of milliseconds from 1 to 86400000, not '0'",
        ),
        ("timeout-ms", "1.5", "not '1.5'"),
        ("timeout-ms", "-1", "not '-1'"),
        ("timeout-ms", "", "not ''"),
        ("timeout-ms", "86400001", "not '86400001'"),
        ("timeout-ms", "1" * 5000, "must be a whole number"),
        ("timeout-ms", "٣", "not '٣'"),
    ],
)
def test_a_wrong_value_says_what_is_allowed(name, text, told):
    with pytest.raises(ValueError, match=f"^seldon-core/{name} must be ") as raised:
        parse_knobs({f"seldon-core/{name}": text})
    assert told in str(raised.value)


def test_an_unknown_knob_names_the_nearest():
    told = "^there is no setting 'seldon-core/timeout', did you mean seldon-core/timeout-ms[?]$"
    with pytest.raises(ValueError, match=told):
        parse_knobs({"seldon-core/timeout": "20"})


def test_an_unknown_knob_like_no_other_names_all():
    with pytest.raises(ValueError, match="known: seldon-core/keep-in-memory, seldon-core/isola"):
        parse_knobs({"seldon-core/%": "20"})


def test_a_changed_knob_makes_a_new_version_of_the_model():
    old = ModelSpec("iris", "file:///iris")
    new = ModelSpec("iris", "file:///iris", knobs=Knobs(timeout_ms=20))
    assert old.deployed_as(new) != new


def test_the_readme_has_a_row_for_each_knob():
    text = (Path(__file__).parents[2] / "README.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `seldon-core/")]
    assert rows == [
        f"| `{knob.name}` | {knob.values} | {knob.default or 'none'} | {knob.doc} |"
        for knob in KNOBS.values()
    ]

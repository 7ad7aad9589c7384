from perf.harness.figures import Row, Series, at_least
from perf.harness.results import (
    from_json,
    read_all,
    read_profiles,
    save,
    save_profile,
    to_json,
)
from tests.support.perf_results import result_of


def test_a_result_survives_its_json():
    ours = Series("ours", "requests/s", (1.0, 2.0))
    absent = Series("Triton", "", (), absent="not installed")
    result = result_of(
        "P1",
        Row("P1", "ratio", ours, ours, at_least(0.6)),
        Row("P1", "absent", ours, absent, at_least(2.0)),
        Row("P1", "alone", ours, None, None, "figure"),
    )
    assert from_json(to_json(result)) == result


def test_json_says_what_was_made_of_the_values():
    ours = Series("ours", "requests/s", (3.0,))
    text = to_json(result_of("P1", Row("P1", "t", ours, ours, at_least(2.0))))
    assert '"verdict": "missed by 50 %"' in text
    assert '"value": 1.0' in text


def test_results_are_read_in_the_order_of_their_numbers(tmp_path):
    for name in ("P11", "P2"):
        save(result_of(name), tmp_path / "results")
    assert [result.scenario for result in read_all(tmp_path / "results")] == ["P2", "P11"]


def test_a_new_run_replaces_the_old(tmp_path):
    save(result_of("P1", failure="no server"), tmp_path)
    save(result_of("P1"), tmp_path)
    assert read_all(tmp_path) == [result_of("P1")]


def test_profiles_are_read_in_the_order_of_their_scenarios(tmp_path):
    for name in ("P11", "P2"):
        save_profile(name, f"profile of {name}\n", tmp_path / "results")
    assert read_profiles(tmp_path / "results") == ["profile of P2\n", "profile of P11\n"]

from perf.harness import report
from perf.harness.figures import Row, Series, at_least, at_most
from tests.support.perf_results import result_of

OURS = Series("seldon-core", "requests/s", (20_000.0, 30_000.0, 25_000.0))
CEILING = Series("ceiling", "requests/s", (40_000.0, 50_000.0, 50_000.0))
ABSENT = Series("Triton", "", (), absent="make peers | first\nline two")


def lines_of(*results):
    return report.render(results).splitlines()


def test_a_row_shows_both_sides_the_ratio_its_spread_what_is_owed_and_the_verdict():
    row = Row("P1", "REST", OURS, CEILING, at_least(0.60))
    expected = (
        "| P1 | REST | seldon-core: 25,000 requests/s | ceiling: 50,000 requests/s "
        "| 0.50 x [0.50 - 0.60] | ≥ 0.60 x | **missed by 17 %** |"
    )
    assert expected in lines_of(result_of("P1", row))


def test_a_row_that_is_met_is_not_shouted():
    row = Row("P15", "p99", Series("ours", "ms", (3.0,)), None, at_most(20, "ms"), "figure")
    expected = "| P15 | p99 | ours: 3.00 ms | - | 3.00 ms [3.00 - 3.00] | ≤ 20.0 ms | met |"
    assert expected in lines_of(result_of("P15", row))


def test_an_absent_peer_is_reported_on_one_line_of_the_table():
    row = Row("P1", "REST", OURS, ABSENT, at_least(2.0))
    expected = (
        "| P1 | REST | seldon-core: 25,000 requests/s | Triton: absent | - | ≥ 2.00 x "
        "| **absent: make peers \\| first line two** |"
    )
    assert expected in lines_of(result_of("P1", row))


def test_a_row_that_owes_nothing_has_no_verdict():
    (line,) = [
        line for line in lines_of(result_of("P1", Row("P1", "fyi", OURS, CEILING))) if "fyi" in line
    ]
    assert line.endswith("| - | - |")


def test_a_scenario_that_could_not_run_says_why():
    text = report.render([result_of("P3", failure="the server did not start " * 50)])
    (line,) = [line for line in text.splitlines() if "did not run" in line]
    assert line.startswith("| P3 | title of P3 | - | - | - | - | **did not run**: the server did")
    assert line.endswith("… |")
    assert len(line) < 400


def test_the_page_names_commit_command_rounds_machine_and_versions():
    text = report.render([result_of("P1")])
    assert "| P1 | 2026-01-02 03:04 UTC | abc1234 | 3 | 4 | `python -m perf.bench` |" in text
    assert "## Machine and versions of P1\n" in text
    assert "a machine\n" in text
    assert "Python 3.11.7, wrk 4.1.0\n" in text


def test_scenarios_measured_on_one_machine_share_its_description():
    text = report.render([result_of("P1"), result_of("P2"), result_of("P3", machine="another")])
    assert "## Machine and versions of P1, P2\n" in text
    assert "## Machine and versions of P3\n" in text


def test_the_terminal_gets_the_rows_without_markup_of_a_table():
    text = report.plain([result_of("P1", Row("P1", "REST", OURS, CEILING, at_least(0.40)))])
    assert text.splitlines() == [
        "P1   REST",
        "     seldon-core: 25,000 requests/s  |  ceiling: 50,000 requests/s",
        "     0.50 x [0.50 - 0.60]   owed ≥ 0.40 x   met",
    ]


def test_profiles_stand_between_the_rows_and_the_runs():
    text = report.render([result_of("P1")], ["P1, 9 requests/s\n\n 50.0 %  uvloop\n"])
    picture, profile, runs = (
        text.index(each) for each in ("report.svg", " 50.0 %  uvloop", "## Runs")
    )
    assert picture < profile < runs
    assert "## Where the time goes" not in report.render([result_of("P1")])

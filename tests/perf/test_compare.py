from pathlib import Path

import pytest

from perf import compare, profile
from perf.harness.figures import Row, Series


def test_the_ratio_is_of_b_over_a_with_its_spread():
    a = Series("a", "requests/s", (100.0, 110.0, 90.0))
    b = Series("b", "requests/s", (110.0, 110.0, 99.0))
    assert compare.verdict(Row("P1", "t", b, a)) == (
        "P1: b / a = 1.100 [1.000 - 1.100]   a = 100 requests/s, b = 110 requests/s"
    )


def test_scenarios_that_measure_our_server_alone_can_be_compared():
    assert {"P1", "P2", "P3", "P4"} <= set(compare.comparable())
    assert "P11" not in compare.comparable()


@pytest.mark.parametrize("parse", [compare.parse, profile.parse], ids=["compare", "profile"])
def test_a_scenario_that_does_not_measure_our_server_alone_is_refused(parse, capsys):
    with pytest.raises(SystemExit):
        parse(["P11"])
    assert "P11 is none of P1" in capsys.readouterr().err


def test_a_folder_is_a_version_as_it_lies_there(tmp_path):
    with compare.tree_of(str(tmp_path)) as tree:
        assert tree == Path(tmp_path).resolve()


STACKS = [
    "main (app.py:1);infer (handler.py:10);run (onnx.py:5) 60",
    "main (app.py:1);infer (handler.py:12) 30",
    "main (app.py:2);main (app.py:1) 10",
    "run (threading.py:9);_worker (concurrent/futures/thread.py:83) 500",
    "",
]


def test_time_of_its_own_and_below_is_summed_over_the_lines_of_a_function():
    own, below = profile.shares(STACKS)
    assert own == {"run (onnx.py)": 60, "infer (handler.py)": 30, "main (app.py)": 10}
    assert below == {"main (app.py)": 100, "infer (handler.py)": 90, "run (onnx.py)": 60}


def test_the_profile_shows_shares_with_the_greatest_first():
    assert profile.shown(*profile.shares(STACKS), lines=2).splitlines() == [
        "     own  part",
        "  60.0 %  onnx.py",
        "  30.0 %  handler.py",
        "  10.0 %  app.py",
        "",
        "     own    below  function",
        "  60.0 %   60.0 %  run (onnx.py)",
        "  30.0 %   90.0 %  infer (handler.py)",
    ]


def test_a_frame_without_a_line_stays_as_it_is():
    assert profile.without_line("epoll_wait (libc.so.6)") == "epoll_wait (libc.so.6)"


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ("write (seldon_core/transport/answers.py)", "seldon_core/transport"),
        ("run (onnxruntime/capi/session.py)", "onnxruntime"),
        ("Runner.run (asyncio/runners.py)", "event loop: polling, reading, timers"),
    ],
    ids=["ours", "library", "loop"],
)
def test_a_function_belongs_to_a_part_of_the_program(frame, part):
    assert profile.part_of(frame) == part

from pathlib import Path

import pytest

from perf import bench, scenarios
from perf.harness.artifacts import Artifacts
from perf.harness.bench import Bench, Missing, point
from perf.harness.loads import Point
from perf.harness.outputs import LoadError
from perf.harness.servers import MlserverChoice


def bench_of(rounds: int = 3) -> Bench:
    return Bench(Path(), Artifacts(Path()), 1.0, rounds, say=lambda _line: None)


def counting(label: str, seen: list[str]) -> Point:
    """A point whose figure is how many measurements there have been."""

    def measure(_seconds: float) -> float:
        seen.append(label)
        return float(len(seen))

    return Point(label, "requests/s", measure)


def test_rounds_go_forward_and_backward_in_turns():
    seen: list[str] = []
    a, b = bench_of().measure(counting("a", seen), counting("b", seen), warm_up_s=0)
    assert seen == ["a", "b", "b", "a", "a", "b"]
    assert (a.values, b.values) == ((1.0, 4.0, 5.0), (2.0, 3.0, 6.0))


def test_a_warm_up_is_not_counted():
    seen: list[str] = []
    (a,) = bench_of().measure(counting("a", seen))
    assert a.values == (2.0, 3.0, 4.0)


def test_what_is_missing_keeps_its_place_and_its_reason():
    seen: list[str] = []
    missing, there = bench_of().measure(Missing("Triton", "not installed"), counting("a", seen))
    assert (missing.label, missing.values, missing.absent) == ("Triton", (), "not installed")
    assert len(there.values) == 3


def test_the_point_of_a_missing_server_is_missing():
    missing = Missing("Triton", "not installed")
    assert point(missing, lambda server: pytest.fail("called")) is missing


def test_an_absent_peer_is_missing_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SELDON_CORE_PEERS", str(tmp_path))
    mlserver = bench_of().mlserver(MlserverChoice(0, batching=False))
    assert isinstance(mlserver, Missing)
    assert "make peers" in mlserver.reason
    envoy = bench_of().envoy(mlserver)
    assert envoy == Missing("Envoy → MLServer", mlserver.reason)


def test_the_best_of_an_absent_mlserver_is_missing_for_every_load(tmp_path, monkeypatch):
    monkeypatch.setenv("SELDON_CORE_PEERS", str(tmp_path))
    found = [bench_of().best_mlserver(load) for load in ("rest 16", "rest 64", "lone", "grpc")]
    assert all(isinstance(server, Missing) for server in found)


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(["P99"], id="an unknown scenario"), pytest.param(["--rounds", "2"], id="rounds")],
)
def test_options_that_say_nothing_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        bench.parse(arguments)
    assert stopped.value.code == 2
    assert "error" in capsys.readouterr().err


def test_a_scenario_is_named_in_either_case():
    assert bench.parse(["p1", "P11"]).scenarios == ["P1", "P11"]


def test_a_scenario_whose_server_fails_is_a_result_with_the_reason(monkeypatch, capsys):
    class Failing:
        TITLE = "fails"

        @staticmethod
        def run(_bench: Bench) -> list[object]:
            raise LoadError("POST: 500")

    monkeypatch.setattr(scenarios, "load", lambda _name: Failing)
    result = bench.run_scenario("P1", bench_of())
    assert (result.rows, result.failure, result.title) == ((), "POST: 500", "fails")


@pytest.mark.parametrize("name", scenarios.names())
def test_each_scenario_has_a_title_and_runs(name):
    scenario = scenarios.load(name)
    assert scenario.TITLE
    assert callable(scenario.run)


def test_scenarios_are_known_by_their_numbers():
    assert set(scenarios.names()) >= {"P1", "P2", "P3", "P4", "P8", "P11", "P15"}

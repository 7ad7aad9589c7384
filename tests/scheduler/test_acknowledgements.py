import pytest

from seldon_core.scheduler.acknowledgements import Answer, Clocks, Operation, Outcome, Round

W, R, T, F, X, B = (
    Answer.WAITING,
    Answer.READY,
    Answer.TERMINATED,
    Answer.FAILED,
    Answer.TERMINATE_FAILED,
    Answer.REBALANCING,
)
CREATE, DELETE, REBALANCE = Operation.CREATE, Operation.DELETE, Operation.REBALANCE


@pytest.mark.parametrize(
    ("operation", "answers", "outcome", "reason"),
    [
        pytest.param(CREATE, [W], Outcome.UNDER_WAY, "", id="nothing yet"),
        pytest.param(CREATE, [R], Outcome.DONE, "1/1 ready ", id="ready"),
        pytest.param(CREATE, [R, F], Outcome.DONE, "1/2 ready 1/2 failed ", id="one is enough"),
        pytest.param(CREATE, [R, W], Outcome.UNDER_WAY, "1/2 ready ", id="one is waited for"),
        pytest.param(CREATE, [F, W], Outcome.UNDER_WAY, "1/2 failed ", id="the other may do"),
        pytest.param(CREATE, [F, F], Outcome.FAILED, "2/2 failed ", id="all failed"),
        pytest.param(DELETE, [T, W], Outcome.UNDER_WAY, "1/2 terminated ", id="one has it yet"),
        pytest.param(DELETE, [T, T], Outcome.DONE, "2/2 terminated ", id="gone"),
        pytest.param(
            DELETE,
            [T, X, W],
            Outcome.FAILED,
            "1/3 terminated 1/3 failed terminating ",
            id="one cannot let go",
        ),
        pytest.param(
            REBALANCE, [R, B], Outcome.UNDER_WAY, "1/2 ready 1/2 rebalancing ", id="rebalancing"
        ),
        pytest.param(REBALANCE, [R, W], Outcome.DONE, "1/2 ready ", id="rebalanced"),
        pytest.param(REBALANCE, [F], Outcome.FAILED, "1/1 failed ", id="rebalance failed"),
    ],
)
def test_answers_come_to_an_outcome(
    operation: Operation, answers: list[Answer], outcome: Outcome, reason: str
) -> None:
    current = Round(1, operation, {f"m{place}": answer for place, answer in enumerate(answers)})

    assert current.outcome is outcome
    assert current.reason == reason


def test_each_order_has_the_next_number_of_its_name() -> None:
    clocks = Clocks()

    assert [clocks.begin("p", CREATE, ["m"]) for _ in range(3)] == [1, 2, 3]
    assert clocks.begin("q", CREATE, ["m"]) == 1


def test_only_those_who_were_asked_last_are_heard() -> None:
    clocks = Clocks()
    overtaken = clocks.begin("p", CREATE, ["m"])
    current = clocks.begin("p", CREATE, ["m", "n"])

    assert clocks.take("p", "m", overtaken, R) is None
    assert clocks.take("p", "other", current, R) is None
    assert clocks.take("q", "m", current, R) is None
    taken = clocks.take("p", "m", current, R)
    assert taken is not None
    assert taken.answers == {"m": R, "n": W}


def test_a_forgotten_name_starts_at_one_again() -> None:
    clocks = Clocks()
    clocks.begin("p", DELETE, ["m"])
    clocks.forget("p")
    clocks.forget("p")

    assert clocks.take("p", "m", 1, T) is None
    assert clocks.begin("p", CREATE, ["m"]) == 1

import pytest

from seldon_core.cli.waiting import wait_until


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 100.0
        self.pauses = []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def read(self):
        return self.now


def wait(time, answers, timeout_s):
    seen = iter(answers)
    return wait_until(
        lambda: next(seen), lambda each: each == "ready", timeout_s, sleep=time.sleep, now=time.read
    )


def test_what_is_ready_at_once_is_not_waited_for():
    time = Time()
    assert wait(time, ["ready"], 0) == ("ready", True)
    assert time.pauses == []


def test_pauses_grow_from_a_twentieth_of_a_second_to_a_second():
    time = Time()
    assert wait(time, ["no"] * 7 + ["ready"], 60) == ("ready", True)
    assert time.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_the_last_look_is_when_time_is_up():
    time = Time()
    assert wait(time, ["no", "no", "no", "almost"], 0.25) == ("almost", False)
    assert sum(time.pauses) == pytest.approx(0.25)


def test_a_second_look_when_time_is_up_may_be_the_good_one():
    assert wait(Time(), ["no", "ready"], 0.01) == ("ready", True)

"""`kill -9` at any moment: what was acknowledged is there again, and no call gets a wrong answer.

Killing a process shows what it had not handed to the system; what the system had not brought to the
disk only a loss of power would show. For that there is `tests/scheduler/test_store.py`.
"""

import random
import re
import time

import pytest

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.model import ModelSpec
from tests.support.kill_rounds import KillRounds
from tests.support.long_run import TOLD
from tests.support.numbered_models import Sort
from tests.support.witness import Witness

SHORT_S = 20.0
"""`make test` begins no round after so long."""

LONG_ROUNDS = 100


@pytest.fixture
def seed(request):
    given = request.config.getoption("--kill-seed")
    return random.SystemRandom().randrange(10**6) if given is None else given


@pytest.mark.system
def test_a_killed_server_comes_back_with_what_it_acknowledged(tmp_path, seed, request, capsys):
    rounds = request.config.getoption("--kill-rounds")
    run_rounds(tmp_path, seed, rounds or LONG_ROUNDS, None if rounds else SHORT_S, request, capsys)


@pytest.mark.long
@pytest.mark.system
def test_a_server_killed_a_hundred_times_comes_back_with_what_it_acknowledged(
    tmp_path, seed, request, capsys
):
    rounds = request.config.getoption("--kill-rounds") or LONG_ROUNDS
    run_rounds(tmp_path, seed, rounds, None, request, capsys)


def run_rounds(folder, seed, rounds, limit_s, request, capsys):
    began = time.monotonic()
    kills = KillRounds(folder, seed)
    kills.run(rounds, limit_s)
    witness = kills.witness
    tell = request.config.pluginmanager.get_plugin("terminalreporter").write_line
    with capsys.disabled():
        tell(
            f"\n{TOLD}kill -9, seed {seed}: {kills.rounds} rounds with {kills.kills} kills in "
            f"{time.monotonic() - began:.0f} s; {witness.requests} requests, {witness.kept} "
            f"acknowledged; {witness.answers} calls answered, {witness.refusals} refused"
        )
    again = f"-m '' --kill-seed {seed} --kill-rounds {kills.rounds}"
    command = f"Again: pytest {request.node.nodeid} {again}"
    assert not witness.violations, "\n".join([*witness.violations[:20], command])
    assert witness.answers > 10 * kills.rounds, "hardly anything was called"


def spec(uri, **fields):
    return ModelSpec("iris", uri, **fields)


class Told:
    """A witness that was told of three artifacts; each second something happens."""

    def __init__(self):
        self.witness = Witness()
        self.witness.begin_life()
        self.first = self.declare(1, Sort.HEALTHY, 1)
        self.second = self.declare(2, Sort.HEALTHY, 3)
        self.third = self.declare(3, Sort.BROKEN, 5)

    def declare(self, number, sort, now):
        request = self.witness.send("iris", spec(f"/{number}"), number, sort, now)
        self.witness.keep(request, now + 0.5)
        return request

    def delete(self, now):
        request = self.witness.send("iris", None, 0, Sort.HEALTHY, now)
        self.witness.keep(request, now + 0.5)


def status(number, version, **fields):
    version_ = pb.ModelVersionStatus(version=version, modelDefn=message_of(spec(f"/{number}")))
    return pb.ModelStatusResponse(modelName="iris", versions=[version_], **fields)


def wrongs(tell):
    told = Told()
    tell(told)
    return told.witness.violations


@pytest.mark.parametrize(
    ("tell", "wrong"),
    [
        (lambda t: t.witness.answered("iris", 1, "iris_2", 6, 7), "but it is iris_1"),
        (lambda t: t.witness.answered("iris", 3, "iris_3", 6, 7), "but that is iris_3, broken"),
        (lambda t: t.witness.answered("iris", 9, "iris_9", 6, 7), "but it was never declared"),
        (
            lambda t: [
                t.witness.answered("iris", number, f"iris_{number}", at, at + 1)
                for number, at in ((2, 6), (1, 8))
            ],
            "but iris_2, healthy artifact 2 had come 1.0",
        ),
        (
            lambda t: [
                t.witness.see("iris", spec("/2"), 2, 6),
                t.witness.answered("iris", 1, "iris_1", 7, 8),
            ],
            "but iris_2, healthy artifact 2 had come 1.0",
        ),
        (
            lambda t: [t.delete(8), t.witness.answered("iris", 2, "iris_2", 9, 10)],
            "but it was deleted 0.5",
        ),
        (
            lambda t: [
                t.witness.answered("iris", 2, "iris_2", 6, 7),
                t.witness.refused("iris", "503", 8, 9),
            ],
            "refusal of a call of iris: 503, but iris_2, healthy artifact 2 served 1.0",
        ),
        (lambda t: t.witness.see("iris", spec("/2"), 7, 6), "iris_2, .* is numbered 7"),
        (lambda t: t.witness.see("iris", spec("/8"), 4, 6), "which was never declared"),
        (lambda t: t.witness.return_as([]), "iris_3, .* was acknowledged, and now .* nothing"),
        (
            lambda t: t.witness.return_as([status(2, 2)]),
            "iris_3, .* was acknowledged, and now there is version 2 of /2",
        ),
        (
            lambda t: [t.delete(8), t.witness.return_as([status(3, 3)])],
            "deletion of iris was acknowledged, and now there is version 3 of /3",
        ),
        (
            lambda t: [
                t.witness.send("iris", spec("/4"), 4, Sort.HEALTHY, 7),
                t.witness.answered("iris", 4, "iris_4", 8, 9),
                t.witness.return_as([status(3, 3)]),
            ],
            "iris_4, healthy artifact 4 has served, and is lost",
        ),
    ],
    ids=[
        "another version's name",
        "a broken artifact",
        "an unknown artifact",
        "an old version after a new one",
        "an old version after a new one is available",
        "an answer of a deleted model",
        "no answer of one that serves",
        "another number",
        "an unknown status",
        "a lost model",
        "a lost version",
        "a lost deletion",
        "a lost request that had an effect",
    ],
)
def test_the_witness_notices(tell, wrong):
    (found,) = wrongs(tell)
    assert re.search(wrong, found), found


@pytest.mark.parametrize(
    "tell",
    [
        lambda t: t.witness.answered("iris", 1, "iris_1", 2, 3),
        lambda t: t.witness.refused("iris", "503 is loading", 2, 3),
        lambda t: t.witness.return_as([status(3, 3)]),
        lambda t: [t.delete(8), t.witness.return_as([status(3, 3, deleted=True)])],
        lambda t: [t.delete(8), t.witness.refused("iris", "404", 9, 10)],
        lambda t: [
            t.witness.send("iris", spec("/4"), 4, Sort.HEALTHY, 7),
            t.witness.return_as([status(3, 3)]),
        ],
        lambda t: [
            t.witness.send("iris", spec("/4"), 4, Sort.HEALTHY, 7),
            t.witness.return_as([status(4, 4)]),
        ],
        lambda t: [
            t.witness.answered("iris", 2, "iris_2", 6, 7),
            t.witness.kill(8),
            t.witness.refused("iris", "503", 8, 9),
        ],
    ],
    ids=[
        "an answer",
        "a refusal before it has come",
        "the latest version after a restart",
        "a deletion after a restart",
        "a refusal after a deletion",
        "a request that nobody kept",
        "a request that was kept unheard",
        "a refusal by a process that is killed",
    ],
)
def test_the_witness_lets_pass(tell):
    assert wrongs(tell) == []


def test_the_witness_expects_the_newest_that_has_come():
    told = Told()
    told.witness.answered("iris", 1, "iris_1", 6, 7)
    assert list(told.witness.expected()) == [("iris", [1, 2])]
    told.declare(4, Sort.HEALTHY, 8)
    assert list(told.witness.expected()) == [("iris", [4])]
    told.delete(9)
    assert list(told.witness.expected()) == [("iris", [])]

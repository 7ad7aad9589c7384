"""`kill -9` over roles: scheduler, routers and agents are processes, and any may go at any time."""

import random
import time

import pytest

from tests.support.long_run import TOLD
from tests.support.role_rounds import RoleRounds

SHORT_S = 6.0
"""`make test` begins no round after so long."""

LONG_ROUNDS = 200


@pytest.fixture
def seed(request):
    given = request.config.getoption("--kill-seed")
    return random.SystemRandom().randrange(10**6) if given is None else given


KINDS = pytest.mark.parametrize("is_owned", [False, True], ids=["roles", "owner"])


@pytest.mark.system
@KINDS
def test_processes_that_are_killed_lose_nothing_that_was_acknowledged(
    tmp_path, seed, is_owned, request, capsys
):
    rounds = request.config.getoption("--kill-rounds")
    limit_s = None if rounds else SHORT_S
    run_rounds(tmp_path, seed, is_owned, rounds or LONG_ROUNDS, limit_s, request, capsys)


@pytest.mark.long
@pytest.mark.system
@KINDS
def test_processes_killed_two_hundred_times_lose_nothing_that_was_acknowledged(
    tmp_path, seed, is_owned, request, capsys
):
    rounds = request.config.getoption("--kill-rounds") or LONG_ROUNDS
    run_rounds(tmp_path, seed, is_owned, rounds, None, request, capsys)


def run_rounds(folder, seed, is_owned, rounds, limit_s, request, capsys):
    began = time.monotonic()
    kills = RoleRounds(folder, seed, is_owned)
    kills.run(rounds, limit_s)
    witness = kills.witness
    who = "an owner and its agents" if is_owned else "scheduler, routers and agents"
    tell = request.config.pluginmanager.get_plugin("terminalreporter").write_line
    with capsys.disabled():
        tell(
            f"\n{TOLD}kill -9 of {who}, seed {seed}: {kills.rounds} rounds with {kills.kills} "
            f"kills in {time.monotonic() - began:.0f} s; {witness.requests} requests, "
            f"{witness.kept} acknowledged; {witness.answers} calls answered, "
            f"{witness.refusals} refused"
        )
    again = f"-m '' --kill-seed {seed} --kill-rounds {kills.rounds}"
    command = f"Again: pytest {request.node.nodeid} {again}"
    assert not witness.violations, "\n".join([*witness.violations[:20], command])
    # A round may be over before a process serves.
    assert witness.answers > 10 * (kills.rounds - 4), "hardly anything was called"

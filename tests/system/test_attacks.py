"""Attackers over real sockets against a real server process, with one honest client beside.

Whatever they do: the log tells of no bug, nothing is left over when they are gone, and the client
is answered as if they were not there.
"""

import random

import pytest

from tests.support.attacked import attacked_server
from tests.support.attacks_http1 import ATTACKS as HTTP1
from tests.support.attacks_http2 import ATTACKS as HTTP2
from tests.support.long_run import TOLD

SHORT_S = 0.3
GENEROUS_P99_S = 0.1
"""In `make test` other things run on the same cores."""

LONG_S = 5.0
LONG_P99_S = 0.02
CROWD_P99_S = 0.1
"""Beside hundreds of connections that are all as busy as they can be: a turn of the loop lasts for
128 requests, and a call waits for two or three turns. In their first one all connections are read
for the first time, which is most of what `SHORT_S` sees: with 256 calls each over HTTP/2 that takes
88 ms of processor time on two cores that others use as well."""

FIRST_S = 1.0
"""From a connection beside such a crowd, which connected before it, to its first answer."""

CROWDS = {"pipelining_crowd", "multiplexing_crowd"}

TRIES = 3
"""What else runs on the machine disturbs one try, and a fault of ours disturbs all."""

GROWTH_BYTES = 100 << 20
"""What the allocator may keep of what was once needed, all attacks together."""

ANSWERS = {
    "header_bomb": "431",
    "many_headers": "431",
    "slow_header": "408",
    "slow_body": "408",
    "empty_promise": "408",
    "smuggling": "400",
    "gzip_bomb": "413",
    "half_closed": "200",
    "streams": "goaway 1",
    "rapid_resets": "goaway 11",
    "rapid_rpc_resets": "goaway 11",
    "provoked_resets": "goaway 1",
    "settings": "goaway 11",
    "empty_settings": "goaway 11",
    "pings": "goaway 11",
    "priorities": "goaway 11",
    "priority_updates": "goaway 11",
    "unknown_frames": "goaway 11",
    "empty_data": "goaway 11",
    "empty_rpc_data": "goaway 11",
    "padding": "goaway 11",
    "window_updates": "goaway 11",
    "stream_window_updates": "goaway 11",
    "window_errors": "goaway 3",
}
"""What the attackers hear at least once in the long runs, where they hear anything."""


@pytest.fixture(scope="module")
def attacked(samples, tmp_path_factory):
    with attacked_server(samples, tmp_path_factory.mktemp("attacked")) as server:
        yield server


@pytest.fixture(scope="module")
def seed(request):
    given = request.config.getoption("--attack-seed")
    return random.SystemRandom().randrange(10**6) if given is None else given


@pytest.mark.system
@pytest.mark.parametrize("name", [*HTTP1, *HTTP2])
def test_a_lone_client_is_served_beside(attacked, name, seed):
    outcome = attacked.attack(name, SHORT_S, seed, name in CROWDS)
    check(attacked, outcome, name, seed, FIRST_S if name in CROWDS else GENEROUS_P99_S)


@pytest.mark.long
@pytest.mark.system
@pytest.mark.parametrize("name", [*HTTP1, *HTTP2])
def test_a_lone_client_is_answered_as_fast_beside(attacked, name, seed, request, capsys):
    p99_s = CROWD_P99_S if name in CROWDS else LONG_P99_S
    for _ in range(TRIES):
        outcome = attacked.attack(name, LONG_S, seed, name in CROWDS)
        if outcome.lone.wrong or outcome.lone.percentile(0.99) < p99_s:
            break
    tell = request.config.pluginmanager.get_plugin("terminalreporter").write_line
    heard = {what: n for what, n in outcome.heard.items() if what != "bytes"}
    with capsys.disabled():
        tell(
            f"\n{TOLD}attack {name}, seed {seed}: p99 {milliseconds(outcome.lone, 0.99)} ms of "
            f"{len(outcome.lone.seconds)} calls beside, longest {milliseconds(outcome.lone, 1)}; "
            f"{heard}"
        )
    check(attacked, outcome, name, seed, p99_s)
    if name in ANSWERS:
        assert outcome.heard.get(ANSWERS[name]), f"heard {heard} and never {ANSWERS[name]}"


def milliseconds(lone, share):
    return f"{lone.percentile(share) * 1e3:.1f}" if lone.seconds else "no"


def check(attacked, outcome, name, seed, p99_s):
    assert outcome.lone.wrong == [], f"the lone client beside {name}, seed {seed}"
    assert outcome.heard.get("smuggled", 0) == 0
    left = attacked.settled()
    assert attacked.leaks(left) == [], f"after {name}, seed {seed}"
    assert attacked.undeclared() == []
    grown = left.resident_bytes - attacked.before.resident_bytes
    assert grown < GROWTH_BYTES, f"{grown >> 20} MiB more after {name}, seed {seed}"
    assert outcome.lone.percentile(0.99) < p99_s
    assert max(outcome.lone.first_seconds, default=0) < FIRST_S

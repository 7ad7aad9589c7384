"""Roles whose connections are stalled, cut, half-closed, reset and slow, by proxies between."""

import json
import time
import urllib.error
import urllib.request

import pytest

from perf.harness import bodies
from perf.harness.processes import free_port
from perf.harness.servers import READY
from tests.support.role_processes import until
from tests.support.server import serving
from tests.support.weak_link import weak_link
from tests.system.test_lost_replicas import PATH, Processes

pytestmark = pytest.mark.system

LONGEST_CALL_S = 20.0
BODY = bodies.IRIS_JSON.encode()


def call(port, path=PATH, body=BODY, timeout_s=LONGEST_CALL_S, header=None):
    """Call over REST; return the status, and see that it comes in time."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        body,
        {"content-type": "application/json", **(header or {})},
    )
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    assert time.monotonic() - began < timeout_s
    return status


@pytest.fixture(scope="module")
def roles(samples, tmp_path_factory):
    """A scheduler, a router and an agent, each of both with a weak link to the scheduler."""
    folder = tmp_path_factory.mktemp("roles")
    models = ["--models", str(samples / "models"), f"--data-dir={folder / 'scheduler'}"]
    ports = ["--scheduler-port=0", "--agent-port=0", "--admin-port=0"]
    with serving("serve", "--role=scheduler", *models, *ports) as scheduler:
        target = scheduler.ports["agent"]
        with weak_link(target) as to_router, weak_link(target) as to_agent:
            free = ["--port=0", "--admin-port=0"]
            trusted = ["--set", f"agent.trustedPrefixes={samples}"]
            data = f"--data-dir={folder / 'agent'}"
            with (
                serving(
                    "serve",
                    "--role=agent",
                    f"--scheduler-port={to_agent.port}",
                    data,
                    *trusted,
                    *free,
                ) as agent,
                serving(
                    "serve", "--role=router", f"--scheduler-port={to_router.port}", *free
                ) as router,
            ):
                assert until(lambda: call(router.port) == 200, 30)
                yield scheduler, router, agent, to_router, to_agent
                for server in (router, agent):
                    assert server.stop() == 0
                    assert "Traceback" not in server.output


def places(scheduler):
    with urllib.request.urlopen(f"{scheduler.admin}/status", timeout=10) as answer:
        (found,) = [row for row in json.loads(answer.read())["models"] if row["name"] == "iris"]
    return found["replicas"]


def half_closed(link):
    link.half_close()


def reset(link):
    link.reset()


def cut(link):
    link.cut()
    time.sleep(0.3)  # for what is cut to be tried again
    link.heal()


def stalled(link):
    link.stall()
    time.sleep(2.5)  # not so long that anybody is given up
    link.heal()


HARMS = pytest.mark.parametrize("harm", [half_closed, reset, cut, stalled])


@HARMS
def test_a_router_serves_on_over_a_link_to_the_scheduler_that_fails(roles, harm):
    _, router, _, link, _ = roles
    connections = link.connections
    harm(link)
    assert {call(router.port) for _ in range(20)} == {200}
    if harm is not stalled:
        assert until(lambda: link.connections > connections, 10)
    assert {call(router.port) for _ in range(20)} == {200}


@HARMS
def test_an_agent_that_the_scheduler_has_lost_is_back_with_what_it_holds(roles, harm):
    scheduler, router, agent, _, link = roles
    connections, loads = link.connections, agent.output.count("model loaded")
    harm(link)
    # There is no other replica; whoever calls meanwhile is told so, and does not wait.
    assert {call(router.port, timeout_s=5) for _ in range(20)} <= {200, 404, 503}
    if harm is not stalled:
        assert until(lambda: link.connections > connections, 10)
    assert until(lambda: places(scheduler) == ["mlserver/0"], 20)
    assert until(lambda: call(router.port) == 200, 5)
    assert {call(router.port) for _ in range(20)} == {200}
    assert agent.output.count("model loaded") == loads
    assert call(agent.port) == 200


def test_a_slow_link_to_the_scheduler_is_slow_and_nothing_else(roles):
    scheduler, router, _, *links = roles
    told = [("agent subscribed", scheduler), ("all routes are known", router)]
    for link in links:
        link.delay_s, link.bytes_per_s = 0.2, 8000.0
        link.reset()
    counts = [server.output.count(text) for text, server in told]
    assert until(
        lambda: all(s.output.count(t) > c for (t, s), c in zip(told, counts, strict=True)), 30
    )
    assert until(lambda: places(scheduler) == ["mlserver/0"], 10)
    assert until(lambda: call(router.port) == 200, 10)
    time.sleep(6)  # longer than between the pings of both sides
    assert [server.output.count(text) for text, server in told] == [c + 1 for c in counts]
    for link in links:
        link.delay_s = link.bytes_per_s = 0.0


@pytest.fixture(scope="module")
def hop(tmp_path_factory):
    """A router before two agents, by weak links."""
    processes = Processes(tmp_path_factory.mktemp("hop"))
    try:
        ports = [free_port(), free_port()]
        for port in ports:
            processes.agent(port)
        with weak_link(ports[0]) as first, weak_link(ports[1]) as second:
            front = free_port()
            behind = f"{first.port},{second.port}"
            router = processes.start("router", front, behind, "iris")
            router.wait_ready(front, READY)
            yield front, first, second
    finally:
        processes.stop()


@HARMS
def test_no_call_is_lost_when_one_of_two_links_to_replicas_fails(hop, harm):
    front, first, _ = hop
    for _ in range(3):
        harm(first)
        assert {call(front) for _ in range(30)} == {200}


def test_calls_over_two_dead_links_fail_within_their_time_and_come_back(hop):
    front, first, second = hop
    for link in (first, second):
        link.stall()
    began = time.monotonic()
    status = call(front, header={"grpc-timeout": "3S"})
    assert status in (503, 504)
    assert time.monotonic() - began < LONGEST_CALL_S
    for link in (first, second):
        link.heal()
    assert until(lambda: call(front) == 200, 10)


def test_a_slow_link_to_a_replica_takes_longer_and_loses_nothing(hop):
    front, first, second = hop
    for link in (first, second):
        link.delay_s, link.bytes_per_s = 0.2, 8000.0
    began = time.monotonic()
    assert {call(front) for _ in range(3)} == {200}
    assert time.monotonic() - began > 3 * 0.4

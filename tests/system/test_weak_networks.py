"""Roles in network namespaces of their own, whose links are split, or slow."""

import contextlib
import json
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.transport.control_client import SchedulerClient
from tests.support.numbered_models import INPUT, ArtifactShop, Sort
from tests.support.role_processes import SERVER, until
from tests.support.server import serving
from tests.support.weak_network import Weakness, weak_network, why_not

WHY_NOT = why_not()

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

MEMBERS = ("scheduler", "router", "agent0", "agent1")
SLOW = Weakness(delay_s=0.2, loss=0.01, bits_per_s=64_000)
BODY = {"inputs": [{"name": INPUT, "shape": [1], "datatype": "FP32", "data": [0.0]}]}
LONGEST_CALL_S = 20.0


class World:
    """The four processes and a client, which is the test."""

    def __init__(self, folder, network):
        self.network = network
        self.shop = ArtifactShop(folder / "artifacts")
        self.folder = folder
        self.stack = contextlib.ExitStack()
        self.servers = {}
        addresses = network.addresses
        self.url = f"http://{addresses['router']}:9000"
        self.api = f"{addresses['scheduler']}:9004"

    def start(self):
        open_to_all = ("--control-host=0.0.0.0", "--insecure-control")
        link = (f"--scheduler-host={self.network.addresses['scheduler']}", "--host=0.0.0.0")
        self._start("scheduler", "--role=scheduler", *open_to_all)
        self._start("router", "--role=router", *link, *open_to_all)
        for index in range(2):
            replica = (f"--server-name={SERVER}", f"--replica-idx={index}")
            self._start(f"agent{index}", "--role=agent", *link, *replica)
        assert until(lambda: self.replicas() == 2, 30)

    def _start(self, name, *arguments):
        program = (*self.network.command(name), sys.executable, "-m", "seldon_core")
        data = f"--data-dir={self.folder / name}"
        started = serving("serve", data, *arguments, command=program)
        self.servers[name] = self.stack.enter_context(started)

    def stop(self):
        self.network.heal()
        for server in reversed(self.servers.values()):
            assert server.stop() == 0
            assert "Traceback" not in server.output
        self.stack.close()

    def replicas(self):
        with SchedulerClient(self.api) as client:
            found = list(client.server_status(pb.ServerStatusRequest(name=SERVER)))
        return found[0].availableReplicas if found else 0

    def declare(self, name, replicas=2, sort=Sort.HEALTHY):
        number, spec = self.shop.make(name, sort)
        with SchedulerClient(self.api) as client:
            message = message_of(replace(spec, replicas=replicas))
            client.load_model(pb.LoadModelRequest(model=message))
        return number

    def state(self, name):
        """Of the latest version: how many replicas have it, and the name of its state."""
        request = pb.ModelStatusRequest(model={"name": name})
        with SchedulerClient(self.api) as client:
            (status,) = client.model_status(request)
        state = status.versions[-1].state
        return state.availableReplicas, pb.ModelStatus.ModelState.Name(state.state)

    def call(self, name):
        """Call a model; return the artifact that answered, or the status, and how long it took."""
        request = urllib.request.Request(
            f"{self.url}/v2/models/{name}/infer",
            json.dumps(BODY).encode(),
            {"content-type": "application/json"},
        )
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = int(json.loads(answer.read())["outputs"][0]["data"][0])
        except urllib.error.HTTPError as error:
            found = f"{error.code} {error.read().decode()}"
            error.close()
        took_s = time.monotonic() - began
        assert took_s < LONGEST_CALL_S, f"{found} after {took_s:.1f} s"
        return found

    def serves(self, name, number, replicas=2, timeout_s=60):
        """Whether, before long, it is on so many replicas, and every call is answered by it."""
        if not until(lambda: self.state(name) == (replicas, "ModelAvailable"), timeout_s):
            return False
        return until(lambda: {self.call(name) for _ in range(8)} == {number}, timeout_s)


@pytest.fixture
def world(tmp_path):
    with weak_network(MEMBERS, 1) as network:
        made = World(tmp_path, network)
        try:
            made.start()
            yield made
            made.stop()
        finally:
            made.stack.close()


def test_a_router_split_from_the_scheduler_serves_on_and_hears_of_everything_later(world):
    number = world.declare("iris")
    assert world.serves("iris", number)
    world.network.split("scheduler", "router")
    assert {world.call("iris") for _ in range(20)} == {number}
    newer = world.declare("iris")
    other = world.declare("other")
    assert until(lambda: world.state("iris") == (2, "ModelAvailable"), 20)
    found = {world.call("iris") for _ in range(5)}
    assert found <= {number, newer} or all(str(each).startswith("404") for each in found)
    assert world.call("other") == '404 {"error":"model \'other\' not found"}'
    world.network.heal()
    assert world.serves("iris", newer)
    assert world.serves("other", other)


def test_calls_go_elsewhere_when_a_router_is_split_from_an_agent(world):
    number = world.declare("iris")
    assert world.serves("iris", number)
    world.network.split("router", "agent0")
    assert {world.call("iris") for _ in range(40)} == {number}
    world.network.heal()
    newer = world.declare("iris")
    assert world.serves("iris", newer)


@pytest.mark.long
def test_an_agent_split_from_the_scheduler_is_done_without_and_comes_back_right(world):
    number = world.declare("iris")
    gone = world.declare("gone", replicas=1)
    assert world.serves("iris", number)
    assert world.serves("gone", gone, replicas=1)
    world.network.split("scheduler", "agent1")
    # It is noticed by pings, which are 5 s apart and have 10 s.
    assert until(lambda: world.replicas() == 1, 30)
    assert {world.call("iris") for _ in range(20)} == {number}
    newer = world.declare("iris", replicas=1)
    newest = world.declare("gone")
    assert world.serves("iris", newer, replicas=1)
    world.network.heal()
    assert world.serves("gone", newest)
    assert world.serves("iris", newer, replicas=1)


def test_links_that_are_slow_and_lose_packets_only_take_longer(world):
    world.network.slow_down(SLOW)
    numbers = {f"m{index}": world.declare(f"m{index}") for index in range(2)}
    for name, number in numbers.items():
        assert world.serves(name, number)
    newer = world.declare("m0")
    assert world.serves("m0", newer)
    assert world.replicas() == 2


def test_processes_that_are_all_split_find_each_other_again(world):
    number = world.declare("iris")
    assert world.serves("iris", number)
    for one in MEMBERS:
        for other in set(MEMBERS) - {one}:
            world.network.split(one, other)
    began = time.monotonic()
    assert str(world.call("iris")).startswith("503")
    assert time.monotonic() - began < LONGEST_CALL_S
    world.network.heal()
    assert world.serves("iris", number)

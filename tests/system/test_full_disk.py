"""A server whose disk is full: what it refuses, what goes on, and what is there afterwards.

The limit on the size of the process's files stands for the disk: what would grow a file fails.
"""

import resource
import time

import pytest

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.transport.control_client import RpcError, SchedulerClient
from tests.support.kill_clients import RestCaller
from tests.support.kill_rounds import EPHEMERAL
from tests.support.numbered_models import ArtifactShop, Sort
from tests.support.server import serving
from tests.support.witness import Witness

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux's prlimit"),
]

ENDURANCE = 500  # declarations; far fewer fill what room a store's file has inside
PATIENCE_S = 30.0


@pytest.fixture
def shop(tmp_path):
    return ArtifactShop(tmp_path / "artifacts")


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def serve(data):
    return serving("serve", "--data-dir", str(data), *EPHEMERAL)


def client_of(server):
    return SchedulerClient(f"127.0.0.1:{server.ports['scheduler']}")


def declare(client, shop, name):
    number, spec = shop.make(name, Sort.HEALTHY)
    client.load_model(pb.LoadModelRequest(model=message_of(spec)))
    return number


def state_of(client, name):
    (status,) = client.model_status(pb.ModelStatusRequest(model=pb.ModelReference(name=name)))
    return status.versions[-1].state.state


def within_patience(attempt):
    """Return what `attempt()` does as soon as it is not None."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        outcome = attempt()
        if outcome is not None:
            return outcome
        time.sleep(0.02)
    raise TimeoutError(f"not within {PATIENCE_S} s")


def available(client, name):
    is_available = state_of(client, name) == pb.ModelStatus.ModelAvailable
    return True if is_available else None


def fill(server, data):
    """Let no file of the server grow beyond the size of its store."""
    size = (data / "store" / "data.mdb").stat().st_size
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def make_room(server):
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def declare_until_refused(client, shop):
    """Return what was acknowledged, artifacts by model, and the refusal."""
    kept = {}
    for index in range(ENDURANCE):
        name = f"more-{index}"
        try:
            kept[name] = declare(client, shop, name)
        except RpcError as error:
            return kept, error
    raise AssertionError(f"{ENDURANCE} models were kept on a disk that is full")


def declared(client, shop, name):
    try:
        return declare(client, shop, name)
    except RpcError as error:
        if error.code != "Unavailable":
            raise
        return None


def test_a_full_disk_refuses_changes_only_and_loses_nothing(shop, data):
    witness = Witness()
    with serve(data) as server, client_of(server) as client:
        kept = {"first": declare(client, shop, "first")}
        within_patience(lambda: available(client, "first"))
        fill(server, data)
        more, refusal = declare_until_refused(client, shop)
        kept |= more
        assert refusal.code == "Unavailable"
        assert refusal.detail.startswith(
            "done, but not kept yet and lost if the process ends before"
        )
        assert "nothing was changed: " in refusal.detail

        caller = RestCaller(server.port, witness)
        assert [caller.call("first") for _ in range(20)] == [kept["first"]] * 20
        assert state_of(client, "first") == pb.ModelStatus.ModelAvailable
        with pytest.raises(RpcError, match="nothing can be changed now"):
            client.unload_model(pb.UnloadModelRequest(model=pb.ModelReference(name="first")))
        assert "changes are refused" in server.output

        make_room(server)
        kept["later"] = within_patience(lambda: declared(client, shop, "later"))
        within_patience(lambda: available(client, "later"))
        assert caller.call("later") == kept["later"]
        assert caller.call("first") == kept["first"]
        caller.close()
        assert "store works again" in server.output
        server.process.kill()

    with serve(data) as server, client_of(server) as client:
        caller = RestCaller(server.port, witness)
        assert {name: caller.call(name) for name in kept} == kept
        caller.close()


def test_a_server_that_is_stopped_while_its_disk_is_full_ends_and_keeps_what_was_acknowledged(
    shop, data
):
    witness = Witness()
    with serve(data) as server, client_of(server) as client:
        kept = {"first": declare(client, shop, "first")}
        fill(server, data)
        more, _ = declare_until_refused(client, shop)
        kept |= more
        assert server.stop() == 0
    with serve(data) as server:
        caller = RestCaller(server.port, witness)
        assert {name: caller.call(name) for name in kept} == kept
        caller.close()

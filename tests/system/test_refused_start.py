"""What `serve` says when its data folder cannot be used: one line that tells what to do, exit 1."""

import os
import subprocess
import zlib

import msgpack
import pytest

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.scheduler.store_file import MAP_BYTES, StoreFile
from seldon_core.scheduler.store_records import SCHEMA
from seldon_core.transport.control_client import SchedulerClient
from tests.support.kill_clients import RestCaller
from tests.support.kill_rounds import EPHEMERAL, SELDON_CORE
from tests.support.numbered_models import ArtifactShop, Sort
from tests.support.server import serving
from tests.support.witness import Witness

pytestmark = pytest.mark.system

TIMEOUT_S = 60


def seldon_core(*arguments):
    return subprocess.run(
        [*SELDON_CORE, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT_S
    )


def refusal(data):
    """Start in vain; return the one line that is said."""
    done = seldon_core("serve", "--data-dir", data, *EPHEMERAL)
    assert done.returncode == 1, done.stdout
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def used(tmp_path):
    """A data folder that a server has kept three models in."""
    data, shop = tmp_path / "data", ArtifactShop(tmp_path / "artifacts")
    with serving("serve", "--data-dir", str(data), *EPHEMERAL) as server:
        with SchedulerClient(f"127.0.0.1:{server.ports['scheduler']}") as client:
            for name in ("a", "b", "c"):
                _, spec = shop.make(name, Sort.HEALTHY)
                client.load_model(pb.LoadModelRequest(model=message_of(spec)))
        assert server.stop() == 0
    return data


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    line = refusal(tmp_path / "file" / "data")
    assert line == (
        f"error: data.dir: cannot write to '{tmp_path}/file/data': Not a directory; "
        "choose another folder with --data-dir"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    line = refusal(tmp_path)
    assert line == (
        f"error: data.dir: cannot write to '{tmp_path}': Permission denied; "
        "choose another folder with --data-dir"
    )


def test_a_folder_in_use_is_refused_and_its_holder_serves_on(used):
    with serving("serve", "--data-dir", str(used), *EPHEMERAL) as server:
        assert refusal(used) == (
            f"error: '{used}' is in use by process {server.process.pid}: stop it, or choose "
            "another folder with --data-dir"
        )
        caller = RestCaller(server.port, Witness())
        assert [caller.call(name) for name in ("a", "b", "c")] == [1, 2, 3]
        caller.close()


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(used):
    file = StoreFile(used, MAP_BYTES)
    key = next(key for key, _ in file.items() if key.endswith(b"/b"))
    body = msgpack.packb([SCHEMA + 1, {}])
    file.commit((), {key: zlib.crc32(key + body).to_bytes(4, "big") + body})
    file.close()
    before = (used / "store" / "data.mdb").read_bytes()
    line = refusal(used)
    assert line.startswith(
        f"error: the store in '{used}/store' was written by a newer version of this program: "
    )
    assert line.endswith("Start that version, or choose another folder with --data-dir")
    assert (used / "store" / "data.mdb").read_bytes() == before


def test_a_damaged_store_is_refused_and_what_is_said_to_do_brings_the_models_back(used):
    store = used / "store" / "data.mdb"
    # Wherever pages of older writes have it, too.
    store.write_bytes(store.read_bytes().replace(b"artifacts/2", b"artifacts/9"))
    line = refusal(used)
    assert line.startswith(f"error: the store in '{used}/store' is damaged: model/default/b: ")
    for command in ("store check", "store export --with-secrets", "store import"):
        assert f"`seldon-core {command} --data-dir {used}" in line

    assert seldon_core("store", "check", "--data-dir", used).returncode == 1
    export = used.parent / "models.jsonl"
    assert seldon_core("store", "export", "--data-dir", used, export).returncode == 1
    (used / "store").rename(used / "store.damaged")
    assert seldon_core("store", "import", "--data-dir", used, export).returncode == 0
    with serving("serve", "--data-dir", str(used), *EPHEMERAL) as server:
        caller = RestCaller(server.port, Witness())
        assert [caller.call(name) for name in ("a", "b", "c")] == [1, None, 3]
        caller.close()

import asyncio
import json
import os
import signal
import socket
import tempfile
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from seldon_core import app
from seldon_core.agent import loading
from seldon_core.cli.output import Console
from seldon_core.config.load import load_settings
from seldon_core.errors import ConfigError, ModelRuntimeError
from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.protocol.model_message import message_of
from seldon_core.resources.model import FoundModels, ModelSpec, RefusedModel
from seldon_core.running import EXTENSIONS
from seldon_core.transport.control_client import SchedulerClient
from tests.support.diary import Diary
from tests.support.models import FLOAT, node, tensor, write_onnx

FREE = {f"{group}.port": 0 for group in ("listener", "scheduler", "agent", "admin")}


def settings(**flags):
    given = {name.replace("_", ".", 1): value for name, value in flags.items()}
    return load_settings(None, {}, FREE | given).settings


def doubling(folder, name="double"):
    """A model that adds its input to itself."""
    folder = folder / name
    folder.mkdir()
    inputs, outputs = tensor("x", FLOAT, [None, 2]), tensor("y", FLOAT, [None, 2])
    write_onnx(folder, [node("Add", ["x", "x"], ["y"])], [inputs], [outputs])
    return ModelSpec(name, str(folder), requirements=("onnx",))


@asynccontextmanager
async def serving(*specs, refused=(), data_folder=None, **flags):
    """Serve `specs` until the block ends, then stop by SIGTERM."""
    diary = Diary()
    found = FoundModels(specs, refused)
    with a_folder() as empty:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(app.serve(settings(**flags), data_folder or empty, found, diary))
            await diary.is_loaded.wait()
            yield diary
            os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def a_folder():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


async def fetch(port, path, **options):
    method = "POST" if options else "GET"
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
        client.request(method, path, **options) as answer,
    ):
        return answer.status, await answer.text()


def test_a_model_is_served_from_start_to_stop(tmp_path):
    async def scenario():
        async with serving(doubling(tmp_path)) as diary:
            request = {
                "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]
            }
            status, text = await fetch(diary.ports.data, "/v2/models/double/infer", json=request)
            assert status == 200
            assert '"data":[2.0,4.0]' in text.replace(" ", "")
            status, text = await fetch(diary.ports.admin, "/metrics")
            assert (
                'seldon_model_infer_total{server="triton",server_replica="0",model="double"' in text
            )
            assert "seldon_listener_connections_total 1" in text
            assert (await fetch(diary.ports.admin, "/readyz")) == (200, "ready\n")
            _, text = await fetch(diary.ports.admin, "/status")
            assert '"name": "double", "version": 1, "state": "ModelAvailable"' in text
        return diary

    diary = asyncio.run(scenario())
    assert diary.entries == ["opened", "double ModelAvailable", "loaded 1", "draining 120"]
    assert diary.example.name == "double"
    assert [tensor.name for tensor in diary.example.inputs] == ["x"]


def test_what_was_declared_at_the_api_is_served_after_a_restart(tmp_path):
    model, store = doubling(tmp_path), tmp_path / "data"
    store.mkdir()

    async def declare():
        async with serving(data_folder=store) as diary:
            with SchedulerClient(f"127.0.0.1:{diary.ports.scheduler}") as client:
                request = pb.LoadModelRequest(model=message_of(model))
                await asyncio.to_thread(client.load_model, request)

    async def restart():
        async with serving(data_folder=store) as diary:
            return await fetch(diary.ports.data, "/v2/models/double/ready")

    asyncio.run(declare())
    assert asyncio.run(restart())[0] == 200


def test_what_a_folder_declared_is_not_served_without_it(tmp_path):
    store = tmp_path / "data"
    store.mkdir()

    async def scenario(*models):
        async with serving(*models, data_folder=store) as diary:
            return (await fetch(diary.ports.data, "/v2/models/double/ready"))[0]

    assert asyncio.run(scenario(doubling(tmp_path))) == 200
    assert asyncio.run(scenario()) == 404


def test_the_server_says_what_it_is_and_can():
    async def scenario():
        async with serving() as diary:
            return await fetch(diary.ports.data, "/v2")

    status, text = asyncio.run(scenario())
    assert status == 200
    assert '"name":"seldon-core"' in text
    assert f'"extensions":{json.dumps(EXTENSIONS, separators=(",", ":"))}' in text


def test_a_model_that_fails_stops_no_other(tmp_path):
    broken = ModelSpec("broken", str(tmp_path / "none"), requirements=("onnx",))
    homeless = ModelSpec("homeless", str(tmp_path), requirements=("xgboost",))

    async def scenario():
        async with serving(broken, homeless, doubling(tmp_path)) as diary:
            status, _ = await fetch(diary.ports.data, "/v2/models/double/ready")
            assert status == 200
            status, _ = await fetch(diary.ports.data, "/v2/health/ready")
            assert status == 200
        return diary

    entries = asyncio.run(scenario()).entries
    assert set(entries[1:-2]) == {
        "broken ModelFailed",
        "homeless ScheduleFailed",
        "double ModelAvailable",
    }


def test_a_model_that_is_not_accepted_is_reported(tmp_path):
    async def scenario():
        async with serving(ModelSpec("lost", "./relative"), doubling(tmp_path)) as diary:
            pass
        return diary

    entries = asyncio.run(scenario()).entries
    assert any(entry.startswith("lost refused: ") for entry in entries)
    assert "double ModelAvailable" in entries


def test_what_was_refused_is_shown_and_keeps_nobody_from_being_ready(tmp_path):
    refused = [RefusedModel("/models/a.yaml", "/models/a.yaml: kind: is missing")]

    async def scenario():
        async with serving(ModelSpec("lost", "./relative"), refused=refused) as diary:
            assert await fetch(diary.ports.admin, "/readyz") == (200, "ready\n")
            return json.loads((await fetch(diary.ports.admin, "/status"))[1])["models"]

    first, second = asyncio.run(scenario())
    assert first == {
        "name": "",
        "version": 0,
        "state": "Refused",
        "reason": "/models/a.yaml: kind: is missing",
        "source": "/models/a.yaml",
        "replicas": [],
        "desiredReplicas": 0,
    }
    assert (second["name"], second["state"], second["source"]) == ("lost", "Refused", "./relative")


def test_every_model_that_is_not_served_is_one_line(tmp_path, caplog, capsys):
    caplog.set_level("INFO")
    broken = ModelSpec("broken", str(tmp_path / "none"), requirements=("onnx",))
    homeless = ModelSpec("homeless", str(tmp_path), requirements=("xgboost",))
    lost = ModelSpec("lost", "./relative")

    async def scenario():
        console = _Console(Path("/data"))
        async with asyncio.TaskGroup() as tasks:
            found = FoundModels([broken, homeless, lost])
            tasks.create_task(app.serve(settings(), tmp_path, found, console))
            await console.is_loaded.wait()
            os.kill(os.getpid(), signal.SIGTERM)

    asyncio.run(scenario())
    lines = caplog.text.splitlines() + capsys.readouterr().err.splitlines()
    for name in ("broken", "homeless", "./relative"):
        assert len([line for line in lines if name in line]) == 1


class _Console(Console):
    """The one of the command line, which others may wait for."""

    def __init__(self, data_folder):
        super().__init__(data_folder)
        self.is_loaded = asyncio.Event()

    def loaded(self, models, refused, example):
        super().loaded(models, refused, example)
        self.is_loaded.set()


def test_the_control_ports_answer_health():
    async def check(port):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            health = health_pb2_grpc.HealthStub(channel)
            return (await health.Check(health_pb2.HealthCheckRequest(), timeout=5)).status

    async def scenario():
        async with serving() as diary:
            return await check(diary.ports.scheduler), await check(diary.ports.agent)

    assert asyncio.run(scenario()) == (health_pb2.HealthCheckResponse.SERVING,) * 2


@pytest.mark.parametrize("group", ["listener", "scheduler", "agent", "admin"])
def test_a_taken_port_ends_the_start_with_its_name_and_nothing_else(group, caplog, tmp_path):
    caplog.set_level("INFO")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wanted = settings(**{f"{group}_port": port})
        with pytest.raises(ConfigError, match=rf"^{group}\.port: .* port {port}: it is in use"):
            asyncio.run(app.serve(wanted, tmp_path, FoundModels(), _DiaryWithoutLoop()))
    assert "ReplicaConnected" not in caplog.text


class _DiaryWithoutLoop(Diary):
    def opened(self, ports, settings):
        raise AssertionError("a port was taken")


def test_a_load_that_does_not_end_does_not_keep_the_process(tmp_path, monkeypatch, caplog):
    codes: list[int] = []
    has_begun, may_end = threading.Event(), threading.Event()

    def hang(*arguments):
        has_begun.set()
        assert may_end.wait(5)
        raise ModelRuntimeError("too late")

    def end(code):
        codes.append(code)
        may_end.set()

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(app, "_END_TIMEOUT_S", 0.0)
    monkeypatch.setattr(loading, "open_artifact", hang)

    async def scenario():
        async with asyncio.TaskGroup() as tasks:
            found = FoundModels([doubling(tmp_path)])
            tasks.create_task(app.serve(settings(), tmp_path, found, Diary()))
            while not has_begun.is_set():
                await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGTERM)

    asyncio.run(scenario())
    assert codes == [1]
    assert "does not end" in caplog.text


def test_no_load_begins_after_the_end_has(tmp_path, monkeypatch):
    """Not even on the server that ends last, while the other waits for its load."""
    begun: list[str] = []
    may_end = threading.Event()

    def load(name, *arguments):
        begun.append(name)
        assert may_end.wait(5)
        raise ModelRuntimeError("not today")

    class Ending(Diary):
        def draining(self, timeout_s):
            asyncio.get_running_loop().call_later(0.05, may_end.set)

    monkeypatch.setattr(loading, "open_artifact", load)
    other = ModelSpec("other", str(tmp_path), requirements=("sklearn",))

    async def scenario():
        async with asyncio.TaskGroup() as tasks:
            found = FoundModels([doubling(tmp_path), other])
            tasks.create_task(app.serve(settings(), tmp_path, found, Ending()))
            while not begun:
                await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGTERM)

    asyncio.run(scenario())
    assert begun == ["double_1"]

"""P7's reloads against a server of canned answers, and the models that are there for it."""

import socket
import threading
from types import SimpleNamespace

import pytest

from perf.harness.artifacts import Artifacts
from perf.harness.loads import Point
from perf.harness.outputs import LoadError
from perf.instant_models import declared
from perf.scenarios.p07_many_models import Reloads, during
from seldon_core.resources.model import ModelSpec, ModelVersion

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture
def answering():
    """A server that answers one request on each connection with `answer`, and says which came."""
    server = SimpleNamespace(answer=OK, asked=[], came=threading.Event())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]

        def serve():
            while True:
                connection, _ = listening.accept()
                with connection:
                    head = connection.recv(1 << 16)
                    if not head:
                        return
                    server.asked.append(head.partition(b"\r\n")[0])
                    server.came.set()
                    connection.sendall(server.answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server
        socket.create_connection(("127.0.0.1", server.port)).close()
        thread.join()


def test_a_point_is_measured_while_a_model_reloads(answering):
    reloads = Reloads(answering.port, 0)

    def measure(seconds):
        assert answering.came.wait(10)
        return seconds

    assert during("beside", Point("alone", "x", measure), reloads).measure(2.0) == 2.0
    assert reloads.count >= 1
    assert set(answering.asked) == {b"POST /v2/repository/models/iris/load HTTP/1.1"}


def test_a_reload_that_fails_is_an_error(answering):
    answering.answer = BAD
    with pytest.raises(LoadError, match="400"), Reloads(answering.port, 0).under_way():
        assert answering.came.wait(10)


def test_a_measurement_without_a_reload_is_an_error(answering, monkeypatch):
    reloads = Reloads(answering.port, 0)
    monkeypatch.setattr(reloads, "_run", lambda: None)
    with pytest.raises(LoadError, match="nothing was reloaded"), reloads.under_way():
        pass


def test_the_models_of_a_folder_are_loaded_as_always_and_all_others_at_once(tmp_path):
    artifacts = Artifacts(tmp_path / "models").make()
    found, load = declared(artifacts.alone, 3)
    assert [spec.name for spec in found.specs] == ["iris-onnx", "model-0", "model-1", "model-2"]
    loaded = {spec.name: load(ModelVersion(spec, 1), None, None) for spec in found.specs[:2]}
    assert loaded["iris-onnx"].model.signature.inputs
    assert not loaded["model-0"].model.signature.inputs


def test_without_a_folder_every_model_is_loaded_at_once():
    found, load = declared(None, 0)
    assert not found.specs
    assert not load(ModelVersion(ModelSpec("any", "/none"), 1), None, None).model.signature.inputs

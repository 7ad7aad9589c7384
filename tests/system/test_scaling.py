"""Models and servers that grow with their load and shrink again, as processes."""

import signal
import subprocess
import sys
import threading
import urllib.request

import grpc
import pytest

from seldon_core.proto import agent_pb2
from seldon_core.proto import servers_pb2 as pb
from tests.support.server import serving
from tests.system.test_roles import (
    LISTENS,
    PORTS,
    STARTED,
    apply,
    infer,
    is_running,
    places_of,
    seen,
    servers,
    until,
)

RULES = {
    "periodS": 0.3,
    "downWindowS": 2,
    "upWindowS": 0,
}


def a_model_with_a_target(samples, folder):
    manifest = folder / "iris-t.yaml"
    manifest.write_text(
        "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\n"
        "metadata: {name: iris-t, annotations: {seldon-core/target-rps: '20'}}\n"
        f"spec: {{storageUri: {samples}/artifacts/iris, requirements: [sklearn], maxReplicas: 2}}\n"
    )
    return manifest


def say_replicas(server, model, replicas):
    """Tell the scheduler how many replicas are wanted, as anybody can."""
    with grpc.insecure_channel(f"127.0.0.1:{server.ports['agent']}") as channel:
        call = channel.stream_unary(
            "/seldon.mlops.agent.AgentService/ModelScalingTrigger",
            request_serializer=agent_pb2.ModelScalingTriggerMessage.SerializeToString,
            response_deserializer=agent_pb2.ModelScalingTriggerResponse.FromString,
        )
        wish = agent_pb2.ModelScalingTriggerMessage(
            modelName=model, signal=agent_pb2.ModelScalingTriggerMessage.CUSTOM, value=replicas
        )
        call(iter([wish]), timeout=10)


class Callers:
    """Call a model until the end of a block; `codes` are the answers."""

    def __init__(self, url, count=2):
        self.codes = set()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(url,)) for _ in range(count)]

    def _run(self, url):
        while not self._over.is_set():
            self.codes.add(infer(url, "iris-t"))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(30)


def test_a_model_under_load_gets_a_second_replica_and_process_and_loses_both(samples, tmp_path):
    (tmp_path / "none").mkdir()
    rules = [f"--set=scaling.{name}={value}" for name, value in RULES.items()]
    trusted = f"--set=agent.trustedPrefixes={samples}"
    data = str(tmp_path / "data")
    with serving("serve", "--data-dir", data, trusted, *rules, *PORTS) as server:
        declared = pb.Server(
            name="mlserver", configName="mlserver", replicas=1, minReplicas=1, maxReplicas=2
        )
        servers(server.ports["scheduler"], "ApplyServer", declared, pb.ServerChange)
        apply(server, a_model_with_a_target(samples, tmp_path))
        until(lambda: places_of(server, "iris-t") == {"mlserver/0"}, "it is on one replica")
        assert seen(server, STARTED) == []
        with Callers(server.url) as callers:
            both = {"mlserver/0", "mlserver/1"}
            until(lambda: places_of(server, "iris-t") == both, "it is on two replicas")
            ((replica, pid),) = seen(server, STARTED)
            assert replica == "mlserver/1"
            assert len(seen(server, LISTENS)) == 1
        assert callers.codes == {200}
        until(lambda: places_of(server, "iris-t") == {"mlserver/0"}, "it is on one again")
        until(lambda: not is_running(int(pid)), "the second process has ended")
        assert infer(server.url, "iris-t") == 200
        with urllib.request.urlopen(f"{server.admin}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        assert 'seldon_model_scalings_total{direction="down"} 1' in metrics


def test_who_is_outside_says_how_many_replicas_a_model_is_to_have(samples, tmp_path):
    (tmp_path / "none").mkdir()
    manifest = tmp_path / "iris-b.yaml"
    manifest.write_text(
        "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: iris-b}\n"
        f"spec: {{storageUri: {samples}/artifacts/iris, requirements: [sklearn], maxReplicas: 2}}\n"
    )
    trusted, data = f"--set=agent.trustedPrefixes={samples}", str(tmp_path / "data")
    window = "--set=scaling.downWindowS=2"
    with serving("serve", "--data-dir", data, trusted, window, *PORTS) as server:
        declared = pb.Server(
            name="mlserver", configName="mlserver", replicas=1, minReplicas=1, maxReplicas=3
        )
        servers(server.ports["scheduler"], "ApplyServer", declared, pb.ServerChange)
        apply(server, manifest)
        until(lambda: places_of(server, "iris-b") == {"mlserver/0"}, "it is on one replica")
        with pytest.raises(grpc.RpcError, match="'nobody' not found"):
            say_replicas(server, "nobody", 2)
        say_replicas(server, "iris-b", 7)  # it may have two
        both = {"mlserver/0", "mlserver/1"}
        until(lambda: places_of(server, "iris-b") == both, "it is on two replicas")
        ((replica, pid),) = seen(server, STARTED)
        assert replica == "mlserver/1"

        def fewer():
            say_replicas(server, "iris-b", 1)
            return places_of(server, "iris-b") == {"mlserver/0"}

        until(fewer, "it is on one again, after the window")
        until(lambda: not is_running(int(pid)), "the second process has ended")


def plain(samples, folder, names):
    manifest = folder / "plain.yaml"
    manifest.write_text(
        "---\n".join(
            f"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {{name: {name}}}\n"
            f"spec:\n  storageUri: {samples}/artifacts/iris\n"
            "  requirements: [sklearn]\n  memory: 1Mi\n"
            for name in names
        )
    )
    return manifest


def delete(server, model):
    where = ("--scheduler-host", f"127.0.0.1:{server.ports['scheduler']}")
    program = (sys.executable, "-m", "seldon_core", "delete", "model", model, *where)
    subprocess.run(program, check=True, capture_output=True)


def test_models_are_moved_together_to_free_a_replica_only_where_that_is_asked_for(
    samples, tmp_path
):
    config = tmp_path / "config.yaml"
    config.write_text("scaling: {stableS: 1}\n")
    trusted, data = f"--set=agent.trustedPrefixes={samples}", str(tmp_path / "data")
    options = ("--config", str(config), "--data-dir", data, trusted, *PORTS)
    with serving("serve", *options) as server:
        declared = pb.Server(
            name="mlserver", configName="mlserver", replicas=2, minReplicas=1, maxReplicas=2
        )
        servers(server.ports["scheduler"], "ApplyServer", declared, pb.ServerChange)
        until(lambda: len(seen(server, LISTENS)) == 1, "the second replica is there")
        apply(server, plain(samples, tmp_path, "abcd"))
        until(lambda: all(places_of(server, name) for name in "abcd"), "each is on one")
        on_both = {place for name in "abcd" for place in places_of(server, name)}
        assert on_both == {"mlserver/0", "mlserver/1"}
        ((_, pid),) = seen(server, STARTED)
        # Each replica has a model that stays.
        stays = [next(n for n in "abcd" if places_of(server, n) == {at}) for at in sorted(on_both)]
        first, second = [name for name in "abcd" if name not in stays]
        delete(server, first)
        until(lambda: infer(server.url, first) == 404, "it is gone")
        config.write_text("scaling: {stableS: 1, packing: 1}\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "changed=scaling.packing" in server.output, "packing is on")
        assert is_running(int(pid))  # and was not before
        delete(server, second)
        together = [{"mlserver/0"}] * 2
        until(lambda: [places_of(server, n) for n in stays] == together, "they are together")
        until(lambda: not is_running(int(pid)), "the second process has ended")
        assert [infer(server.url, name) for name in stays] == [200, 200]

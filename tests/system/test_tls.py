"""The control plane by mutual TLS: real processes, Seldon's variables, the command line."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.certificates import Certificates, make_certificates, renew_server
from tests.support.server import serving

PORTS = ["--port=0", "--scheduler-port=0", "--agent-port=0", "--admin-port=0"]

FILES = ("ca.pem", "server.key", "server.pem", "client.key", "client.pem")

MANIFESTS = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Server
metadata: {name: mlserver}
spec: {serverConfig: mlserver, replicas: 2}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: iris-x}
spec: {storageUri: SAMPLES/artifacts/iris, requirements: [sklearn], replicas: 2}
"""


@pytest.fixture
def environ(tmp_path_factory, monkeypatch):
    """Seldon's variables, for every process that is started."""
    made = make_certificates(tmp_path_factory.mktemp("certificates"))
    values = {
        "CONTROL_PLANE_SECURITY_PROTOCOL": "SSL",
        "CONTROL_PLANE_SERVER_TLS_CRT_LOCATION": made.server,
        "CONTROL_PLANE_SERVER_TLS_KEY_LOCATION": made.server_key,
        "CONTROL_PLANE_SERVER_TLS_CA_LOCATION": made.ca,
        "CONTROL_PLANE_CLIENT_TLS_CRT_LOCATION": made.client,
        "CONTROL_PLANE_CLIENT_TLS_KEY_LOCATION": made.client_key,
        "CONTROL_PLANE_CLIENT_TLS_CA_LOCATION": made.ca,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def command(server, *arguments, without=()):
    """Run a command against the scheduler; return its exit status and what it said."""
    environ = {name: value for name, value in os.environ.items() if name not in without}
    where = ["--scheduler-host", f"127.0.0.1:{server.ports['scheduler']}"]
    program = [sys.executable, "-m", "seldon_core", *arguments, *where]
    ended = subprocess.run(program, env=environ, capture_output=True, text=True, timeout=60)
    return ended.returncode, ended.stdout + ended.stderr


def until(condition, what, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def is_ready(server):
    try:
        with urllib.request.urlopen(f"{server.admin}/readyz", timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        error.close()
        return False


def test_every_part_speaks_mutual_tls_and_the_log_says_who_did_what(environ, samples, tmp_path):
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(MANIFESTS.replace("SAMPLES", str(samples)))
    trusted = f"agent.trustedPrefixes={samples}"
    data = str(tmp_path / "data")
    audit = tmp_path / "audit.log"
    sets = ("--set", trusted, "--set", f"log.audit={audit}")
    with serving("serve", "--data-dir", data, *sets, *PORTS) as server:
        status, said = command(server, "apply", "-f", str(manifests))
        assert status == 0, said
        status, said = command(server, "wait", "model/iris-x", "--for=condition=Ready")
        assert status == 0, said
        assert "model created model=iris-x by=CN=test client" in server.output
        told = [json.loads(line) for line in audit.read_text().splitlines()]
        assert [(line["actor"], line["resource"], line["outcome"]) for line in told] == [
            ("CN=test client", "server/mlserver", "created"),
            ("CN=test client", "model/iris-x", "created"),
        ]

        status, said = command(server, "get", "models", without=["CONTROL_PLANE_SECURITY_PROTOCOL"])
        assert status != 0
        assert "this port speaks TLS, and you speak plain text" in said
        status, said = command(
            server,
            "get",
            "models",
            without=[name for name in environ if "_CLIENT_TLS_" in name],
        )
        assert status != 0, said

        agent = f"--agent-port={server.ports['agent']}"
        with serving("serve", "--role=router", "--port=0", agent, "--admin-port=0") as router:
            until(lambda: is_ready(router), "the router has heard where calls go")
            with urllib.request.urlopen(f"{router.url}/v2/models/iris-x", timeout=20) as answer:
                assert answer.status == 200


def test_ports_that_others_reach_are_all_by_mutual_tls(environ, tmp_path):
    data = str(tmp_path / "data")
    with serving("serve", "--control-host=0.0.0.0", "--data-dir", data, *PORTS) as server:
        line = next(line for line in server.lines if "admin" in line and "0.0.0.0" in line)
        port = line.split("0.0.0.0:")[1].split()[0].rstrip("/,")
        with pytest.raises(urllib.error.HTTPError, match="400") as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10)
        assert b"this port speaks TLS" in refused.value.read()
        refused.value.close()


def test_a_certificate_that_is_none_ends_the_start(environ, tmp_path, monkeypatch):
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    monkeypatch.setenv("CONTROL_PLANE_SERVER_TLS_CRT_LOCATION", str(bad))
    program = [sys.executable, "-m", "seldon_core", "serve", "--data-dir", str(tmp_path), *PORTS]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert f"{bad} and " in ended.stderr
    assert "are no certificate and its key" in ended.stderr


def shown_at(port, made):
    """The certificate that a port shows, in DER, and what it speaks."""
    context = ssl.create_default_context(cafile=made.ca)
    context.load_cert_chain(made.client, made.client_key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as spoken,
    ):
        return spoken.getpeercert(binary_form=True), spoken.selected_alpn_protocol()


def test_certificates_are_renewed_by_sighup_and_no_connection_is_lost(environ, tmp_path):
    folder = Path(environ["CONTROL_PLANE_SERVER_TLS_CA_LOCATION"]).parent
    made = Certificates(*(str(folder / name) for name in FILES))
    audit = tmp_path / "audit.log"
    data = ["--data-dir", str(tmp_path / "data"), f"--set=log.audit={audit}"]
    with serving("serve", "--role=scheduler", *data, *PORTS[1:]) as scheduler:
        port = scheduler.ports["agent"]
        agent = ["serve", "--role=agent", "--port=0", "--admin-port=0"]
        with serving(*agent, f"--scheduler-port={port}") as joined:
            until(lambda: is_ready(joined), "the agent is there")
            before, spoken = shown_at(port, made)
            assert spoken == "h2"
            renew_server(folder)
            scheduler.process.send_signal(signal.SIGHUP)
            joined.process.send_signal(signal.SIGHUP)
            until(lambda: shown_at(port, made)[0] != before, "the new certificate is shown")

            (folder / "server.pem").write_text("no certificate")
            now, _ = shown_at(port, made)
            scheduler.process.send_signal(signal.SIGHUP)
            stays = "the certificate stays as it was: "
            until(lambda: stays in scheduler.output, "the old one is kept")
            assert shown_at(port, made)[0] == now
            assert scheduler.output.count("agent subscribed replica=") == 1
            assert "agent lost" not in scheduler.output
            assert "ReplicaLost" not in scheduler.output
    told = [json.loads(line) for line in audit.read_text().splitlines()]
    refused = next(line for line in told if line["outcome"] == "refused")
    assert refused["reason"].startswith(stays)

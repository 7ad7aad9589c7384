"""Secrets in real processes: used by agents, changed, kept, and shown nowhere."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.server import serving

pytestmark = pytest.mark.system

PORTS = ["--port=0", "--scheduler-port=0", "--agent-port=0", "--admin-port=0"]
STARTED = re.compile(r"agent process started replica=mlserver/1 pid=(\d+)")
TOKEN = "hunter2-of-the-shelf"  # no other text of the test has it
ROW = {"name": "predict", "shape": [1, 4], "datatype": "FP32", "data": [5.1, 3.5, 1.4, 0.2]}

SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: shelf-secret}
stringData:
  shelf: |
    {name: shelf, type: alias, parameters: {remote: FOLDER, token: TOKEN}}
"""
OTHERS = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Server
metadata: {name: mlserver}
spec: {serverConfig: mlserver, replicas: 2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: seldon-agent}
data:
  agent.yaml: |
    rclone:
      config_secrets: [shelf-secret]
      config: ['{"name": "gs", "type": "alias", "parameters": {"remote": "FOLDER", "x": "TOKEN"}}']
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: named}
spec: {storageUri: "shelf:iris", requirements: [sklearn], secretName: shelf-secret, replicas: 2}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: preloaded}
spec: {storageUri: "gs://iris", requirements: [sklearn]}
"""


class Site:
    """A server and the command line against it; `told` is all that either said."""

    def __init__(self, tmp_path):
        self.tmp_path = tmp_path
        self.server = None
        self.told = []

    def run(self, *arguments, given=""):
        where = ["--scheduler-host", f"127.0.0.1:{self.server.ports['scheduler']}"]
        done = subprocess.run(
            [sys.executable, "-m", "seldon_core", *arguments, *where],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "HOME": str(self.tmp_path)},
        )
        self.told.append(done.stdout + done.stderr)
        return done.returncode, self.told[-1]

    def apply(self, manifest, folder):
        text = manifest.replace("FOLDER", str(folder)).replace("TOKEN", TOKEN)
        status, said = self.run("apply", "-f", "-", given=text)
        assert status == 0, said

    def wait(self, condition, model):
        status, said = self.run("wait", f"--for=condition={condition}", "--timeout=30s", model)
        assert status == 0, said

    def infer(self, model):
        request = urllib.request.Request(
            f"{self.server.url}/v2/models/{model}/infer",
            json.dumps({"inputs": [ROW]}).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            self.told.append(error.read().decode())
            return error.code

    def ask(self, path):
        with urllib.request.urlopen(self.server.admin + path, timeout=10) as answer:
            self.told.append(answer.read().decode())

    def agent_pid(self):
        """The process that is mlserver/1, once it is another one than before."""
        return int(STARTED.findall(self.server.output)[-1])


def until(condition, what, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def test_a_secret_is_used_by_agents_kept_over_a_restart_and_shown_nowhere(samples, tmp_path):
    site, audit, data = Site(tmp_path), tmp_path / "audit.jsonl", tmp_path / "data"
    shelf, empty = tmp_path / "shelf", tmp_path / "empty"
    shelf.mkdir()
    empty.mkdir()
    shutil.copytree(samples / "artifacts" / "iris", shelf / "iris")
    options = [f"--data-dir={data}", f"--set=agent.trustedPrefixes={shelf}", *PORTS]
    options += [f"--set=log.audit={audit}", "--set=log.level=debug"]

    with serving("serve", *options) as site.server:
        site.apply(OTHERS, shelf)  # the model names a Secret that is not there yet
        site.wait("ModelFailed", "model/named")
        status, page = site.run("describe", "model/named")
        assert "there is no Secret 'shelf-secret'; declare it with" in page
        site.wait("ready", "model/preloaded")

        site.apply(SECRET, shelf)
        site.wait("ready", "model/named")  # both replicas, one of them a process of its own
        assert [site.infer(model) for model in ("named", "preloaded")] == [200, 200]

        first = site.agent_pid()
        for kind in ("cmdline", "environ"):
            assert TOKEN.encode() not in Path(f"/proc/{first}/{kind}").read_bytes()
        site.apply(SECRET, empty)
        assert site.infer("named") == 200  # what is loaded serves on
        os.kill(first, signal.SIGKILL)
        until(lambda: site.agent_pid() != first, "the agent is started again")
        reason = "shelf:iris: there is no such file or folder"  # by the Secret as it is now
        until(lambda: reason in site.run("describe", "model/named")[1], "the next load fails")
        site.apply(SECRET, shelf)
        site.wait("ready", "model/named")

        for output in ("wide", "yaml", "json"):
            site.run("get", "secrets,configmaps,models", "-o", output)
        site.run("describe", "secrets,configmaps,models")
        for path in ("/status", "/metrics"):
            site.ask(path)
        site.told.append(site.server.output)

    with serving("serve", *options) as site.server:
        site.wait("ready", "model/named")
        assert site.infer("named") == 200
        status, _ = site.run("delete", "secret/shelf-secret", "configmap/seldon-agent")
        assert status == 0
        assert site.infer("named") == 200
        site.told.append(site.server.output)

    lines = audit.read_text()
    resources = [json.loads(line)["resource"] for line in lines.splitlines()]
    assert resources.count("secret/shelf-secret") == 4
    assert not [text for text in (*site.told, lines) if TOKEN in text]
    for path in (path for path in data.rglob("*") if path.is_file()):
        assert TOKEN.encode() not in path.read_bytes() or path.name == "data.mdb"
    assert (data / "store").stat().st_mode & 0o077 == 0

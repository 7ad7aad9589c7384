"""A server whose replicas run in a Python of its own."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tests.support.server import serving
from tests.system.test_roles import LISTENS, PORTS, STARTED, seen, until

MANIFEST = """
apiVersion: mlops.seldon.io/v1alpha1
kind: Server
metadata: {name: fraud}
spec:
  serverConfig: mlserver
  podSpec:
    nodeSelector: {disk: ssd}
    containers:
    - name: mlserver
      image: registry.org/team/fraud:1.2
      env: [{name: MINE, value: "1"}]
      resources: {requests: {memory: 1Mi}, limits: {nvidia.com/gpu: 1}}
"""


def tool(server, *words):
    where = ("--scheduler-host", f"127.0.0.1:{server.ports['scheduler']}")
    program = (sys.executable, "-m", "seldon_core", *words, *where)
    return subprocess.run(program, capture_output=True, text=True, timeout=60).stdout


def make_environment(folder, *, is_whole):
    """Make a virtual environment, with the libraries of this one or without any."""
    venv.create(folder, symlinks=True)
    if is_whole:
        (libraries,) = folder.glob("lib/python*/site-packages")
        shutil.rmtree(libraries)
        (here,) = Path(sys.prefix).glob("lib/python*/site-packages")
        libraries.symlink_to(here)


def test_a_server_runs_in_the_environment_that_its_image_names(tmp_path):
    environments = tmp_path / "data" / "environments"
    (tmp_path / "fraud.yaml").write_text(MANIFEST)
    labels = ("--set", "agent.labels=disk=ssd")
    with serving("serve", "--data-dir", str(tmp_path / "data"), *labels, *PORTS) as server:
        applied = tool(server, "apply", "-f", str(tmp_path / "fraud.yaml"))
        assert "server.mlops.seldon.io/fraud created" in applied

        def told(words):
            return words in " ".join(tool(server, "describe", "server/fraud").split())

        missing = f"there is no {environments}/fraud-1.2/bin/python and no {environments}/fraud/bin"
        until(lambda: told(missing), "the environment is not there")

        make_environment(environments / "fraud", is_whole=False)
        until(lambda: told("its Python lacks a library that an agent needs"), "it is empty")
        assert "lacks the library" in server.output

        make_environment(environments / "fraud-1.2", is_whole=True)
        until(lambda: seen(server, LISTENS), "it runs", timeout_s=60)
        ((replica, pid),) = [
            (words[0], words[1]) for words in seen(server, STARTED) if words[0] == "fraud/0"
        ][-1:]
        assert replica == "fraud/0"
        command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        assert command[0] == f"{environments}/fraud-1.2/bin/python"
        environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
        assert {"MINE=1", "CUDA_VISIBLE_DEVICES=0"} <= set(environ)
        assert told("connected replicas: 1 of 1")

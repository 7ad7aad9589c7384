"""A script of `seldon` calls as Seldon's notebooks have them, against a real server process.

What it prints is parsed, never compared as text: that page of the reference promises shapes.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.server import Serving, serving

IRIS = '{"inputs":[{"name":"predict","shape":[1,4],"datatype":"FP32","data":[[1,2,3,4]]}]}'
COUNTS = re.compile(r"Success: map\[(.*)\]")


@dataclass(frozen=True)
class Ended:
    """How a call ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one line that was printed, read as JSON."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def table(self) -> list[list[str]]:
        return [line.split() for line in self.out.splitlines()]

    @property
    def counts(self) -> dict[str, int]:
        """The calls by route of a line `Success: map[…]`."""
        match = COUNTS.fullmatch(self.out.splitlines()[0])
        assert match is not None
        pairs = [entry.rpartition(":") for entry in match[1].split()]
        return {route: int(count) for route, _, count in pairs}


@dataclass(frozen=True)
class Shell:
    """Runs the program in a home of its own, in the folder of the sample manifests."""

    server: Serving
    manifests: Path
    home: Path

    def __call__(self, *arguments: str, stdin: str = "", **environ: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "seldon_core", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.manifests,
            env={
                **os.environ,
                "HOME": str(self.home),
                "SELDON_SCHEDULE_HOST": f"127.0.0.1:{self.server.ports['scheduler']}",
                "SELDON_INFER_HOST": f"127.0.0.1:{self.server.port}",
                **environ,
            },
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def succeeds(self, *arguments: str, stdin: str = "", **environ: str) -> Ended:
        ended = self(*arguments, stdin=stdin, **environ)
        assert (ended.code, ended.err) == (0, ""), ended
        return ended

    def fails(self, *arguments: str, stdin: str = "", **environ: str) -> str:
        """Return the error of a call that must fail, without `Error: `."""
        ended = self(*arguments, stdin=stdin, **environ)
        assert ended.code == 255, ended
        assert ended.err.startswith("Error: "), ended
        return ended.err.removeprefix("Error: ").rstrip("\n")


@pytest.fixture(scope="module")
def serving_samples(samples, tmp_path_factory) -> Iterator[Serving]:
    """A server without models that takes those of the samples' folder."""
    ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    data = tmp_path_factory.mktemp("cli-data")
    trust = f"agent.trustedPrefixes={samples}"
    with serving("serve", "--data-dir", str(data), "--set", trust, *ports) as started:
        yield started


@pytest.fixture
def seldon(serving_samples, samples, tmp_path) -> Shell:
    return Shell(serving_samples, samples / "models", tmp_path)


def test_a_model_is_loaded_called_updated_and_unloaded(seldon, samples):
    assert seldon.succeeds("model", "load", "-f", "iris.yaml").json == {}
    waiting = ("model", "status", "iris", "-w", "ModelAvailable", "-t", "30")
    assert seldon.succeeds(*waiting).json == {}
    check_status(seldon.succeeds("model", "status", "iris").json, samples)
    header, rule, *rows = seldon.succeeds("model", "list").table
    assert (header, rule) == (["model", "state", "reason"], ["-----", "-----", "------"])
    assert ["iris", "ModelAvailable"] in rows

    # Another artifact is a new version, beside the old one until it is there.
    newer = (
        (seldon.manifests / "iris.yaml").read_text().replace("artifacts/iris", "artifacts/iris2")
    )
    load = ("model", "load", "-f", "-", "--force")
    assert seldon.succeeds(*load, stdin=newer).json == {}
    assert seldon.succeeds(*waiting).json == {}
    (version,) = seldon.succeeds("model", "status", "iris").json["versions"]
    assert version["version"] == 2
    assert version["modelDefn"]["modelSpec"]["uri"] == str(samples / "artifacts" / "iris2")
    counts = seldon.succeeds("model", "infer", "iris", IRIS, "-i", "50").counts
    assert sum(counts.values()) == 50
    assert ":iris_2:" in counts

    unloaded = seldon.succeeds("model", "unload", "iris", SELDON_FORCE_CONTROL_PLANE="true")
    assert unloaded.out == ""
    gone = ("model", "status", "iris", "-w", "ModelTerminated", "-t", "30")
    assert seldon.succeeds(*gone).json == {}
    assert "iris" not in [row[0] for row in seldon.succeeds("model", "list").table]
    assert seldon.fails("model", "infer", "iris", IRIS).startswith("V2 server error: 404 ")
    assert seldon.fails("model", "unload", "never").startswith(
        "rpc error: code = FailedPrecondition desc = "
    )


def check_status(status, samples):
    assert status["modelName"] == "iris"
    (version,) = status["versions"]
    assert version["version"] == 1
    assert version["serverName"] == "mlserver"
    assert version["kubernetesMeta"] == {}
    replica = version["modelReplicaState"]["0"]
    assert replica["state"] == "Available"
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z$", replica["lastChangeTimestamp"])
    state = version["state"]
    assert (state["state"], state["availableReplicas"]) == ("ModelAvailable", 1)
    assert "lastChangeTimestamp" in state
    definition = version["modelDefn"]
    assert definition["meta"] == {"name": "iris", "kubernetesMeta": {}}
    assert definition["modelSpec"]["uri"] == str(samples / "artifacts" / "iris")
    assert definition["modelSpec"]["requirements"] == ["sklearn"]
    assert definition["deploymentSpec"]["replicas"] == 1


@pytest.fixture(scope="module")
def add10(serving_samples, samples, tmp_path_factory):
    """A model that stays loaded for the tests of calls."""
    shell = Shell(serving_samples, samples / "models", tmp_path_factory.mktemp("home"))
    shell.succeeds("load", "-f", "add10.yaml")
    shell.succeeds("status", "-f", "add10.yaml", "-w", "-t", "30")


ADD10 = '{"inputs":[{"name":"INPUT","shape":[4],"datatype":"FP32","data":[1,2,3,4]}]}'


def test_rest_prints_the_answer_by_tabs(seldon, add10):
    ended = seldon.succeeds("model", "infer", "add10", ADD10)
    assert ended.out.startswith('{\n\t"model_name": "add10_1"')
    answer = json.loads(ended.out)
    assert answer["outputs"][0]["data"] == [11, 12, 13, 14]


@pytest.mark.parametrize("payload", [ADD10, None], ids=["as for REST", "typed"])
def test_grpc_prints_the_answer_on_one_line_decoded(seldon, add10, payload):
    if payload is None:
        payload = ADD10.replace('"data":[1,2,3,4]', '"contents":{"fp32Contents":[1,2,3,4]}')
    answer = seldon.succeeds("model", "infer", "add10", payload, "--inference-mode", "grpc").json
    assert answer["modelName"] == "add10_1"
    assert answer["modelVersion"] == "1"
    (output,) = answer["outputs"]
    assert output["contents"] == {"fp32Contents": [11, 12, 13, 14]}
    assert output["shape"] == ["4"]


@pytest.mark.parametrize("mode", ["rest", "grpc"])
def test_many_calls_are_counted_and_their_route_is_kept(seldon, add10, mode):
    call = ("model", "infer", "add10", ADD10, "--inference-mode", mode)
    assert "there is no session" in seldon.fails(*call, "-s")
    assert seldon.succeeds(*call, "-i", "50").counts == {":add10_1:": 50}
    assert (seldon.home / ".config/seldon/cli/session").read_text() == ":add10_1:"
    sticky = seldon.succeeds(*call, "-s", "--show-headers").out
    assert re.search(r"^> (X-Seldon-Route|x-seldon-route):\[:add10_1:\]$", sticky, re.MULTILINE)
    assert seldon.succeeds(*call, "-t=1").counts[":add10_1:"] > 1


def test_headers_are_shown_as_seldons_tool_does(seldon, add10):
    out = seldon.succeeds("model", "infer", "add10", ADD10, "--show-headers").out
    request, reply, body = out.split("\n\n")
    assert request.splitlines() == [
        "> POST /v2/models/add10/infer HTTP/1.1",
        f"> Host: 127.0.0.1:{seldon.server.port}",
        "> Content-Type:[application/json]",
        "> Seldon-Model:[add10]",
    ]
    assert "< X-Seldon-Route:[:add10_1:]" in reply.splitlines()
    assert all(re.fullmatch(r"< [A-Z][A-Za-z-]*:\[.*\]", line) for line in reply.splitlines())
    assert json.loads(body)["model_name"] == "add10_1"


def test_failures_are_told_by_the_reason_or_counted(seldon, add10):
    wrong = ADD10.replace("INPUT", "IN")
    assert "INPUT" in seldon.fails("model", "infer", "add10", wrong)
    grpc = ("model", "infer", "add10", wrong, "--inference-mode", "grpc")
    assert seldon.fails(*grpc).startswith("rpc error: code = InvalidArgument desc = ")
    success, errors = seldon.succeeds("model", "infer", "add10", wrong, "-i", "3").out.splitlines()
    assert success == "Success: map[]"
    assert re.fullmatch(r"Errors: map\[(:add10_1:)?:map\[400:3\]\]", errors)
    assert seldon.fails("model", "infer", "add10").startswith("a payload is needed")


def test_metadata_is_printed_by_tabs(seldon, add10):
    out = seldon.succeeds("model", "metadata", "add10").out
    assert out.startswith('{\n\t"name": "add10')
    assert {"name", "versions", "platform", "inputs", "outputs"} <= json.loads(out).keys()


def test_servers_are_listed_and_shown(seldon, add10):
    header, rule, *rows = seldon.succeeds("server", "list").table
    assert header == ["server", "replicas", "models"]
    assert rule == ["------", "--------", "------"]
    assert sorted(row[:2] for row in rows) == [["mlserver", "1"], ["triton", "1"]]
    status = seldon.succeeds("server", "status", "triton").json
    assert status["serverName"] == "triton"
    assert (status["expectedReplicas"], status["availableReplicas"]) == (-1, 1)
    (replica,) = status["resources"]
    assert int(replica["totalMemoryBytes"]) > 0
    assert isinstance(replica["totalMemoryBytes"], str)
    sentence = seldon.succeeds("server", "status", "triton", "-o=false").out
    assert re.fullmatch(r"triton loaded models \d+ available replicas 1\n", sentence)
    assert "FailedPrecondition" in seldon.fails("server", "status", "other")


def test_everything_in_a_stream_is_loaded_waited_for_and_unloaded(seldon):
    documents = [(seldon.manifests / f"{name}.yaml").read_text() for name in ("tfsimple1", "mul10")]
    stream = "---\n".join(documents)
    assert seldon.succeeds("load", stdin=stream).out.splitlines() == ["{}", "{}"]
    out = seldon.succeeds("status", "-w", "-t", "30", stdin=stream).out
    statuses = [json.loads(line) for line in out.splitlines()]
    assert [status["modelName"] for status in statuses] == ["tfsimple1", "mul10"]
    assert {status["versions"][0]["state"]["state"] for status in statuses} == {"ModelAvailable"}
    assert seldon.succeeds("unload", stdin=stream).out.splitlines() == ["{}", "{}"]


def test_a_model_that_cannot_be_loaded_is_waited_for_in_vain_and_told_why(seldon, tmp_path):
    manifest = (seldon.manifests / "iris.yaml").read_text().replace("name: iris", "name: lost")
    path = tmp_path / "lost.yaml"
    path.write_text(manifest)  # its artifact lies elsewhere
    assert seldon.succeeds("model", "load", "-f", str(path)).json == {}
    assert seldon.succeeds("model", "status", "lost", "-w", "ModelFailed", "-t", "30").json == {}
    late, why = seldon.fails("model", "status", "lost", "-w", "ModelAvailable", "-t", "0").split(
        "\n"
    )
    assert late == "Model wait status timeout"
    assert "lost is in state ModelFailed after 0 s: " in why
    assert "artifacts" in why
    seldon.succeeds("model", "unload", "-f", str(path))


def test_wrong_manifests_are_refused_with_the_place(seldon, tmp_path):
    path = tmp_path / "wrong.yaml"
    text = (seldon.manifests / "iris.yaml").read_text()
    path.write_text(text.replace("storageUri", "storagUri"))
    error = seldon.fails("model", "load", "-f", str(path))
    assert "storagUri" in error
    assert "did you mean storageUri?" in error
    path.write_text(text.replace("kind: Model", "kind: Pipeline"))
    assert "spec.steps: is missing" in seldon.fails("load", "-f", str(path))
    path.write_text(text.partition("spec:")[0].replace("kind: Model", "kind: Server") + "spec: {}")
    error = seldon.fails("load", "-f", str(path))
    assert "kind Server cannot be given here; give Model or Pipeline or Experiment" in error
    missing = seldon("model", "load", "-f", "nope.yaml")
    assert (missing.code, missing.err) == (255, "")
    assert missing.out == "open nope.yaml: no such file or directory\n"


def test_a_config_goes_before_the_environment_and_a_flag_before_both(seldon, tmp_path):
    content = {
        "controlplane": {"schedulerHost": f"127.0.0.1:{seldon.server.ports['scheduler']}"},
        "dataplane": {"inferHost": f"127.0.0.1:{seldon.server.port}"},
    }
    (tmp_path / "here.json").write_text(json.dumps(content))
    elsewhere = {"SELDON_SCHEDULE_HOST": "127.0.0.1:1", "SELDON_INFER_HOST": "127.0.0.1:1"}
    assert "127.0.0.1:1" in seldon.fails("server", "list", **elsewhere)
    assert seldon.succeeds("config", "add", "here", str(tmp_path / "here.json")).out == ""
    assert seldon.succeeds("config", "activate", "here").out == ""
    rows = seldon.succeeds("config", "list").table
    assert rows[0] == ["config", "path", "active"]
    assert rows[2] == ["here", str(tmp_path / "here.json"), "*"]
    assert json.loads(seldon.succeeds("config", "list", "here").out) == content
    assert len(seldon.succeeds("server", "list", **elsewhere).table) == 4
    assert "127.0.0.1:1" in seldon.fails("server", "list", "--scheduler-host", "127.0.0.1:1")
    error = seldon.fails("model", "infer", "x", IRIS, "--inference-host", "127.0.0.1:1")
    assert error.startswith("cannot reach 127.0.0.1:1: Connection refused; start `seldon-core")
    seldon.succeeds("config", "deactivate", "here")
    assert "127.0.0.1:1" in seldon.fails("server", "list", **elsewhere)
    seldon.succeeds("config", "remove", "here")
    assert len(seldon.succeeds("config", "list").table) == 2
    assert "there is no config 'here'" in seldon.fails("config", "activate", "here")


def test_the_usage_is_told_in_one_line(seldon):
    assert seldon.fails("model").splitlines()[0] == "model subcommand required"
    assert seldon.fails("model", "load") == 'required flag(s) "file-path" not set'
    assert "did you mean 'load'?" in seldon.fails("model", "laod")
    assert "did you mean ModelAvailable?" in seldon.fails(
        "model", "status", "iris", "-w", "ModelAvailble"
    )

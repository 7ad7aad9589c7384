"""kubectl's verbs, as a person types them, against a process that serves."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
import yaml

from tests.support.server import serving

pytestmark = pytest.mark.system

CALL_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def serving_nothing(tmp_path_factory):
    """A process without models."""
    ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    data = tmp_path_factory.mktemp("data")
    with serving("serve", "--data-dir", str(data), *ports) as started:
        yield started


@pytest.fixture
def environ(serving_nothing, tmp_path):
    return {
        **os.environ,
        "SELDON_SCHEDULE_HOST": f"127.0.0.1:{serving_nothing.ports['scheduler']}",
        "HOME": str(tmp_path / "home"),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def call(environ, tmp_path):
    """Return what runs the program in a folder of the test's own: (exit code, stdout, stderr)."""

    def run(*arguments, text=None):
        done = subprocess.run(
            [sys.executable, "-m", "seldon_core", *arguments],
            input=text,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environ,
            timeout=CALL_TIMEOUT_S,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def manifest(samples):
    """Return what writes a manifest of a model that computes with ONNX."""

    def write(name, **spec):
        return yaml.safe_dump(
            {
                "apiVersion": "mlops.seldon.io/v1alpha1",
                "kind": "Model",
                "metadata": {"name": name},
                "spec": {
                    "storageUri": str(samples / "artifacts/add10"),
                    "requirements": ["onnx"],
                    **spec,
                },
            }
        )

    return write


@contextlib.contextmanager
def killed_at_last(process):
    """Leave no process behind, and let no reader wait for one that has nothing more to say."""
    alarm = threading.Timer(CALL_TIMEOUT_S, process.kill)
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        process.kill()


def table(text):
    """Return the rows of a table by the first cell; no cell but the last may have a space."""
    header, *rows = [line.split() for line in text.splitlines()]
    return {row[0]: dict(zip(header, row, strict=False)) for row in rows}


def test_a_folder_is_applied_shown_changed_and_deleted(call, manifest, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "two.yaml").write_text(f"{manifest('fa')}---\n{manifest('fb', memory='1Mi')}")
    (folder / "one.json").write_text(json.dumps(yaml.safe_load(manifest("fc"))))

    done = call("apply", "-f", "models")
    assert done == (0, "".join(f"model.mlops.seldon.io/f{x} created\n" for x in "cab"), "")
    code, out, _ = call("wait", "--for=condition=ready", "--timeout=60s", "-f", "models")
    assert (code, out.count("condition met\n")) == (0, 3)

    code, out, _ = call("get", "models")
    shown = table(out)
    assert [shown[name]["STATE"] for name in ("fa", "fb", "fc")] == ["ModelAvailable"] * 3
    assert (shown["fa"]["READY"], shown["fa"]["DESIRED"], shown["fa"]["AVAILABLE"]) == (
        "True",
        "1",
        "1",
    )
    code, out, _ = call("get", "model/fa", "model/fc", "-o", "name")
    assert out == "model.mlops.seldon.io/fa\nmodel.mlops.seldon.io/fc\n"
    code, out, _ = call("get", "model", "fb", "-o", "yaml")
    document = yaml.safe_load(out)
    assert document["spec"]["memory"] == "1Mi"
    assert {each["type"]: each["status"] for each in document["status"]["conditions"]} == {
        "ModelReady": "True",
        "Ready": "True",
    }
    code, out, _ = call("get", "mlm", "-o", "json")
    assert {item["metadata"]["name"] for item in json.loads(out)["items"]} >= {"fa", "fb", "fc"}

    assert call("apply", "-f", "-", text=out)[1].count(" unchanged\n") >= 3
    done = call("apply", "-f", "-", text=manifest("fb", memory="2Mi"))
    assert done == (0, "model.mlops.seldon.io/fb configured\n", "")
    assert call("wait", "--for", "condition=ModelAvailable", "model/fb")[0] == 0
    assert table(call("get", "model", "fb", "-o", "wide")[1])["fb"]["VERSION"] == "2"

    code, out, _ = call("delete", "-f", "models")
    assert out.splitlines() == [f'model.mlops.seldon.io "f{x}" deleted' for x in "cab"]
    not_found = 'Error from server (NotFound): models.mlops.seldon.io "fa" not found\n'
    assert call("get", "model", "fa") == (1, "", not_found)
    assert call("delete", "model", "fa") == (1, "", not_found)
    assert call("delete", "model", "fa", "--ignore-not-found") == (0, "", "")
    done = call("apply", "-f", "-", text=manifest("fa"))
    assert done == (0, "model.mlops.seldon.io/fa created\n", "")


def test_a_watch_follows_a_model_until_ctrl_c(call, environ, manifest):
    call("apply", "-f", "-", text=manifest("watched"))
    watch = subprocess.Popen(
        [sys.executable, "-m", "seldon_core", "get", "model/watched", "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )
    with watch, killed_at_last(watch):
        assert watch.stdout.readline().split()[:2] == ["NAME", "READY"]
        states = [watch.stdout.readline().split()[4]]
        call("delete", "model", "watched")
        while states[-1] != "ModelTerminated":
            states.append(watch.stdout.readline().split()[4])
        watch.send_signal(signal.SIGINT)
        assert watch.wait(CALL_TIMEOUT_S) == -signal.SIGINT
        assert watch.stderr.read().strip() == ""
    assert "ModelAvailable" in states


def test_a_model_that_fits_nowhere_is_described_with_the_filters_that_refused_it(call, manifest):
    call("apply", "-f", "-", text=manifest("huge", memory="900Ti", replicas=3))
    code, out, _ = call("wait", "--for=condition=ScheduleFailed", "model/huge")
    assert code == 0
    code, out, err = call("wait", "--for=condition=ready", "--timeout=100ms", "model/huge")
    assert (code, out) == (1, "")
    assert err.startswith(
        "error: timed out waiting for the condition on models/huge: ScheduleFailed: "
    )

    code, out, _ = call("describe", "model", "huge")
    assert code == 0
    placement = out.partition("Placement:\n")[2].partition("Versions:\n")[0]
    verdicts = {tuple(line.split()[:3]) for line in placement.splitlines()[1:]}
    assert verdicts == {
        ("mlserver", "-", "ServerRequirementsFilter"),
        ("triton", "-", "-"),
        ("triton", "0", "AvailableMemoryReplicaFilter"),
    }
    assert "lacks onnx" in placement
    assert " of the 9.22e+05 GiB needed" in placement or "GiB needed" in placement
    story = out.partition("Story:\n")[2]
    assert "declared by 127.0.0.1" in story
    assert "answered: created" in story
    assert call("delete", "model/huge", "--timeout=30s")[0] == 0


def test_a_server_is_described_with_its_models(call, manifest):
    call("apply", "-f", "-", text=manifest("on-triton"))
    call("wait", "--for=condition=ready", "model/on-triton")
    code, out, _ = call("describe", "server", "triton")
    assert code == 0
    models = out.partition("Models:\n")[2]
    assert ["on-triton", "1", "ModelAvailable", "triton/0"] in [
        line.split()[:4] for line in models.splitlines()
    ]
    code, out, _ = call("get", "models,servers")
    assert "server.mlops.seldon.io/triton" in table(out.partition("\n\n")[2])
    assert call("wait", "--for=condition=ready", "servers")[0] == 0


def test_a_relative_uri_is_relative_to_the_manifest(call, manifest, samples, tmp_path):
    link = tmp_path / "beside"
    link.symlink_to(samples / "artifacts/add10")
    (tmp_path / "relative.yaml").write_text(manifest("relative", storageUri="./beside"))
    assert call("apply", "-f", str(tmp_path / "relative.yaml"))[0] == 0
    assert call("wait", "--for=condition=ready", "--timeout=30s", "model/relative")[0] == 0
    document = yaml.safe_load(call("get", "model/relative", "-o", "yaml")[1])
    assert document["spec"]["storageUri"] == str(link)


def test_the_scheduler_refuses_one_and_takes_the_others(call, manifest):
    done = call("apply", "-f", "-", text=manifest("mine"))
    assert done[0] == 0
    elsewhere = manifest("mine").replace("name: mine", "name: mine\n  namespace: elsewhere")
    code, out, err = call("apply", "-f", "-", text=f"{elsewhere}---\n{manifest('other')}")
    assert (code, out) == (1, "model.mlops.seldon.io/other created\n")
    assert err.startswith("error: model.mlops.seldon.io/mine is refused: ")
    assert "already declared in namespace 'default'" in err


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            {"storageUri": None, "storagUri": "x"},
            "spec.storagUri: unknown field, did you mean storageUri?",
        ),
        (
            {"memory": "1Kb"},
            "spec.memory: '1Kb' is no quantity of memory; write for example 100Ki or 1.5Gi",
        ),
        (
            {"minReplicas": 3, "maxReplicas": 2},
            "spec: minReplicas 3 is more than maxReplicas 2",
        ),
        (
            {"explainer": {"modelRef": "a", "pipelineRef": "b"}},
            "spec.explainer: gives both modelRef 'a' and pipelineRef 'b'; give one of them",
        ),
    ],
    ids=["unknown field", "bad memory unit", "bad scaling", "two references"],
)
def test_a_wrong_manifest_is_refused_before_any_is_sent(call, manifest, change, error):
    text = f"{manifest('never-sent')}---\n{manifest('wrong', **change)}"
    code, out, err = call("apply", "-f", "-", text=text)
    assert (code, out) == (1, "")
    assert err.startswith("error: standard input, document 2: ")
    assert error in err
    assert call("get", "model/never-sent")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["aply"], "there is no command 'aply', did you mean 'apply'?"),
        (["get", "modles"], "there is no kind of resource 'modles', did you mean 'models'?"),
        (["get", "models", "-o", "yml"], "-o: there is no format 'yml', did you mean yaml?"),
        (["get", "models", "--wtach"], "there is no option '--wtach', did you mean --watch?"),
        (
            ["wait", "--for=condition=redy", "model/x"],
            "--for: a model has no condition 'redy', did you mean Ready?",
        ),
        (
            ["wait", "--for=delete", "--timeout=5", "model/x"],
            "--timeout: '5' is no duration; write for example 300s, 5m or 1m30s",
        ),
        (
            ["delete", "server/triton"],  # the process itself has it
            (
                "server.mlops.seldon.io/triton is not deleted: "
                "server 'triton' not found among those of a manifest"
            ),
        ),
        (["apply", "-f", "missing.yaml"], "the path 'missing.yaml' does not exist"),
        (
            ["get", "models", "--scheduler-host", "127.0.0.1:1"],
            (
                "no scheduler can be reached at 127.0.0.1:1 (Connection refused); "
                "start one with `seldon-core serve`, or say where it is with --scheduler-host"
            ),
        ),
    ],
    ids=[
        "command",
        "kind",
        "format",
        "option",
        "condition",
        "duration",
        "server",
        "file",
        "no scheduler",
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_1(call, arguments, error):
    assert call(*arguments) == (1, "", f"error: {error}\n")

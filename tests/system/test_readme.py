"""Every command of the README, run as it stands there; only the ports are free ones."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hop import free_port
from tests.support.server import serving

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SERVERS = {"make serve\n", ".venv/bin/seldon-core serve --models FOLDER\n"}
# Three that are one: processes, a model on them, an update under load.
MANY = re.findall(
    r"^```sh\n(.*?)^```$",
    README[README.index("## From one process to many") : README.index("## Watch it")],
    re.MULTILINE | re.DOTALL,
)
# And three more: certificates and a server, a client with one, another certificate.
TLS = re.findall(
    r"^```sh\n(.*?)^```$",
    README[README.index("## Open it to others") : README.index("## How fast")],
    re.MULTILINE | re.DOTALL,
)
COMMANDS = [block for block in BLOCKS if block not in {*SERVERS, *MANY, *TLS, "make test\n"}]


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def made(data_folder):
    """`make serve`, on free ports and a data folder of its own, from the checkout under test."""
    ports = " ".join(f"--{name}port 0" for name in ("", "scheduler-", "agent-", "admin-"))
    ports += " --set scaling.periodS=1"  # as the README says of scaling
    environment = Path(sys.executable).parent.parent
    options = [f"VENV={environment}"] if (environment / ".installed-serve").exists() else []
    with serving(
        command=("make", "serve", f"ARGS={ports} --data-dir {data_folder}", *options),
        cwd=ROOT,
        until="Ctrl-C stops",
    ) as started:
        yield started


def run(script, server, data_folder=None):
    script = script.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    script = script.replace("localhost:9000", f"localhost:{server.port}")
    script = script.replace("localhost:9006", f"localhost:{server.ports['admin']}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": path,
            "DATA_FOLDER": str(data_folder),
            "SELDON_SCHEDULE_HOST": f"localhost:{server.ports['scheduler']}",
            "SELDON_INFER_HOST": f"localhost:{server.port}",
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_has_the_commands_that_the_tests_know():
    assert set(BLOCKS) >= SERVERS | {"make test\n"}
    assert len(COMMANDS) == 18


@pytest.mark.system
@pytest.mark.parametrize("script", COMMANDS, ids=lambda script: script.split("\n")[0][:50])
def test_a_command_of_the_readme_works(made, data_folder, script):
    output = run(script, made, data_folder)
    assert output
    assert '"error"' not in output


@pytest.mark.system
def test_an_update_under_load_and_a_killed_replica_lose_no_call_of_the_readmes(made):
    scheduler, link, first, second = (str(free_port()) for _ in range(4))
    script = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n" + "".join(MANY)
    for written, meant in (
        (".venv/bin/seldon-core", f"{sys.executable} -P -m seldon_core"),
        ("--role=scheduler", f"--role=scheduler --scheduler-port {scheduler} --agent-port {link}"),
        ("--role=router", f"--role=router --scheduler-port {link}"),
        ("--role=agent", f"--role=agent --scheduler-port {link}"),
        ("--port 9000", f"--port {first}"),
        ("--port 9001", f"--port {second}"),
        ("localhost:9001", f"localhost:{second}"),
    ):
        assert written in script
        script = script.replace(written, meant)
    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "SELDON_SCHEDULE_HOST": f"localhost:{scheduler}"},
    )
    counted = re.findall(r"^ *(\d+) (HTTP.*)$", done.stdout, re.MULTILINE)
    answers = {tuple(text.split()): int(count) for count, text in counted}
    assert sum(answers.values()) == 1000, done.stdout + done.stderr
    assert {words[1:3] for words in answers} == {("200", "OK")}
    assert {words[-1] for words in answers} == {":iris_1:", ":iris_2:"}


@pytest.mark.system
def test_mutual_tls_lets_in_who_shows_a_certificate_and_the_audit_log_names_him(made, tmp_path):
    data, scheduler, link = (str(free_port()) for _ in range(3))
    script = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n" + "".join(TLS)
    for written, meant in (
        (".venv/bin/seldon-core", f"{sys.executable} -P -m seldon_core"),
        ("local/tls", str(tmp_path / "tls")),
        ("$PWD/", ""),
        ("sleep 3", "sleep 1; until grep -q 'Ctrl-C stops' $said; do sleep 0.1; done"),
        ("--admin-port 0 & served", "--admin-port 0 > $said 2>&1 & served"),
        ("9010", data),
        ("9044", scheduler),
        ("9055", link),
    ):
        assert written in script
        script = script.replace(written, meant)
    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", f"said={tmp_path / 'said'}\n{script}"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert "does not accept your certificate, or wants one" in done.stderr
    refused, first, *_ = done.stdout.splitlines()
    assert refused == "no certificate, no answer", done.stderr
    assert first.startswith("NAME ")
    assert 'model.mlops.seldon.io "iris3" deleted' in done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(line["actor"], line["event"], line["outcome"]) for line in lines] == [
        ("CN=alice", "ModelUnloadRequested", "deleted"),
        ("this process", "SettingsRead", "unchanged"),
    ]
    assert done.stdout.count("iris2") == 2  # as before and after the new certificate


@pytest.mark.system
def test_the_words_of_apply_wait_and_delete_are_kubectls(made):
    script = next(block for block in COMMANDS if "apply -f -" in block)
    lines = run(script, made).splitlines()
    assert lines[:2] == [
        "model.mlops.seldon.io/adder created",
        "model.mlops.seldon.io/adder condition met",
    ]
    assert lines[-1] == 'model.mlops.seldon.io "adder" deleted'


@pytest.mark.system
def test_the_first_answer_is_the_one_shown(made):
    shown = re.search(r"^```json\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert run(COMMANDS[0], made).strip() == shown[1]


@pytest.mark.system
def test_a_folder_with_the_manifest_shown_and_a_plain_model_is_served(samples, tmp_path):
    manifest = re.search(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert manifest is not None
    folder = tmp_path / "FOLDER"
    shutil.copytree(samples / "artifacts" / "iris", folder / "iris")
    shutil.copytree(samples / "artifacts" / "add10", folder / "plain")
    (folder / "iris.yaml").write_text(manifest[1])
    command = shlex.split(".venv/bin/seldon-core serve --models FOLDER")
    options = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    with serving(
        *command[1:],
        f"--data-dir={tmp_path / 'data'}",
        *options,
        command=(str(Path(sys.executable).parent / "seldon-core"),),
        cwd=tmp_path,
    ) as server:
        assert "serving 2 of 2 models" in server.output
        assert "model=plain" in server.output
        assert run(COMMANDS[0], server)

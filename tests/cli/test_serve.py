import asyncio
import logging
import subprocess
import sys

import platformdirs
import pytest
import uvloop

from seldon_core import app
from seldon_core.cli import serve
from seldon_core.cli.serve import parse_assignments, run_serve
from seldon_core.errors import ConfigError
from seldon_core.roles import Role
from seldon_core.running import Ports


@pytest.fixture
def served(monkeypatch, searches, calls_roles):
    """What `app.serve` was called with, instead of serving."""
    calls = []

    async def fake(*arguments, search, roles, read_settings, settings_files):
        assert read_settings() == arguments[0]  # nothing has changed since
        searches.append(search)
        calls.append((*arguments, asyncio.get_running_loop()))
        calls_roles.append(roles)

    monkeypatch.setattr(app, "serve", fake)
    return calls


@pytest.fixture
def calls_roles():
    """Which roles the process was to have."""
    return []


@pytest.fixture
def searches():
    """How the process that is served looks into the folders again."""
    return []


@pytest.fixture(autouse=True)
def _logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("seldon_core").setLevel(logging.NOTSET)


def test_the_process_gets_settings_models_and_trust_on_uvloop(served, tmp_path):
    models, data, more = (tmp_path / name for name in ("models", "data", "more"))
    (models / "add10").mkdir(parents=True)
    (models / "add10" / "model.onnx").touch()
    flags = {"data.dir": str(data), "agent.port": 1, "agent.trustedPrefixes": [str(more)]}
    run_serve("all", [models], None, flags)
    [(settings, folder, found, _, loop)] = served
    assert folder == data
    assert settings.agent.port == 1
    assert [spec.name for spec in found.specs] == ["add10"]
    assert found.trusted == [data, more, models]
    assert list(data.iterdir()) == []
    assert isinstance(loop, uvloop.Loop)


def test_the_folders_can_be_searched_again_and_what_they_point_to_is_trusted(
    served, searches, tmp_path
):
    models, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    models.mkdir()
    elsewhere.mkdir()
    run_serve("all", [models], None, {"data.dir": str(tmp_path / "data")})
    [(_, _, found, _, _)] = served
    assert not found.specs
    (elsewhere / "model.joblib").touch()
    (models / "iris.yaml").write_text(
        "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: iris}\n"
        f"spec: {{storageUri: {elsewhere}}}\n"
    )
    [search] = searches
    for _ in range(2):
        assert [spec.name for spec in search().specs] == ["iris"]
        assert found.trusted == [tmp_path / "data", models, elsewhere]  # the agents' own list


def test_what_is_wrong_but_no_reason_to_stop_is_a_warning(served, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SELDON_AGENT__MEMRY", "1")
    (tmp_path / "broken.yaml").write_text("kind: Pod")
    run_serve("all", [tmp_path], None, {"data.dir": str(tmp_path)})
    errors = capsys.readouterr().err
    assert "warning: SELDON_AGENT__MEMRY is no known setting" in errors
    assert "warning: not served: " in errors
    assert "broken.yaml" in errors
    [(_, _, found, _, _)] = served
    assert [refused.source for refused in found.refused] == [str(tmp_path / "broken.yaml")]


def test_folders_without_anything_to_serve_are_a_warning(served, tmp_path, capsys):
    (tmp_path / "none").mkdir()
    run_serve("all", [tmp_path / "none"], None, {"data.dir": str(tmp_path)})
    assert capsys.readouterr().err == (
        f"warning: found no model folder and no manifest below {tmp_path}/none: looked for "
        "model.joblib, model.pickle, model.pkl, model.onnx, model-settings.json, *.yaml and "
        "numbered folders, found nothing\n"
    )
    assert len(served) == 1


@pytest.mark.parametrize(
    ("names", "shown"),
    [(["my_model.joblib"], "my_model.joblib"), ("abcdef", "a, b, c, d, e, …")],
    ids=["a file", "many files"],
)
def test_a_folder_with_files_but_no_model_is_a_line(served, tmp_path, capsys, names, shown):
    (tmp_path / "add10").mkdir()
    (tmp_path / "add10" / "model.onnx").touch()
    (tmp_path / "wrongname").mkdir()
    for name in names:
        (tmp_path / "wrongname" / name).touch()
    run_serve("all", [tmp_path], None, {"data.dir": str(tmp_path)})
    assert capsys.readouterr().err == (
        f"warning: {tmp_path}/wrongname holds no model and no manifest: looked for model.joblib, "
        "model.pickle, model.pkl, model.onnx, model-settings.json, *.yaml and numbered folders, "
        f"found {shown}\n"
    )


def test_state_lies_in_the_users_data_folder_by_default(served, tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / name)
    run_serve("all", [], None, {})
    assert (tmp_path / "seldon-core").is_dir()


def test_a_data_folder_that_cannot_be_written_is_an_error(served, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"data\.dir: cannot write .*--data-dir"):
        run_serve("all", [], None, {"data.dir": str(tmp_path / "file" / "below")})
    assert served == []


@pytest.mark.parametrize("role", ["agent", "router"])
def test_a_process_without_a_scheduler_writes_nothing(served, tmp_path, role):
    run_serve(role, [], None, {"data.dir": str(tmp_path / "data")})
    assert served[0][1] == tmp_path / "data"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("role", "roles", "said"),
    [
        (
            "all",
            {Role.SCHEDULER, Role.ROUTER, Role.AGENT},
            ["inference", "scheduler", "agent", "memory", "data"],
        ),
        ("agent", {Role.AGENT}, ["inference", "memory", "scheduler"]),
        ("router", {Role.ROUTER}, ["inference", "scheduler"]),
        ("scheduler", {Role.SCHEDULER}, ["scheduler", "agent", "data"]),
    ],
)
def test_a_process_has_its_roles_and_says_what_is_theirs(
    served, calls_roles, tmp_path, capsys, role, roles, said
):
    run_serve(role, [], None, {"data.dir": str(tmp_path)})
    assert calls_roles == [roles]
    [(settings, _, _, console, _)] = served
    data = 1 if "inference" in said else None
    control = 3 if role in ("all", "scheduler") else None
    console.opened(Ports("127.0.0.1", data, control, control, 2), settings)
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert sorted(words) == sorted(["admin", *said])


def test_a_replica_that_another_process_started_writes_into_its_log(
    served, tmp_path, capsys, monkeypatch
):
    parents = []
    monkeypatch.setattr(serve, "end_with_parent", parents.append)
    flags = {"data.dir": str(tmp_path), "agent.parent": 77, "agent.replicaIdx": 2}
    run_serve("agent", [], None, flags)
    assert parents == [77]
    [(settings, _, _, journal, _)] = served
    journal.opened(Ports("127.0.0.1", 7, None, None, 8), settings)
    journal.refused("iris", ConfigError("no"))
    journal.loaded([], 0, None)
    journal.draining(1)
    listens = "agent process listens replica=mlserver/2 inference=127.0.0.1:7 admin=127.0.0.1:8"
    said = capsys.readouterr()
    assert listens in said.err
    assert said.out == ""


def test_folders_are_for_the_process_that_has_the_scheduler(served, tmp_path):
    with pytest.raises(ConfigError, match="--models: only a process with the scheduler"):
        run_serve("agent", [tmp_path], None, {})
    assert served == []


def test_a_process_that_is_to_end_with_another_one_looks_for_it(served):
    with pytest.raises(ConfigError, match="process 1000000000 was to be the parent"):
        run_serve("agent", [], None, {"agent.parent": 10**9})


def test_assignments_are_settings_by_name():
    assert parse_assignments(["log.level=debug", "log.levels=a=b"]) == {
        "log.level": "debug",
        "log.levels": "a=b",
    }


def test_an_assignment_without_a_value_is_an_error():
    with pytest.raises(ConfigError, match=r"--set log\.level: wanted group\.setting=value"):
        parse_assignments(["log.level"])


def test_a_start_imports_no_library_that_it_can_do_without():
    spared = ["aiohttp", "grpc", "grpc_reflection", "hashlib", "onnxruntime"]
    spared += ["prometheus_client", "pydantic", "seldon_core.protocol.openapi", "sklearn"]
    spared += ["seldon_core.agent.link", "seldon_core.transport.rpc_client"]  # of other processes
    program = (
        "import sys; import seldon_core.cli.serve, seldon_core.app; "
        "import seldon_core.scheduler_process; "
        f"found = set({spared}) & set(sys.modules); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)

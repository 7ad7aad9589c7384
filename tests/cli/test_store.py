import io
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from seldon_core.cli.store import run_check, run_export, run_import
from seldon_core.errors import StoreError
from seldon_core.resources.remote import Remote
from seldon_core.resources.secret import AgentConfigSpec, SecretSpec
from seldon_core.scheduler.records import StoredAgentConfig, StoredSecret
from seldon_core.scheduler.store_file import path_in
from tests.support.stored import keep, kept, stored

NOW = 1763000000.0
A, B = stored("a", uri="/models/xyzzy"), stored("b", (1, 2))


@pytest.fixture
def folder(tmp_path):
    """A data folder that keeps two models."""
    folder = tmp_path / "data"
    folder.mkdir()
    keep(folder, ([B, A], [], NOW))
    return folder


@pytest.fixture
def export(folder, tmp_path):
    """What that folder keeps, as a file."""
    file = tmp_path / "models.jsonl"
    run_export(str(folder), file)
    return file


def damage(folder):
    content = path_in(folder).read_bytes()
    path_in(folder).write_bytes(content.replace(b"xyzzy", b"xyzzx"))


def test_a_sound_store_is_described(folder, capsys):
    run_check(str(folder))
    store, schema, written, records, verdict = capsys.readouterr().out.splitlines()
    assert store.startswith(f"store     {path_in(folder)}, ")
    assert schema == "schema    1; up to 1 can be read"
    assert written == "written   2025-11-13T02:13:20+00:00"
    assert records.startswith("records   3, ")
    assert records.endswith(": 2 models with 3 versions")
    assert verdict == "sound"


def test_every_problem_is_printed_and_is_an_error(folder, capsys):
    damage(folder)
    with pytest.raises(StoreError, match=f"^the store in '{folder}/store' is not sound; "):
        run_check(str(folder))
    out = capsys.readouterr().out
    assert "wrong     model/default/a: its checksum is wrong" in out
    assert "sound" not in out.splitlines()


def test_what_is_wrong_with_the_file_itself_is_printed_and_warned_of(folder, tmp_path, capsys):
    with path_in(folder).open("r+b") as file:
        file.truncate(path_in(folder).stat().st_size - 100)
    with pytest.raises(StoreError, match="is not sound"):
        run_check(str(folder))
    with pytest.raises(StoreError, match="exported "):
        run_export(str(folder), tmp_path / "rest.jsonl")
    told = capsys.readouterr()
    wrong = [line for line in told.out.splitlines() if line.startswith("wrong     ")]
    assert wrong
    assert told.err.splitlines() == [line.replace("wrong     ", "warning: ", 1) for line in wrong]


def test_a_store_that_was_never_written_to_says_so(tmp_path, capsys):
    keep(tmp_path)
    run_check(str(tmp_path))
    out = capsys.readouterr().out
    assert "schema    unknown" in out
    assert "written   never" in out


def test_rules_that_the_models_break_together_are_printed(folder, capsys, monkeypatch):
    def violations(state):
        return [f"{', '.join(state.models)}: too many"]

    monkeypatch.setattr("seldon_core.cli.store.violations", violations)
    with pytest.raises(StoreError, match="is not sound"):
        run_check(str(folder))
    assert "wrong     b, a: too many\n" in capsys.readouterr().out


def test_an_export_fills_an_empty_store(export, tmp_path, capfd):
    other = tmp_path / "new" / "data"
    run_import(str(other), export)
    assert kept(other) == (B, A)
    assert capfd.readouterr().out == f"imported 2 models into {other}\n"
    run_export(str(other), None)
    assert capfd.readouterr().out == export.read_text()


def test_the_data_folder_may_come_from_the_environment(export, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SELDON_DATA__DIR", str(tmp_path / "elsewhere"))
    run_import(None, export)
    run_check(None)
    assert str(path_in(tmp_path / "elsewhere")) in capsys.readouterr().out


def test_standard_input_is_an_export_too(export, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(export.read_bytes())))
    run_import(str(tmp_path), None)
    assert kept(tmp_path) == (B, A)


def test_what_cannot_be_exported_is_told_and_the_others_are(folder, tmp_path, capsys):
    damage(folder)
    file = tmp_path / "rest.jsonl"
    with pytest.raises(StoreError, match="exported 1 model; others, "):
        run_export(str(folder), file)
    assert "warning: model/default/a: its checksum is wrong" in capsys.readouterr().err
    run_import(str(tmp_path / "new"), file)
    assert kept(tmp_path / "new") == (B,)


def test_a_file_that_cannot_be_written_is_named_and_none_is_left(folder, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(StoreError, match=f"^cannot write '{target}': Is a directory$"):
        run_export(str(folder), target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "target"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_told_in_a_line(folder):
    command = [sys.executable, "-m", "seldon_core", "store", "export", "--data-dir", str(folder)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_a_link_to_an_export_stays_one(folder, export, tmp_path):
    link = tmp_path / "latest.jsonl"
    link.symlink_to(export)
    written = export.read_text()
    export.write_text("")
    run_export(str(folder), link)
    assert link.is_symlink()
    assert export.read_text() == written


def test_a_pipe_is_written_to_and_stays_one(folder, export, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    run_export(str(folder), pipe)
    assert os.read(reader, 65536) == export.read_bytes()
    os.close(reader)
    assert pipe.is_fifo()


def test_a_store_with_models_is_not_filled(folder, export):
    with pytest.raises(StoreError, match=r"holds 2 records, and only an empty one is filled; move"):
        run_import(str(folder), export)
    assert kept(folder) == (B, A)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace(b"xyzzy", b"\xff"), r": 'utf-8' codec"),
        (lambda text: text.replace(b'"schema": 1', b'"schema": 2'), ": line 1: it has schema 2"),
        (lambda text: text.replace(b'"replicas": 1', b'"replicas": "1"'), ": line 2: .*replicas"),
        (lambda text: text.replace(b'"replicas": 1', b'"replicas": 99999999999999999999'), "kept"),
        (lambda text: b"", ": it is empty"),
    ],
    ids=["no-utf-8", "newer", "field", "too-large", "empty"],
)
def test_a_wrong_export_changes_nothing(export, tmp_path, change, problem):
    export.write_bytes(change(export.read_bytes()))
    new = tmp_path / "new"
    with pytest.raises(StoreError, match=problem):
        run_import(str(new), export)
    if new.exists():
        assert kept(new) == ()


def test_an_export_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match=f"^cannot read {tmp_path}/x: No such file or directory$"):
        run_import(str(tmp_path), tmp_path / "x")


def test_a_data_folder_that_cannot_be_made_is_named(export, tmp_path):
    with pytest.raises(StoreError, match=f"^cannot make '{export}': File exists$"):
        run_import(str(export), export)


def test_a_deleted_model_is_sound(tmp_path):
    keep(tmp_path, ([replace(A, deleted_at=NOW)], [], NOW))
    run_check(str(tmp_path))


def test_secrets_are_exported_if_asked_for_only(tmp_path, capsys):
    spec = SecretSpec("minio", {"s3": b"hunter2"})
    remote = Remote("gs", "gcs", {"token": "hunter3"})
    own = StoredAgentConfig("seldon-agent", AgentConfigSpec(("minio",), (remote,)))
    everything = (A, StoredSecret("minio", spec), own)
    (tmp_path / "data").mkdir()
    keep(tmp_path / "data", (everything, (), NOW))
    bare, whole = tmp_path / "bare.jsonl", tmp_path / "whole.jsonl"
    run_export(str(tmp_path / "data"), bare)
    left_out = "warning: 2 records with secrets left out; --with-secrets exports them, too\n"
    assert capsys.readouterr().err == left_out
    assert "minio" not in bare.read_text()
    run_export(str(tmp_path / "data"), whole, True)
    assert whole.stat().st_mode & 0o077 == 0
    assert capsys.readouterr().err == ""
    (tmp_path / "new").mkdir()
    run_import(str(tmp_path / "new"), whole)
    run_export(str(tmp_path / "new"), tmp_path / "again.jsonl", True)
    assert (tmp_path / "again.jsonl").read_text() == whole.read_text()


def test_a_config_that_only_names_secrets_is_exported(tmp_path, capsys):
    keep(tmp_path, ((StoredAgentConfig("seldon-agent", AgentConfigSpec(("minio",))),), (), NOW))
    run_export(str(tmp_path), tmp_path / "f.jsonl")
    assert capsys.readouterr().err == ""
    assert "minio" in (tmp_path / "f.jsonl").read_text()

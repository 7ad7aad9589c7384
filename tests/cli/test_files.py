import io
import os
import sys

import pytest

from seldon_core.cli.files import folder_of, read_text, source_of


def test_a_mark_of_windows_is_no_text(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("é", encoding="utf-8-sig")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\ufeffé"))
    assert read_text(str(tmp_path / "a")) == read_text("-") == "é"


def test_a_person_at_a_terminal_is_told_how_to_end(monkeypatch, capsys):
    terminal = io.StringIO("x")
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    assert read_text("-") == "x"
    assert "Ctrl-D" in capsys.readouterr().err


def test_a_file_is_called_by_its_name():
    assert (source_of("-"), source_of("a/b")) == ("standard input", "a/b")


def test_paths_are_meant_from_a_files_folder_or_the_current_one(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/a.yaml").touch()
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    assert folder_of("there/a.yaml") == str(tmp_path / "there")
    reading, writing = os.pipe()
    for name in ("-", f"/dev/fd/{reading}", "loop", "missing/a.yaml"):
        assert folder_of(name) == str(tmp_path)
    os.close(reading)
    os.close(writing)


def test_a_file_that_is_no_text_is_an_error(tmp_path):
    (tmp_path / "a").write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read_text(str(tmp_path / "a"))

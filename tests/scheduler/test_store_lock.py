import os
import subprocess
import sys

import pytest

from seldon_core.errors import StoreError
from seldon_core.scheduler.store_lock import hold_folder

HOLD = """
import sys
from pathlib import Path
from seldon_core.scheduler.store_lock import hold_folder
with hold_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_that_another_process_holds_is_refused_until_it_ends(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        told = f"^'{tmp_path}' is in use by process {holder.pid}: stop it, or .* with --data-dir$"
        with pytest.raises(StoreError, match=told), hold_folder(tmp_path):
            pass
        holder.kill()
        holder.wait(10)
    with hold_folder(tmp_path):
        pass


def test_the_lock_is_its_owners_alone(tmp_path):
    with hold_folder(tmp_path):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_the_holder_is_the_one_who_holds_it_now(tmp_path):
    (tmp_path / "lock").write_text("4194304999\n")
    with hold_folder(tmp_path):
        told = f"process {os.getpid()}: "
        with pytest.raises(StoreError, match=told), hold_folder(tmp_path):
            pass


def test_a_holder_that_has_not_written_its_number_yet_is_another_process(tmp_path):
    with hold_folder(tmp_path):
        (tmp_path / "lock").write_text("")
        with pytest.raises(StoreError, match="by another process: "), hold_folder(tmp_path):
            pass


def test_what_the_process_starts_does_not_inherit_the_lock(tmp_path):
    command = [sys.executable, "-c", "print('runs', flush=True); input()"]
    pipe = subprocess.PIPE
    with hold_folder(tmp_path):
        child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, close_fds=False)
        assert child.stdout.readline() == "runs\n"
    with child, hold_folder(tmp_path):
        child.kill()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    file = tmp_path / "file"
    file.touch()
    told = f"^cannot write to '{file}': Not a directory; choose another folder with --data-dir$"
    with pytest.raises(StoreError, match=told), hold_folder(file):
        pass


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    told = f"^cannot lock '{tmp_path}/lock': No locks available$"
    with pytest.raises(StoreError, match=told), hold_folder(tmp_path):
        pass

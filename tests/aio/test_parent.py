"""A process that ends with the one that started it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from seldon_core.aio.parent import end_with_parent
from seldon_core.errors import ConfigError

CHILD = "from seldon_core.aio.parent import end_with_parent; import time; end_with_parent(%s); "
PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", {CHILD!r} % os.getpid() + "print('here', flush=True); time.sleep(60)"],
    stdout=subprocess.PIPE,
)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and is_running(child):
        time.sleep(0.01)
    assert not is_running(child)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_whose_parent_is_gone_already_does_not_begin():
    child = subprocess.run(
        [sys.executable, "-c", CHILD % 1_000_000_000], capture_output=True, text=True, check=False
    )
    assert child.returncode == 1
    assert "process 1000000000 was to be the parent of this one and is not" in child.stderr


def test_where_there_is_no_such_wish_only_the_parent_is_checked(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    end_with_parent(os.getppid())
    with pytest.raises(ConfigError):
        end_with_parent(1_000_000_000)

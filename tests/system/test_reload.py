"""Settings that a real process reads again, by SIGHUP and when their file has changed."""

import json
import os
import pty
import signal
import sys
import time
import urllib.request

from tests.support.server import serving

PORTS = ["--port=0", "--scheduler-port=0", "--agent-port=0", "--admin-port=0"]


def until(condition, what, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def test_sighup_reads_the_settings_again_and_names_what_needs_a_restart(tmp_path):
    audit = tmp_path / "audit.jsonl"
    config = tmp_path / "config.yaml"
    config.write_text(f"log: {{level: info, audit: {audit}}}\n")
    with serving(
        "serve", "--config", str(config), "--data-dir", str(tmp_path / "data"), *PORTS
    ) as server:
        log = f"log: {{level: debug, audit: {audit}}}\n"
        config.write_text(f"{log}agent: {{workers: 3}}\nlistener: {{connections: 5}}\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "settings read again" in server.output, "the settings are read again")
        assert "settings that need a restart are not changed names=agent.workers" in server.output
        assert "changed=listener.connections,log.level" in server.output
        with urllib.request.urlopen(f"{server.admin}/log/levels", timeout=10) as answer:
            assert json.load(answer)["seldon_core"] == "debug"

        config.write_text("listener: {connections: none}\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "the settings stay as they were" in server.output, "they are refused")
        with urllib.request.urlopen(f"{server.admin}/readyz", timeout=10) as answer:
            assert answer.status == 200
        assert server.stop() == 0
    told = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["event"], line["outcome"]) for line in told] == [
        ("SettingsRead", "configured"),
        ("SettingsRead", "refused"),
    ]
    assert told[0]["reason"] == "listener.connections,log.level; restart needed: agent.workers"
    assert "listener.connections" in told[1]["reason"]


def test_a_changed_file_is_read_again_without_a_signal(tmp_path):
    config, new = tmp_path / "config.yaml", tmp_path / "new.yaml"
    config.write_text("log: {level: info}\n")
    with serving(
        "serve", "--config", str(config), "--data-dir", str(tmp_path / "data"), *PORTS
    ) as server:
        new.write_text("log: {level: debug}\n")
        new.replace(config)
        until(lambda: "settings read again changed=log.level" in server.output, "it is read again")
        with urllib.request.urlopen(f"{server.admin}/log/levels", timeout=10) as answer:
            assert json.load(answer)["seldon_core"] == "debug"
        assert server.stop() == 0
    assert f"files have changed and are read again files={config}" in server.output


def test_a_closed_terminal_still_ends_the_process(tmp_path):
    arguments = ["serve", "--data-dir", str(tmp_path / "data"), *PORTS]
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "seldon_core", *arguments])
    said = b""
    while b"Ctrl-C stops" not in said:
        said += os.read(master, 4096)
    os.close(master)
    ended, status = 0, 0

    def has_ended():
        nonlocal ended, status
        ended, status = os.waitpid(pid, os.WNOHANG)
        return ended == pid

    try:
        until(has_ended, "the process ends")
    finally:
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0

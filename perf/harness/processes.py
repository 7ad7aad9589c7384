"""Start a server, see when it answers, weigh it, stop it with all that it started."""

import http.client
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

POLL_S = 0.004
STOP_S = 10.0


class StartError(Exception):
    """A server that did not become ready: its command, and the end of what it printed."""


def free_port() -> int:
    """A port of the loopback that nobody listens on now.

    It lies below the ports that the system gives to clients: a client that polls a port of those
    until somebody listens may be given that very port, and connect to itself.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def get_status(port: int, path: str) -> int:
    """The status of one GET, or 0 if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def is_listening(port: int) -> bool:
    """Whether `port` takes a connection."""
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex(("127.0.0.1", port)) == 0


class ServerProcess:
    """A server under test, in a session of its own, so that it can be stopped with its children.

    `start_s` is the time from the spawn to the first 200 of the first path that was waited for,
    `complete_s` to that of the last.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._command = list(command)
        self._log = log
        self._began = time.perf_counter()
        with log.open("wb") as out:
            self._popen = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        self.pid = self._popen.pid
        self.start_s = self.complete_s = 0.0

    def wait_ready(self, port: int, path: str, timeout_s: float = 60.0) -> None:
        """Return when GET `path` on `port` answers 200.

        Raises StartError if the process ends first or `timeout_s` passes; it is stopped then.
        """
        self._wait(lambda: get_status(port, path) == 200, timeout_s)

    def wait_listening(self, port: int, timeout_s: float = 60.0) -> None:
        """Return when `port` takes connections. Raises StartError as `wait_ready` does."""
        self._wait(lambda: is_listening(port), timeout_s)

    def memory_bytes(self) -> int:
        """Resident memory of the process and all its children, now. Shared pages count in each."""
        root = psutil.Process(self.pid)
        return sum(process.memory_info().rss for process in [root, *root.children(recursive=True)])

    def stop(self) -> None:
        """SIGTERM to the process, and SIGKILL to what is left of its session after a while."""
        if self._popen.poll() is None:
            self._popen.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(STOP_S)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def _wait(self, is_up: Callable[[], bool], timeout_s: float) -> None:
        while time.perf_counter() - self._began < timeout_s and self._popen.poll() is None:
            if is_up():
                self.complete_s = time.perf_counter() - self._began
                self.start_s = self.start_s or self.complete_s
                return
            time.sleep(POLL_S)
        self.stop()
        raise StartError(f"{self._last_words()} (from: {' '.join(self._command)})")

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        telling = [line for line in lines if "rror" in line or "ailed" in line]
        return "\n".join((telling or lines)[-3:]) or "it said nothing"

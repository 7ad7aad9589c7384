"""A real server process on free ports, for system tests."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0

PORTS = re.compile(r"(inference|scheduler|agent|admin)\b.*?127\.0\.0\.1:(\d+)")


@dataclass
class Serving:
    """A server that was started; `ports` by name, as printed. `lines` is all it printed so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.ports["inference"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin(self) -> str:
        return f"http://127.0.0.1:{self.ports['admin']}"

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit status."""
        self.process.send_signal(signum)
        return self.process.wait(STOP_TIMEOUT_S)


@contextlib.contextmanager
def serving(
    *arguments: str,
    command: tuple[str, ...] = (),
    until: str = "Ctrl-C stops",
    cwd: Path | None = None,
) -> Iterator[Serving]:
    """Start `seldon-core serve` with `arguments` and wait until it prints `until`."""
    program = command or (sys.executable, "-m", "seldon_core")
    process = subprocess.Popen(
        [*program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    server = Serving(process)
    seen = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            server.lines.append(line)
            for name, port in PORTS.findall(line):
                server.ports.setdefault(name, int(port))
            if until in line:
                seen.set()
        seen.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not seen.wait(0.05):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{until!r} was not printed:\n{server.output}")
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}:\n{server.output}")
        yield server
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        reader.join(5)
        assert process.stdout is not None
        process.stdout.close()

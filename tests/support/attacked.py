"""A served sample model under attack: what the lone client beside gets, and what is left over."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.lone_client import Lone, LoneClient
from tests.support.server import Serving, serving

ROOT = Path(__file__).resolve().parents[2]

# Time-outs that an attack of a second can run into, and limits that it can reach.
LIMITS = {
    "listener.headTimeoutS": 1,
    "listener.bodyIdleTimeoutS": 1,
    "listener.stallTimeoutS": 1,
    "listener.writeIdleTimeoutS": 1,
    "listener.lingerS": 0.2,
    "listener.connections": 600,
    "payload.inFlightBytes": "2000Mi",
}

_SETTLE_S = 10.0
_TASKS = re.compile(r"tasks not done: (\d+)")
_UNDECLARED = re.compile(r"Traceback|ERROR|CRITICAL|Exception|exception")


@dataclass(frozen=True)
class Left:
    """What a server has open and holds."""

    connections: int
    in_flight_bytes: int
    descriptors: int
    tasks: int
    resident_bytes: int


@dataclass
class Outcome:
    """What an attack has done: to the lone client, to the server, and what the attacker heard."""

    lone: Lone
    heard: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


class AttackedServer:
    """A server process, and one client that wishes it well."""

    def __init__(self, server: Serving) -> None:
        self.server = server
        self._process = psutil.Process(server.process.pid)
        self._lone = LoneClient(server.port)
        self._lone.run(0.5, Lone())  # everything that is made once is made
        self.before = self.left()

    def close(self) -> None:
        self._lone.close()

    def attack(self, name: str, seconds: float, seed: int, renews: bool = False) -> Outcome:
        """Run one attack with the lone client beside, which now and then connects anew if asked."""
        outcome = Outcome(Lone())
        given = [name, str(self.server.port), str(seconds), str(seed)]
        command = [sys.executable, "-m", "tests.support.attackers", *given]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as attacker:
            while attacker.poll() is None and not outcome.lone.wrong:
                self._lone.run(0.1, outcome.lone)
                if renews and not outcome.lone.wrong:
                    self._lone.renew(outcome.lone)
            assert attacker.stdout is not None
            told = attacker.stdout.read()
            assert attacker.wait() == 0, f"the attacker {name} failed"
        outcome.heard = json.loads(told)
        outcome.said = outcome.heard.pop("said")  # type: ignore[assignment]
        if outcome.lone.wrong:
            self._lone.close()
            self._lone = LoneClient(self.server.port)
        return outcome

    def left(self) -> Left:
        """Return what is open now."""
        metrics = self.metrics()
        seen = len(self.server.lines)
        self.server.process.send_signal(signal.SIGUSR2)
        deadline = time.monotonic() + _SETTLE_S
        while not (found := _TASKS.findall("".join(self.server.lines[seen:]))):
            assert time.monotonic() < deadline, "the server does not say how many tasks it has"
            time.sleep(0.01)
        return Left(
            metrics["seldon_listener_open_connections"],
            metrics["seldon_listener_in_flight_bytes"],
            self._process.num_fds(),
            int(found[-1]),
            self._process.memory_info().rss,
        )

    def settled(self) -> Left:
        """Return what is left over once nothing of an attack is open, or at the latest."""
        deadline = time.monotonic() + _SETTLE_S
        while True:
            left = self.left()
            if not self.leaks(left) or time.monotonic() > deadline:
                return left
            time.sleep(0.05)

    def leaks(self, left: Left) -> list[str]:
        """Say what there is more of than before the first attack; memory is not looked at."""
        return [
            f"{name}: {getattr(self.before, name)} before, {getattr(left, name)} after"
            for name in ("connections", "in_flight_bytes", "descriptors", "tasks")
            if getattr(left, name) > getattr(self.before, name)
        ]

    def undeclared(self) -> list[str]:
        """Return the lines of the log that tell of a bug."""
        lines = [line.strip() for line in self.server.lines if _UNDECLARED.search(line)]
        counted = {
            name: value for name, value in self.metrics().items() if "internal_errors" in name
        }
        return lines + [f"{name} {value}" for name, value in counted.items() if value]

    def metrics(self) -> dict[str, int]:
        """Return the metrics without labels."""
        with urllib.request.urlopen(f"{self.server.admin}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = [line.split(" ") for line in lines if not line.startswith("#")]
        return {pair[0]: int(float(pair[1])) for pair in pairs if len(pair) == 2}


@contextlib.contextmanager
def attacked_server(samples: Path, data: Path) -> Iterator[AttackedServer]:
    """Serve the samples with limits that an attack of a second reaches."""
    ports = [f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-")]
    limits = [part for name, value in LIMITS.items() for part in ("--set", f"{name}={value}")]
    with serving(
        "serve",
        "--models",
        str(samples / "models"),
        "--data-dir",
        str(data),
        *ports,
        *limits,
        command=(sys.executable, "-m", "tests.support.watched_serve"),
        cwd=ROOT,
    ) as server:
        attacked = AttackedServer(server)
        try:
            yield attacked
        finally:
            attacked.close()

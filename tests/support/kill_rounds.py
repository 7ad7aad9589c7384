"""Rounds of `kill -9`: a server, its clients, the end at a random moment, and what is left then."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import psutil

from seldon_core.proto import scheduler_pb2 as pb
from seldon_core.transport.control_client import SchedulerClient
from tests.support.kill_clients import Changer, GrpcCaller, RestCaller
from tests.support.numbered_models import ArtifactShop
from tests.support.server import Serving, serving
from tests.support.witness import Witness

MODELS = tuple(f"m{index}" for index in range(6))
CHANGERS = 2
LONGEST_LIFE_S = 1.2
LONGEST_START_S = 1.0
"""A start is killed after so long at most, ready or not."""
LEFT_OVER_S = 10.0
"""What the process started is gone so long after it, however slow the machine."""

SELDON_CORE = (sys.executable, "-m", "seldon_core")
EPHEMERAL = tuple(f"--{name}port=0" for name in ("", "scheduler-", "agent-", "admin-"))


@dataclass
class KillRounds:
    """A folder of state that survives, and everything that is known about it."""

    folder: Path
    seed: int
    witness: Witness = field(default_factory=Witness)
    rounds: int = 0
    kills: int = 0

    def __post_init__(self) -> None:
        self.shop = ArtifactShop(self.folder / "artifacts")
        self.data = self.folder / "data"

    def run(self, rounds: int, limit_s: float | None = None) -> None:
        """Run so many rounds, each with one kill of a server at work, or until one goes wrong.

        Before every third round a start is killed, too. No round begins after `limit_s`.
        """
        began = monotonic()
        for number in range(rounds):
            if limit_s is not None and monotonic() - began > limit_s:
                break
            self.rounds += 1
            chance = random.Random(f"{self.seed}/{number}")
            if number % 3 == 2:
                self._kill_start(chance)
                self._check_store()
            self._one_round(chance)
            self._check_store()
            if self.witness.violations:
                return
        with self._server() as server:
            self._check_return(server)

    def _one_round(self, chance: random.Random) -> None:
        with self._server() as server:
            self._check_return(server)
            with self._clients(server, chance):
                # Not only for time to pass: the clients are at work meanwhile.
                time.sleep(chance.uniform(0, LONGEST_LIFE_S))
                self._kill(server.process)

    @contextlib.contextmanager
    def _server(self) -> Iterator[Serving]:
        self.witness.begin_life()
        with serving("serve", "--data-dir", str(self.data), *EPHEMERAL) as server:
            yield server

    def _kill(self, process: "subprocess.Popen[str]") -> None:
        """Kill a process and see that nothing is left of what it started."""
        children = psutil.Process(process.pid).children(recursive=True)
        self.kills += 1
        self.witness.kill(monotonic())
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=LEFT_OVER_S)
        self.witness.violations += [f"{child} was left behind" for child in alive]

    def _kill_start(self, chance: random.Random) -> None:
        """Kill a process that starts, while it imports, restores or loads."""
        self.witness.begin_life()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "seldon_core",
                "serve",
                "--data-dir",
                str(self.data),
                *EPHEMERAL,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            time.sleep(chance.uniform(0, LONGEST_START_S))
            self._kill(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    @contextlib.contextmanager
    def _clients(self, server: Serving, chance: random.Random) -> Iterator[None]:
        """Have every client at work until the end of the block, by which the server is gone."""
        stop = threading.Event()
        rest, grpc_ = (kind(server.port, self.witness) for kind in (RestCaller, GrpcCaller))
        threads = [
            threading.Thread(target=caller.run, args=(MODELS, stop, random.Random(chance.random())))
            for caller in (rest, grpc_)
        ]
        for index in range(CHANGERS):
            changer = Changer(
                MODELS[index::CHANGERS],
                server.ports["scheduler"],
                self.shop,
                self.witness,
                random.Random(chance.random()),
            )
            threads.append(threading.Thread(target=changer.run, args=(stop,)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _check_return(self, server: Serving) -> None:
        """Compare a process that has just said that it is ready with what is known."""
        with SchedulerClient(f"127.0.0.1:{server.ports['scheduler']}") as client:
            self.witness.return_as(list(client.model_status(pb.ModelStatusRequest())))
        rest, grpc_ = (kind(server.port, self.witness) for kind in (RestCaller, GrpcCaller))
        with contextlib.closing(rest), contextlib.closing(grpc_):
            for model, right in self.witness.expected():
                for caller in (rest, grpc_):
                    number = caller.call(model)
                    if number not in right and not (number is None and not right):
                        self.witness.violations.append(
                            f"life {self.witness.life}: {model} is ready, answered by artifact "
                            f"{number}, and right were {right}"
                        )

    def _check_store(self) -> None:
        """Have the store checked, with the rules of the machine."""
        done = subprocess.run(
            [*SELDON_CORE, "store", "check", "--data-dir", str(self.data)],
            capture_output=True,
            text=True,
        )
        if done.returncode and (self.data / "store" / "data.mdb").exists():
            self.witness.violations.append(
                f"life {self.witness.life}: the store is not sound: {done.stdout}{done.stderr}"
            )

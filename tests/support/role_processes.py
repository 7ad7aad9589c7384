"""Processes of one role each, or of all, which may be killed and started again on their ports."""

import contextlib
import random
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import psutil

from seldon_core.proto import servers_pb2 as pb
from seldon_core.transport.control_client import SchedulerClient
from tests.support.server import Serving, serving

SERVER = "triton"
REPLICAS = 3
LEFT_OVER_S = 10.0
"""What a process started is gone so long after it, however slow the machine."""
MOST_OPEN = 150
"""Descriptors of a process at most; that is many for so few clients."""


def until(condition: Callable[[], object], timeout_s: float) -> bool:
    """Wait until `condition()`; return whether it came to that in time."""
    end = monotonic() + timeout_s
    while not condition():
        if monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def low_port(chance: random.Random) -> int:
    """Return a free port that no connection is given by the system while its owner is away."""
    while True:
        port = chance.randrange(12_000, 32_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


@dataclass
class Part:
    """A process by the name `name`, started with `arguments`; `told` is what each start printed."""

    name: str
    arguments: tuple[str, ...]
    told: list[str] = field(default_factory=list)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _server: Serving | None = None

    @property
    def is_started(self) -> bool:
        """Whether it runs."""
        return self._server is not None

    @property
    def server(self) -> Serving:
        """The process that runs."""
        assert self._server is not None, f"{self.name} does not run"
        return self._server

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._server = self._stack.enter_context(serving("serve", *self.arguments))

    def kill(self) -> list[str]:
        """Kill it by SIGKILL; return what is wrong then, in sentences."""
        process = self.server.process
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(children, timeout=LEFT_OVER_S)
        self._leave()
        return [f"{child} of {self.name} was left behind" for child in alive]

    def stop(self) -> list[str]:
        """Stop it by SIGTERM, if it runs; return what is wrong then, in sentences."""
        if self._server is None:
            return []
        children = psutil.Process(self.server.process.pid).children(recursive=True)
        status = self.server.stop()
        _, alive = psutil.wait_procs(children, timeout=LEFT_OVER_S)
        self._leave()
        output = self.told[-1]
        wrong = [f"{child} of {self.name} was left behind" for child in alive]
        if status:
            wrong.append(f"{self.name} ended with {status}: {output[-2000:]}")
        if "Traceback" in output:
            wrong.append(
                f"{self.name} logged an error: {output[output.index('Traceback') :][:3000]}"
            )
        return wrong

    def _leave(self) -> None:
        self._stack.close()
        self.told.append(self.server.output)
        self._server = None

    def is_ready(self) -> bool:
        """Return whether it says of itself that it is ready."""
        try:
            with urllib.request.urlopen(f"{self.server.admin}/readyz", timeout=10) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        return False

    def leaks(self) -> list[str]:
        """Return what it has open that it should have closed, in sentences."""
        process = psutil.Process(self.server.process.pid)
        halves = [
            each.laddr for each in process.net_connections("tcp") if each.status == "CLOSE_WAIT"
        ]
        wrong = [f"{self.name} did not close {len(halves)} connections: {halves}"] * bool(halves)
        if process.num_fds() > MOST_OPEN:
            wrong.append(f"{self.name} has {process.num_fds()} descriptors")
        return wrong


class Roles:
    """A scheduler, two routers and three agents, on ports that they keep."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.data = folder / "data"
        self.api_port, link = low_port(chance), low_port(chance)
        to_link = (f"--scheduler-port={link}", "--admin-port=0")
        self.scheduler = Part(
            "the scheduler",
            (
                "--role=scheduler",
                f"--data-dir={self.data}",
                f"--scheduler-port={self.api_port}",
                f"--agent-port={link}",
                "--admin-port=0",
            ),
        )
        self.routers = [
            Part(f"router {index}", ("--role=router", f"--port={low_port(chance)}", *to_link))
            for index in range(2)
        ]
        self.agents = [
            Part(
                f"agent {index}",
                (
                    "--role=agent",
                    f"--server-name={SERVER}",
                    f"--replica-idx={index}",
                    f"--data-dir={folder / f'agent{index}'}",
                    f"--port={low_port(chance)}",
                    *to_link,
                ),
            )
            for index in range(REPLICAS)
        ]
        self.parts = [self.scheduler, *self.routers, *self.agents]

    def start(self) -> None:
        """Start all of them, one after the other."""
        for part in self.parts:
            part.start()

    def stop(self) -> list[str]:
        """Stop all of them, the scheduler last; return what is wrong then, in sentences."""
        return [wrong for part in reversed(self.parts) for wrong in part.stop()]

    def leaks(self) -> list[str]:
        """Return what is open that should have been closed, in sentences."""
        return [leak for part in self.parts for leak in part.leaks()]

    def missing(self) -> list[str]:
        """Return what is not yet as it is to be, in sentences."""
        return [f"{part.name} is not ready" for part in self.parts if not part.is_ready()]


@dataclass
class Child:
    """An agent process of `owner`, which starts it again when it is killed."""

    index: int
    owner: Part

    @property
    def name(self) -> str:
        """What it is called."""
        return f"agent {self.index}"

    def kill(self) -> list[str]:
        """Kill the process of that agent, or another one of the owner's; there may be none yet."""
        found = agent_processes(self.owner) if self.owner.is_started else []
        if found:
            chosen = found[self.index % len(found)]
            with contextlib.suppress(psutil.NoSuchProcess):
                chosen.kill()
        return []

    def start(self) -> None:
        """Leave that to the owner."""


class Owned:
    """One process that is all roles, and runs two replicas of its server in processes."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.data = folder / "data"
        self.api_port = low_port(chance)
        ports = [f"--{name}port={low_port(chance)}" for name in ("", "agent-")]
        arguments = (
            f"--data-dir={self.data}",
            f"--scheduler-port={self.api_port}",
            "--admin-port=0",
            *ports,
        )
        self.scheduler = Part("the owner", arguments)
        self.routers = [self.scheduler]
        self.agents = [Child(index, self.scheduler) for index in range(REPLICAS - 1)]
        self.parts = [self.scheduler]

    def start(self) -> None:
        """Start it, and declare that the server has three replicas."""
        self.scheduler.start()
        with SchedulerClient(f"127.0.0.1:{self.api_port}") as client:
            client.apply_server(pb.Server(name=SERVER, configName=SERVER, replicas=REPLICAS))

    def stop(self) -> list[str]:
        """Stop it; return what is wrong then, in sentences."""
        return self.scheduler.stop()

    def leaks(self) -> list[str]:
        """Return what is open that should have been closed, in sentences."""
        return self.scheduler.leaks()

    def missing(self) -> list[str]:
        """Return what is not yet as it is to be, in sentences."""
        found = agent_processes(self.scheduler)
        missing = [f"{len(found)} agent processes run"] * (len(found) != REPLICAS - 1)
        return [*missing, *(["the owner is not ready"] * (not self.scheduler.is_ready()))]


def agent_processes(owner: Part) -> list[psutil.Process]:
    """Return the agent processes that a process runs."""
    found = []
    for child in psutil.Process(owner.server.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "--role=agent" in child.cmdline():
                found.append(child)
    return found

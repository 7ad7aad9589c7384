"""One run of the harness: what is running, and how things are measured side by side."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from perf.harness import loads, servers
from perf.harness.artifacts import Artifacts
from perf.harness.figures import Series
from perf.harness.loads import Point
from perf.harness.outputs import LoadError
from perf.harness.peers import AbsentError
from perf.harness.processes import StartError
from perf.harness.servers import MLSERVER_CHOICES, MlserverChoice, Server

T = TypeVar("T")

WARM_UP_S = 1.0


@dataclass(frozen=True, slots=True)
class Missing:
    """In the place of a server or a point that there is none of, and why."""

    label: str
    reason: str


@dataclass(slots=True)
class Bench:
    """What scenarios are given. `folder` is theirs for the time of the run.

    `source` is the tree that our server runs from. Servers started through it are stopped when the
    scenario ends; idle servers of a scenario stay up beside the one that is measured.
    """

    folder: Path
    artifacts: Artifacts
    seconds: float
    rounds: int
    source: Path = servers.ROOT
    say: Callable[[str], None] = print
    _running: ExitStack = field(default_factory=ExitStack)
    _best: dict[str, MlserverChoice | Missing] = field(default_factory=dict)
    _mlservers: dict[MlserverChoice, Server | Missing] = field(default_factory=dict)

    def seldon(
        self, models: Path | None = None, source: Path | None = None, command: str = ""
    ) -> Server:
        """Our server, from the tree `source` or by `command`, which has `{arguments}` in it.

        Raises StartError: without our server a scenario has nothing to say.
        """
        models, source = models or self.artifacts.ours, source or self.source
        return self._keep(servers.start_seldon(self.folder, models, source, command))

    def two_processes(self) -> tuple[Server, Server]:
        """Our router, and our agent in another process. Raises StartError."""
        router, agent = servers.start_two(self.folder, self.artifacts.ours, self.source)
        return self._keep(router), self._keep(agent)

    def enter(self, context: AbstractContextManager[T]) -> T:
        """What `context` gives; it is left when all servers have been stopped."""
        return self._running.enter_context(context)

    def ceiling(self, protocol: str, mode: str) -> Server:
        """A ceiling program, with the model that its mode names. Raises StartError."""
        artifacts = self.artifacts
        model = {
            "onnx": artifacts.onnx,
            "hop": artifacts.onnx,
            "sklearn": artifacts.sklearn,
            "binary": artifacts.image_onnx,
            "grpc": artifacts.image_onnx,
        }.get(mode)
        return self._keep(servers.start_ceiling(self.folder, protocol, mode, model))

    def triton(self) -> Server | Missing:
        return self._peer(
            "Triton (Python backend)",
            lambda: servers.start_triton(self.folder, self.artifacts.triton),
        )

    def mlserver(
        self, choice: MlserverChoice, model: Path | None = None, *, empty: bool = False
    ) -> Server | Missing:
        """MLServer with `model`, the sklearn one if none is given, or with no model at all."""
        model = None if empty else model or self.artifacts.sklearn
        return self._peer("MLServer", lambda: servers.start_mlserver(self.folder, choice, model))

    def best_mlserver(self, load: str) -> Server | Missing:
        """MLServer, set up as is best for `load`: "rest 16", "rest 64", "lone" or "grpc"."""
        if load not in self._best:
            self._best |= self._try_mlservers()
        best = self._best[load]
        if isinstance(best, Missing):
            return best
        if best not in self._mlservers:
            self._mlservers[best] = self.mlserver(best)
        return self._mlservers[best]

    def envoy(self, upstream: Server | Missing) -> Server | Missing:
        if isinstance(upstream, Missing):
            return Missing(f"Envoy → {upstream.label}", upstream.reason)
        label = f"Envoy → {upstream.label}"
        return self._peer(label, lambda: servers.start_envoy(self.folder, upstream))

    def stop_all(self) -> None:
        """Stop every server that was started through this object."""
        self._running.close()
        self._mlservers.clear()

    def measure(self, *points: Point | Missing, warm_up_s: float = WARM_UP_S) -> list[Series]:
        """Measure each point once in each round; a series for each, in the order given.

        Rounds go forward and backward in turns, so that a drift of the machine harms all alike.
        Raises LoadError if one of them does not answer as it should.
        """
        present = [point for point in points if isinstance(point, Point)]
        for point in present if warm_up_s else ():
            point.measure(warm_up_s)
        values: dict[int, list[float]] = {id(point): [] for point in present}
        for turn in range(self.rounds):
            for point in present if turn % 2 == 0 else reversed(present):
                value = point.measure(self.seconds)
                values[id(point)].append(value)
                self.say(f"  round {turn + 1}: {point.label}: {value:,.1f} {point.unit}")
        return [
            Series(point.label, point.unit, tuple(values[id(point)]))
            if isinstance(point, Point)
            else Series(point.label, "", (), absent=point.reason)
            for point in points
        ]

    def _keep(self, server: Server) -> Server:
        self._running.callback(server.process.stop)
        return server

    def _peer(self, label: str, start: Callable[[], Server]) -> Server | Missing:
        try:
            return self._keep(start())
        except (AbsentError, StartError) as error:
            return Missing(label, str(error))

    def _try_mlservers(self) -> dict[str, MlserverChoice | Missing]:
        """Measure each choice under each load for a moment; the best choice for each load."""
        goodness: dict[str, dict[MlserverChoice, float]] = {}
        for choice in MLSERVER_CHOICES:
            server = self.mlserver(choice)
            if isinstance(server, Missing):
                return dict.fromkeys(("rest 16", "rest 64", "lone", "grpc"), server)
            for load, good in measured(mlserver_points(server)):
                goodness.setdefault(load, {})[choice] = good
            server.process.stop()
        for load, each in goodness.items():
            best = max(each, key=lambda choice: each[choice])
            self.say(f"  MLServer at {load}: best with {best}")
        return {load: max(each, key=lambda choice: each[choice]) for load, each in goodness.items()}


def mlserver_points(server: Server) -> Iterable[tuple[str, Point]]:
    """The loads for which MLServer is set up at its best."""
    yield "rest 16", loads.rest_rate("", server.port, "iris", 16)
    yield "rest 64", loads.rest_rate("", server.port, "iris", 64)
    yield "lone", loads.rest_p50("", server.port, "iris")
    yield "grpc", loads.grpc_rate("", server.grpc_port, "iris")


def measured(points: Iterable[tuple[str, Point]]) -> Iterable[tuple[str, float]]:
    """Each point's name and how good it is: its rate, or its latency negated."""
    for name, point in points:
        value = point.measure(2.0)
        yield name, value if point.unit == loads.RATE else -value


def point(server: Server | Missing, make: Callable[[Server], Point]) -> Point | Missing:
    """`make(server)`, or what is missing. A peer that refuses the load is missing too."""
    if isinstance(server, Missing):
        return server
    try:
        return make(server)
    except LoadError as error:
        return Missing(server.label, str(error))

"""P12: what clients wait for who send at their own pace, for minutes, and what memory does then."""

import threading
import time
from dataclasses import dataclass, field

from perf.harness import loads
from perf.harness.bench import Bench
from perf.harness.figures import Row, Series, at_most
from perf.harness.outputs import Latencies
from perf.harness.servers import Server
from perf.scenarios import p01_rest_onnx

TITLE = "open loop, iris ONNX, c=64, at 70 % of P1's rate"
CONNECTIONS = 64
SHARE = 0.70
LONG_S = 300.0
QUICK_S = 8.0  # to try out
SETTLED = 0.2  # of the time: a minute of five; what grows later grows for ever
POLL_S = 0.25


@dataclass(slots=True)
class Scale:
    """Weighs a server while something else runs; `samples` are seconds since the start and MiB."""

    server: Server
    samples: list[tuple[float, float]] = field(default_factory=list)
    _is_done: threading.Event = field(default_factory=threading.Event)

    def weigh_until_done(self) -> None:
        """Take samples; for a thread."""
        began = time.monotonic()
        while not self._is_done.wait(POLL_S):
            resident = self.server.process.memory_bytes() / 2**20
            self.samples.append((time.monotonic() - began, resident))

    def done(self) -> None:
        """Take no more samples."""
        self._is_done.set()


def growth(samples: list[tuple[float, float]], settled_s: float) -> tuple[float, float]:
    """MiB at `settled_s`, and the most that was seen after it."""
    later = [resident for at, resident in samples if at >= settled_s]
    return later[0], max(later)


def steady(server: Server, rate_per_s: float, seconds: float) -> tuple[Latencies, float, float]:
    """Latencies of one long run, and MiB of memory when settled and at most after that."""
    scale = Scale(server)
    weighing = threading.Thread(target=scale.weigh_until_done)
    weighing.start()
    try:
        latencies = loads.open_loop(server.port, "iris-onnx", CONNECTIONS, rate_per_s, seconds)
    finally:
        scale.done()
        weighing.join()
    return latencies, *growth(scale.samples, SETTLED * seconds)


def run(bench: Bench) -> list[Row]:
    seldon = bench.seldon()
    (closed,) = bench.measure(p01_rest_onnx.ours(seldon))
    seconds = LONG_S if bench.seconds > 1 else QUICK_S
    rate = SHARE * closed.median
    latencies, settled, most = steady(seldon, rate, seconds)
    bench.say(f"  {latencies}, {settled:.1f} MiB, then at most {most:.1f} MiB")

    def series(what: str, unit: str, value: float) -> Series:
        return Series(f"seldon-core, {what}", unit, (value,))

    p50 = series("p50", "µs", latencies.p50_s * 1e6)
    p99 = series("p99", "µs", latencies.p99_s * 1e6)
    sent = series("requests, none of them failed", "", latencies.requests)
    return [
        Row("P12", f"{TITLE}, {seconds:g} s: p99 against p50", p99, p50, at_most(3.0)),
        Row(
            "P12",
            "memory: the most after the first fifth, against that then",
            series("at most", "MiB", most),
            series("after a fifth", "MiB", settled),
            at_most(1.02),
        ),
        Row(
            "P12",
            "the longest wait",
            series("longest", "ms", latencies.longest_s * 1e3),
            kind="figure",
        ),
        Row("P12", f"at {rate:,.0f} requests/s", sent, kind="figure"),
    ]

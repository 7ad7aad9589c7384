"""Every metric of the process, under the names and labels that Seldon's dashboards know.

Counting costs the hot path a few additions on objects that its owner holds on to (0.16 µs a call,
where prometheus_client takes about 1 µs for each of the three metrics it feeds); sums over models,
names and labels are made when somebody scrapes.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Protocol

from seldon_core.observability.exposition import Family, Kind, Sample, render
from seldon_core.observability.process import process_families

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds of `seldon_model_infer_api_seconds`, seconds; one more bucket has no bound."""


class ModelSeries:
    """Calls of one model that ended with one code."""

    __slots__ = ("_buckets", "calls", "code", "method_type", "model", "model_internal", "seconds")

    def __init__(
        self, model: str, model_internal: str, method_type: str, code: str, buckets: list[int]
    ) -> None:
        self.model = model
        self.model_internal = model_internal
        self.method_type = method_type
        self.code = code
        self.calls = 0
        self.seconds = 0.0
        self._buckets = buckets  # shared by every series of this method and code

    def observe(self, seconds: float) -> None:
        """Count a call that took `seconds`."""
        self.calls += 1
        self.seconds += seconds
        self._buckets[bisect_left(BUCKETS, seconds)] += 1


class ReplicaMetrics:
    """What one server replica counts. Got from `Metrics.replica`."""

    def __init__(self, server: str, server_replica: str) -> None:
        self.labels = {"server": server, "server_replica": server_replica}
        self.loads = 0
        self.unloads = 0
        self.evictions = 0
        self.misses = 0
        self.capacity_bytes = 0
        self.capacity_overcommit_bytes = 0
        self.series: dict[tuple[str, str, str], ModelSeries] = {}
        self.models: dict[str, tuple[int, bool]] = {}  # internal name: bytes, whether in memory
        # The sums over all models must not fall when one goes: here is what the gone ones had.
        self.gone: dict[tuple[str, str], ModelSeries] = {}
        self.buckets: dict[tuple[str, str], list[int]] = {}

    def model_series(
        self, model: str, model_internal: str, method_type: str, code: str
    ) -> ModelSeries:
        """Return where calls of `model` that end with `code` are counted; keep it while loaded.

        `method_type` is `rest` or `grpc`, `code` "200" or "OK". A call may end when its model has
        gone: then it counts in the sums alone, so that no series stays for ever.
        """
        key = (model_internal, method_type, code)
        series = self.series.get(key)
        if series is None:
            if model_internal not in self.models:
                return self._gone(method_type, code)
            buckets = self._buckets(method_type, code)
            series = ModelSeries(model, model_internal, method_type, code, buckets)
            self.series[key] = series
        return series

    def _gone(self, method_type: str, code: str) -> ModelSeries:
        key = (method_type, code)
        if key not in self.gone:
            self.gone[key] = ModelSeries("", "", *key, self._buckets(*key))
        return self.gone[key]

    def _buckets(self, method_type: str, code: str) -> list[int]:
        return self.buckets.setdefault((method_type, code), [0] * (len(BUCKETS) + 1))

    def model_loaded(self, model_internal: str, nbytes: int) -> None:
        """Count a first load."""
        self.loads += 1
        self.models[model_internal] = (nbytes, True)

    def model_reloaded(self, model_internal: str, nbytes: int) -> None:
        """Count an evicted model's return to memory."""
        self.misses += 1
        self.models[model_internal] = (nbytes, True)

    def model_grew(self, model_internal: str, nbytes: int) -> None:
        """Show that a model in memory takes `nbytes` now."""
        _, is_resident = self.models[model_internal]
        self.models[model_internal] = (nbytes, is_resident)

    def model_evicted(self, model_internal: str) -> None:
        """Count a model that left memory but stays assigned here."""
        self.evictions += 1
        nbytes, _ = self.models[model_internal]
        self.models[model_internal] = (nbytes, False)

    def model_unloaded(self, model_internal: str) -> None:
        """Count a model that is no longer assigned here, and drop its series."""
        self.unloads += 1
        self.models.pop(model_internal, None)
        for key in [key for key in self.series if key[0] == model_internal]:
            series = self.series.pop(key)
            gone = self._gone(series.method_type, series.code)
            gone.calls += series.calls
            gone.seconds += series.seconds


class Metrics:
    """Every series of the process."""

    def __init__(self) -> None:
        self.internal_errors = 0
        self._replicas: dict[tuple[str, str], ReplicaMetrics] = {}
        self._sources: list[Callable[[], Iterable[Family]]] = []

    def replica(self, server: str, server_replica: str) -> ReplicaMetrics:
        """Return the metrics of one server replica, made when first asked for."""
        key = (server, server_replica)
        if key not in self._replicas:
            self._replicas[key] = ReplicaMetrics(server, server_replica)
        return self._replicas[key]

    def add_source(self, collect: Callable[[], Iterable[Family]]) -> None:
        """Ask `collect` for more families at each scrape: counters that a part keeps itself."""
        self._sources.append(collect)

    def exposition(self) -> str:
        """Return everything in Prometheus' text format."""
        families = [*_replica_families(list(self._replicas.values()))]
        families.append(
            Family(
                "seldon_internal_errors_total",
                "counter",
                "Faults of the program itself; each has a line in the log.",
                [("", {}, self.internal_errors)],
            )
        )
        for collect in self._sources:
            families += collect()
        families += process_families()
        return "".join(render(families))


def _replica_families(replicas: list[ReplicaMetrics]) -> Iterator[Family]:
    yield Family(
        "seldon_model_infer_api_seconds",
        "histogram",
        "Time from a call's arrival at its server replica to its answer.",
        [sample for replica in replicas for sample in _histogram(replica)],
    )
    per_model = [(replica, series) for replica in replicas for series in replica.series.values()]
    yield Family(
        "seldon_model_infer_total",
        "counter",
        "Inferences.",
        [("", _model_labels(replica, series), series.calls) for replica, series in per_model],
    )
    yield Family(
        "seldon_model_infer_seconds_total",
        "counter",
        "Summed time of inferences.",
        [("", _model_labels(replica, series), series.seconds) for replica, series in per_model],
    )
    sums = [(replica, *row) for replica in replicas for row in _sums_by_method(replica).items()]
    yield Family(
        "seldon_model_aggregate_infer_total",
        "counter",
        "Inferences over all models.",
        [("", replica.labels | {"method_type": kind}, calls) for replica, kind, (calls, _) in sums],
    )
    yield Family(
        "seldon_model_aggregate_infer_seconds_total",
        "counter",
        "Summed time of inferences over all models.",
        [
            ("", replica.labels | {"method_type": kind}, seconds)
            for replica, kind, (_, seconds) in sums
        ],
    )
    for name, kind, text, value in _REPLICA_VALUES:
        yield Family(name, kind, text, [("", r.labels, value(r)) for r in replicas])
    for name, text, model_value in _MODEL_VALUES:
        yield Family(
            name,
            "gauge",
            text,
            [
                ("", replica.labels | {"model_internal": model}, model_value(nbytes, resident))
                for replica in replicas
                for model, (nbytes, resident) in replica.models.items()
            ],
        )


_REPLICA_VALUES: tuple[tuple[str, Kind, str, Callable[[ReplicaMetrics], float]], ...] = (
    ("seldon_cache_evict_count", "counter", "Models evicted from memory.", lambda r: r.evictions),
    ("seldon_cache_miss_count", "counter", "Evicted models loaded again.", lambda r: r.misses),
    ("seldon_load_model_counter", "counter", "Models loaded first.", lambda r: r.loads),
    ("seldon_unload_model_counter", "counter", "Models unloaded for good.", lambda r: r.unloads),
    (
        "seldon_server_replica_memory_capacity_bytes_gauge",
        "gauge",
        "Memory for models.",
        lambda r: r.capacity_bytes,
    ),
    (
        "seldon_server_replica_memory_capacity_overcommit_bytes_gauge",
        "gauge",
        "Memory for models including over-commit.",
        lambda r: r.capacity_overcommit_bytes,
    ),
)

_MODEL_VALUES: tuple[tuple[str, str, Callable[[int, bool], int]], ...] = (
    ("seldon_loaded_model_gauge", "Model assigned here, in memory or evicted.", lambda n, r: 1),
    (
        "seldon_loaded_model_memory_bytes_gauge",
        "Bytes of a model in memory.",
        lambda n, r: n if r else 0,
    ),
    (
        "seldon_evicted_model_memory_bytes_gauge",
        "Bytes of an evicted model.",
        lambda n, r: 0 if r else n,
    ),
)


def _model_labels(replica: ReplicaMetrics, series: ModelSeries) -> dict[str, str]:
    return replica.labels | {
        "model": series.model,
        "model_internal": series.model_internal,
        "method_type": series.method_type,
        "code": series.code,
    }


def _ever(replica: ReplicaMetrics) -> Iterator[ModelSeries]:
    """The series of the models here and of those that went."""
    yield from replica.series.values()
    yield from replica.gone.values()


def _sums_by_method(replica: ReplicaMetrics) -> dict[str, tuple[int, float]]:
    sums: dict[str, tuple[int, float]] = {}
    for series in _ever(replica):
        calls, seconds = sums.get(series.method_type, (0, 0.0))
        sums[series.method_type] = (calls + series.calls, seconds + series.seconds)
    return sums


def _histogram(replica: ReplicaMetrics) -> Iterator[Sample]:
    for (method_type, code), counts in replica.buckets.items():
        # Every inference over REST is a POST, and Seldon labels those with the HTTP verb.
        method = "post" if method_type == "rest" else method_type
        labels = replica.labels | {"method": method, "code": code}
        totals = list(accumulate(counts))
        for bound, total in zip((*map(str, BUCKETS), "+Inf"), totals, strict=True):
            yield "_bucket", labels | {"le": bound}, total
        yield (
            "_sum",
            labels,
            sum(
                s.seconds for s in _ever(replica) if (s.method_type, s.code) == (method_type, code)
            ),
        )
        yield "_count", labels, totals[-1]


class WatchedListener(Protocol):
    """The data port as metrics see it; `counters` has an attribute for each of `_LISTENER`."""

    @property
    def counters(self) -> object:
        """Counts since the port opened."""

    @property
    def refusals(self) -> Mapping[tuple[str, str], int]:
        """Requests answered by an error, by `rest` or `grpc` and the code."""

    @property
    def open_connections(self) -> int:
        """Connections now."""

    @property
    def in_flight_bytes(self) -> int:
        """Bytes of requests now."""


_LISTENER = {
    "connections": "Connections accepted.",
    "refused_connections": "Connections closed at once because there were too many.",
    "tls_on_plain_port": "Connections that began with TLS, which this port does not speak.",
    "requests": "Requests begun, whatever their protocol.",
    "bad_requests": "Requests that were no proper HTTP or gRPC.",
    "overloaded": "Requests refused because too many bytes were in flight.",
    "floods": "Connections closed because their clients sent too much that does nothing.",
    "hang_ups": "Requests whose client left before the answer.",
    "timeouts": "Requests and connections given up: nothing came, went or was answered in time.",
    "internal_errors": "Faults of the program itself on the data port.",
}


def scaling_families(scalings: Mapping[str, int]) -> Iterator[Family]:
    """Yield how often models were scaled, by direction."""
    yield Family(
        "seldon_model_scalings_total",
        "counter",
        "Times that a model got more or fewer replicas by how much it was called.",
        [("", {"direction": direction}, count) for direction, count in scalings.items()],
    )


def listener_families(listener: WatchedListener) -> Iterator[Family]:
    """Yield the metrics of the data port."""
    for name, text in _LISTENER.items():
        count = getattr(listener.counters, name)
        yield Family(f"seldon_listener_{name}_total", "counter", text, [("", {}, count)])
    yield Family(
        "seldon_listener_refusals_total",
        "counter",
        "Requests that were answered by an error.",
        [
            ("", {"method_type": method_type, "code": code}, count)
            for (method_type, code), count in listener.refusals.items()
        ],
    )
    yield Family(
        "seldon_listener_open_connections",
        "gauge",
        "Connections open now.",
        [("", {}, listener.open_connections)],
    )
    yield Family(
        "seldon_listener_in_flight_bytes",
        "gauge",
        "Bytes that requests hold now.",
        [("", {}, listener.in_flight_bytes)],
    )

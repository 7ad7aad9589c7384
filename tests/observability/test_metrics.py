from dataclasses import fields

import pytest
from prometheus_client.parser import text_string_to_metric_families

from seldon_core.observability.exposition import Family
from seldon_core.observability.metrics import Metrics, listener_families, scaling_families
from seldon_core.transport.shared import Counters

REPLICA = {"server": "mlserver", "server_replica": "0"}
REST = {"method_type": "rest", "code": "200"}


def samples(metrics):
    return {
        (written(sample.name), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.exposition())
        for sample in family.samples
    }


def written(name):
    """Undo the parser's renaming of counters that do not end in `_total`."""
    plain = name.removesuffix("_total")
    return plain if plain.endswith(("_count", "_counter")) else name


def value(metrics, name, **labels):
    return samples(metrics)[name, frozenset((REPLICA | labels).items())]


def names(metrics):
    return {name for name, _ in samples(metrics)}


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def replica(metrics):
    return metrics.replica("mlserver", "0")


@pytest.fixture
def busy(replica):
    """The replica with two models in memory."""
    replica.model_loaded("iris_1", 10)
    replica.model_loaded("add10_1", 10)
    return replica


def test_a_replica_is_one_however_often_it_is_asked_for(metrics, replica):
    assert metrics.replica("mlserver", "0") is replica


def test_a_call_is_counted_with_its_time_under_the_models_labels(metrics, busy):
    series = busy.model_series("iris", "iris_1", "rest", "200")
    series.observe(0.25)
    series.observe(0.5)
    labels = REST | {"model": "iris", "model_internal": "iris_1"}
    assert value(metrics, "seldon_model_infer_total", **labels) == 2
    assert value(metrics, "seldon_model_infer_seconds_total", **labels) == 0.75


def test_the_same_labels_are_the_same_series(busy):
    first = busy.model_series("iris", "iris_1", "rest", "200")
    assert busy.model_series("iris", "iris_1", "rest", "200") is first
    assert busy.model_series("iris", "iris_1", "rest", "404") is not first


def test_sums_are_over_all_models_of_a_protocol(metrics, busy):
    busy.model_series("iris", "iris_1", "rest", "200").observe(1)
    busy.model_series("add10", "add10_1", "rest", "500").observe(2)
    busy.model_series("iris", "iris_1", "grpc", "OK").observe(4)
    assert value(metrics, "seldon_model_aggregate_infer_total", method_type="rest") == 2
    assert value(metrics, "seldon_model_aggregate_infer_seconds_total", method_type="rest") == 3
    assert value(metrics, "seldon_model_aggregate_infer_seconds_total", method_type="grpc") == 4


def test_the_histogram_has_a_bucket_that_ends_at_each_bound(metrics, busy):
    series = busy.model_series("iris", "iris_1", "rest", "200")
    for seconds in (0.005, 0.006, 11):
        series.observe(seconds)
    name, labels = "seldon_model_infer_api_seconds", {"method": "post", "code": "200"}
    assert value(metrics, f"{name}_bucket", le="0.005", **labels) == 1
    assert value(metrics, f"{name}_bucket", le="0.01", **labels) == 2
    assert value(metrics, f"{name}_bucket", le="10.0", **labels) == 2
    assert value(metrics, f"{name}_bucket", le="+Inf", **labels) == 3
    assert value(metrics, f"{name}_count", **labels) == 3
    assert value(metrics, f"{name}_sum", **labels) == pytest.approx(11.011)


def test_the_histogram_calls_grpc_by_its_name(metrics, busy):
    busy.model_series("iris", "iris_1", "grpc", "NotFound").observe(0.1)
    busy.model_series("iris", "iris_1", "rest", "404").observe(0.2)
    name = "seldon_model_infer_api_seconds_sum"
    assert value(metrics, name, method="grpc", code="NotFound") == 0.1
    assert value(metrics, name, method="post", code="404") == 0.2


def test_an_unloaded_models_series_go_and_the_sums_stay(metrics, replica):
    replica.model_loaded("iris_1", 10)
    replica.model_loaded("iris_2", 10)
    for model in ("iris_1", "iris_2"):
        replica.model_series("iris", model, "rest", "200").observe(2)
    replica.model_unloaded("iris_1")
    gone = REST | {"model": "iris", "model_internal": "iris_1"}
    assert ("seldon_model_infer_total", frozenset((REPLICA | gone).items())) not in samples(metrics)
    assert value(metrics, "seldon_model_infer_total", **gone | {"model_internal": "iris_2"}) == 1
    assert value(metrics, "seldon_model_aggregate_infer_total", method_type="rest") == 2
    sums = {"method": "post", "code": "200"}
    assert value(metrics, "seldon_model_infer_api_seconds_sum", **sums) == 4
    assert value(metrics, "seldon_model_infer_api_seconds_count", **sums) == 2


def test_a_call_that_ends_after_its_model_has_gone_counts_in_the_sums_alone(metrics, replica):
    replica.model_loaded("iris_1", 10)
    replica.model_series("iris", "iris_1", "rest", "200").observe(2)
    replica.model_unloaded("iris_1")
    for code in ("404", "200"):
        replica.model_series("iris", "iris_1", "rest", code).observe(1)
    assert "seldon_model_infer_total" not in names(metrics)
    assert value(metrics, "seldon_model_aggregate_infer_total", method_type="rest") == 3
    sums = {"method": "post", "code": "404"}
    assert value(metrics, "seldon_model_infer_api_seconds_count", **sums) == 1
    assert value(metrics, "seldon_model_infer_api_seconds_sum", **sums) == 1


def test_a_model_that_grew_is_shown_with_its_new_size(metrics, busy):
    busy.model_grew("iris_1", 30)
    name = "seldon_loaded_model_memory_bytes_gauge"
    assert value(metrics, name, model_internal="iris_1") == 30
    busy.model_evicted("iris_1")
    assert value(metrics, name, model_internal="iris_1") == 0


def test_a_models_memory_follows_its_life(metrics, replica):
    loaded, evicted = (f"seldon_{word}_model_memory_bytes_gauge" for word in ("loaded", "evicted"))
    gauge = "seldon_loaded_model_gauge"

    def state():
        found = [name for name in (gauge, loaded, evicted) if name in names(metrics)]
        return [value(metrics, name, model_internal="iris_1") for name in found]

    replica.model_loaded("iris_1", 10)
    assert state() == [1, 10, 0]
    replica.model_evicted("iris_1")
    assert state() == [1, 0, 10]
    replica.model_reloaded("iris_1", 12)
    assert state() == [1, 12, 0]
    replica.model_unloaded("iris_1")
    assert state() == []


def test_the_events_of_models_are_counted(metrics, replica):
    for event in ("loaded", "loaded", "loaded"):
        getattr(replica, f"model_{event}")("iris_1", 1)
    replica.model_evicted("iris_1")
    replica.model_evicted("iris_1")
    replica.model_reloaded("iris_1", 1)
    counts = [
        value(metrics, name)
        for name in (
            "seldon_load_model_counter",
            "seldon_cache_evict_count",
            "seldon_cache_miss_count",
            "seldon_unload_model_counter",
        )
    ]
    assert counts == [3, 2, 1, 0]


def test_capacity_is_shown_with_and_without_over_commit(metrics, replica):
    replica.capacity_bytes, replica.capacity_overcommit_bytes = 100, 110
    prefix = "seldon_server_replica_memory_capacity"
    assert value(metrics, f"{prefix}_bytes_gauge") == 100
    assert value(metrics, f"{prefix}_overcommit_bytes_gauge") == 110


def test_internal_errors_are_counted(metrics):
    metrics.internal_errors += 1
    assert samples(metrics)["seldon_internal_errors_total", frozenset()] == 1


def test_a_parts_own_counters_are_asked_for_at_each_scrape(metrics):
    counts = iter((1, 2))
    metrics.add_source(
        lambda: [Family("seldon_connections", "gauge", "Open.", [("", {}, next(counts))])]
    )
    assert samples(metrics)["seldon_connections", frozenset()] == 1
    assert samples(metrics)["seldon_connections", frozenset()] == 2


class BusyListener:
    counters = Counters(connections=3, overloaded=2)
    refusals = {("rest", "404"): 5, ("grpc", "NotFound"): 7}  # noqa: RUF012 - never changed
    open_connections = 1
    in_flight_bytes = 64


def test_the_data_port_is_measured(metrics):
    metrics.add_source(lambda: listener_families(BusyListener()))
    found = samples(metrics)
    assert found["seldon_listener_connections_total", frozenset()] == 3
    assert found["seldon_listener_overloaded_total", frozenset()] == 2
    assert found["seldon_listener_open_connections", frozenset()] == 1
    assert found["seldon_listener_in_flight_bytes", frozenset()] == 64


def test_what_is_answered_by_errors_is_shown_by_its_code(metrics):
    metrics.add_source(lambda: listener_families(BusyListener()))
    found = samples(metrics)
    name = "seldon_listener_refusals_total"
    assert found[name, frozenset({("method_type", "rest"), ("code", "404")})] == 5
    assert found[name, frozenset({("method_type", "grpc"), ("code", "NotFound")})] == 7


def test_every_counter_of_the_data_port_is_shown(metrics):
    shown = {family.name for family in listener_families(BusyListener())}
    counted = {f"seldon_listener_{field.name}_total" for field in fields(Counters)}
    assert counted < shown


def test_how_often_models_were_scaled_is_shown(metrics):
    metrics.add_source(lambda: scaling_families({"up": 3, "down": 1}))
    found = samples(metrics)
    assert found["seldon_model_scalings_total", frozenset({("direction", "up")})] == 3


def test_the_process_itself_is_measured(metrics):
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= names(metrics)

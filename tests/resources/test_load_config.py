"""What a request to load a model may ask for."""

import json

import pytest

from seldon_core.errors import InvalidRequestError, SeldonError, UnsupportedError
from seldon_core.resources.knobs import Knobs
from seldon_core.resources.load_config import configured
from seldon_core.resources.model import ModelSpec

IRIS = ModelSpec("iris", "/iris", knobs=Knobs(max_queue=9))


def loaded_with(config):
    text = config if isinstance(config, str) else json.dumps(config)
    return configured(IRIS, {"config": text})


@pytest.mark.parametrize("parameters", [{}, {"config": ""}, {"config": "{}"}], ids=str)
def test_without_a_configuration_the_model_is_as_declared(parameters):
    assert configured(IRIS, parameters) == IRIS


@pytest.mark.parametrize(
    ("config", "knobs"),
    [
        ({"name": "iris"}, Knobs(max_queue=9)),
        ({"dynamic_batching": {}}, Knobs(max_queue=9)),
        (
            {"dynamic_batching": {"max_queue_delay_microseconds": 5000}},
            Knobs(max_queue=9, max_batch_delay_ms=5),
        ),
        (
            {"dynamicBatching": {"maxQueueDelayMicroseconds": "0"}},
            Knobs(max_queue=9, max_batch_delay_ms=0),
        ),
        (
            {"dynamic_batching": {"default_queue_policy": {"max_queue_size": 3}}},
            Knobs(max_queue=3),
        ),
        (
            {"parameters": {"seldon-core/timeout-ms": {"stringValue": "70"}}},
            Knobs(max_queue=9, timeout_ms=70),
        ),
    ],
    ids=str,
)
def test_what_means_a_knob_is_that_knob(config, knobs):
    assert loaded_with(config).knobs == knobs


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"backend": "python"}, "config: backend has no effect here"),
        ({"maxBatchSize": 8}, "config: max_batch_size has no effect"),
        (
            {"dynamic_batching": {"preserve_ordering": True}},
            "config: dynamic_batching.preserve_ordering has no effect",
        ),
        (
            {"dynamic_batching": {"default_queue_policy": {"max_queue_size": 0}}},
            "max_queue_size 0 means no limit",
        ),
        ({"parameters": {"threads": {"string_value": "2"}}}, r"parameters\['threads'\] has no eff"),
    ],
    ids=str,
)
def test_what_would_have_no_effect_is_refused_by_name(config, words):
    with pytest.raises(UnsupportedError, match=words):
        loaded_with(config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "is no JSON"),
        ("[" * 5000, "is no JSON"),
        ("[]", r"config must be an object, found \[\]"),
        ({"name": "wine"}, "is of model 'wine', and 'iris' is to be loaded"),
        ({"dynamic_batching": 1}, "dynamic_batching must be an object"),
        (
            {"dynamic_batching": {"max_queue_delay_microseconds": 100}},
            "must be whole milliseconds, found 100 microseconds",
        ),
        (
            {"dynamic_batching": {"max_queue_delay_microseconds": -1000}},
            "must be a whole number, found -1000",
        ),
        (
            {"dynamic_batching": {"max_queue_delay_microseconds": "9" * 5000}},
            "must be a whole number, found '999",
        ),
        (
            {"dynamic_batching": {"max_queue_delay_microseconds": True}},
            "must be a whole number, found True",
        ),
        (
            {"dynamic_batching": {"max_queue_delay_microseconds": 90_000_000}},
            "config: seldon-core/max-batch-delay-ms must be",
        ),
        ({"parameters": []}, "parameters must be an object"),
        ({"parameters": {"seldon-core/max-queue": 1}}, "must be an object, found 1"),
        ({"parameters": {"seldon-core/max-queue": {"string_value": 1}}}, "must have a text"),
        ({"parameters": {"seldon-core/max-kju": {"string_value": "1"}}}, "did you mean"),
    ],
    ids=lambda value: str(value)[:100],
)
def test_what_cannot_be_read_is_an_error_with_its_place(config, words):
    with pytest.raises(InvalidRequestError, match=words):
        loaded_with(config)


def test_files_are_not_taken_from_a_request():
    with pytest.raises(UnsupportedError, match=r"'file:1/model.onnx'.*those of its folder"):
        configured(IRIS, {"config": "{}", "file:1/model.onnx": "AAAA"})


@pytest.mark.parametrize(
    "parameters", [{"config": json.dumps("x" * 70_000)}, {"x" * 70_000: ""}], ids=["value", "name"]
)
def test_a_request_is_not_told_back_at_any_length(parameters):
    with pytest.raises(SeldonError) as raised:
        configured(IRIS, parameters)
    assert len(str(raised.value)) < 300


def test_a_long_configuration_is_taken_up_to_a_limit():
    text = json.dumps({"name": "iris"}).ljust(65_536)
    assert configured(IRIS, {"config": text}) == IRIS
    with pytest.raises(InvalidRequestError, match="has 65537 characters, at most 65536"):
        configured(IRIS, {"config": text + " "})

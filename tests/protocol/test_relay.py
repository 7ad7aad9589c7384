"""What another server's answers mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import (
    NotFoundError,
    NotReadyError,
    OverloadedError,
    RelayedError,
    SeldonError,
    UpstreamError,
)
from seldon_core.protocol.extension_json import config_body, statistics_body, statistics_rows
from seldon_core.protocol.inference import ModelMetadata, TensorSpec
from seldon_core.protocol.model_config import ModelConfig
from seldon_core.protocol.oip_json import model_metadata_body
from seldon_core.protocol.relay import (
    grpc_error,
    http_error,
    read_config,
    read_metadata,
    read_statistics,
)
from seldon_core.protocol.statistics import (
    BatchStatistics,
    Duration,
    InferStatistics,
    MemoryUsage,
    ModelStatistics,
    ResponseStatistics,
)
from seldon_core.protocol.status import status_of

SPEC = TensorSpec("x", "FP32", (-1, 4), {"content_type": "np"})


def test_metadata_is_read_as_it_is_written():
    metadata = ModelMetadata("iris", "sklearn_joblib", (SPEC,), (SPEC, SPEC), ("3",))
    assert read_metadata(model_metadata_body(metadata)) == metadata


def test_a_configuration_is_read_as_it_is_written():
    spec = TensorSpec("x", "BYTES", (-1,))
    plain = ModelConfig("iris", "onnx", "onnxruntime", 0, (spec,), (spec,))
    batched = ModelConfig("iris", "onnx", "b", 64, (spec,), (), 7000, True, {"a": "b"})
    for config in (plain, batched):
        assert read_config(config_body(config)) == config


def test_statistics_are_read_as_they_are_written():
    some = Duration(3, 77)
    statistics = ModelStatistics(
        "iris",
        "2",
        5,
        6,
        7,
        InferStatistics(success=some, cache_miss=some),
        {"0": ResponseStatistics(cancel=some)},
        (BatchStatistics(4, compute_output=some),),
        (MemoryUsage("CPU", 0, 99),),
    )
    rows = statistics_rows([statistics, ModelStatistics("wine", "1")])
    assert read_statistics(statistics_body([rows])) == [statistics, ModelStatistics("wine", "1")]


@pytest.mark.parametrize("read", [read_metadata, read_config, read_statistics])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"1", b'{"name":1,"inputs":1,"model_stats":[1]}']
)
def test_what_cannot_be_read_is_an_upstream_error(read, body):
    with pytest.raises(UpstreamError, match="cannot be read"):
        read(body)


SPECS = b'"inputs":[{"name":"x","datatype":"FP32","shape":[4]}]'
CONFIG = b'{"name":"m","input":[{"name":"x","data_type":"TYPE_FP32","dims":[4]}],"output":[]}'


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (read_metadata, b'{"name":"m",%b}' % SPECS.replace(b"[4]", b"[-2]")),
        (read_metadata, b'{"name":"m",%b}' % SPECS.replace(b"[4]", b"[9223372036854775808]")),
        (read_metadata, b'{"name":"m",%b}' % SPECS.replace(b'"x"', b"1")),
        (read_metadata, b'{"name":"m",%b}' % SPECS.replace(b"}]", b',"parameters":1}]')),
        (read_config, CONFIG.replace(b'"m"', b"[]")),
        (read_config, CONFIG.replace(b'"output"', b'"max_batch_size":[],"output"')),
        (read_config, CONFIG.replace(b"[4]", b"[1.5]")),
    ],
)
def test_what_no_answer_could_say_is_an_upstream_error(read, body):
    with pytest.raises(UpstreamError, match="cannot be read"):
        read(body)


def test_numbers_may_be_texts_as_in_json_of_protobuf():
    assert read_config(CONFIG.replace(b"[4]", b'["-1","4"]')).inputs[0].shape == (-1, 4)


@pytest.mark.parametrize(
    ("code", "kind", "grpc"),
    [
        (400, RelayedError, 3),
        (404, NotReadyError, 5),
        (418, RelayedError, 13),
        (503, RelayedError, 14),
    ],
)
def test_an_http_error_keeps_its_status(code, kind, grpc):
    error = http_error(code, b'{"error":"why"}', "iris_1", None)
    assert type(error) is kind
    assert (status_of(error).http, status_of(error).grpc) == (code, grpc)
    assert str(error) == "why"


@pytest.mark.parametrize("code", [100, 201, 204, 302, 600])
def test_what_is_neither_an_answer_nor_an_error_says_so(code):
    error = http_error(code, b"moved", "iris_1", None)
    assert type(error) is UpstreamError
    assert str(error) == f"wanted an answer or an error, found status {code}: moved"


def test_an_error_that_names_the_model_as_missing_is_that():
    assert (
        type(http_error(404, b'{"error":"model \'a_1\' not found"}', "a_1", None)) is NotFoundError
    )
    assert type(grpc_error(b"5", b"model 'a_1' not found", "a_1")) is NotFoundError


@pytest.mark.parametrize(
    ("header", "seconds"), [(b"7", 7.0), (b"Sat, 1 Nov", 1.0), (b"9" * 400, 1.0)]
)
def test_when_to_come_back_is_passed_on(header, seconds):
    error = http_error(503, b"full", "iris_1", header)
    assert isinstance(error, OverloadedError)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize(
    ("code", "kind", "http"),
    [
        (b"3", RelayedError, 400),
        (b"4", RelayedError, 504),
        (b"8", OverloadedError, 503),
        (b"13", RelayedError, 500),
        (b"14", RelayedError, 503),
        (b"x", RelayedError, 500),
        (b"00", RelayedError, 500),
        (b"17", RelayedError, 500),
    ],
)
def test_a_grpc_status_is_an_error(code, kind, http):
    error = grpc_error(code, b"it%20broke", "iris_1")
    assert type(error) is kind
    assert status_of(error).http == http
    assert str(error) == "it broke"


def test_a_status_without_text_says_which():
    assert str(grpc_error(b"13", b"", "iris_1")) == "the call ended with gRPC code 13"


@given(st.integers(201, 599), st.binary(max_size=200), st.none() | st.binary(max_size=10))
def test_any_answer_is_some_error(code, body, retry_after):
    error = http_error(code, body, "m_1", retry_after)
    assert isinstance(error, SeldonError)
    assert 400 <= status_of(error).http < 600


@given(st.binary(max_size=4), st.binary(max_size=200))
def test_any_status_is_some_error(code, message):
    error = grpc_error(code, message, "m_1")
    assert isinstance(error, SeldonError)
    assert 0 < status_of(error).grpc <= 16

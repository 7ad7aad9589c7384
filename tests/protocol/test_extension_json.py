"""The extensions' bodies, as clients read and write them."""

import contextlib
import json
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError
from seldon_core.protocol import extension_json
from seldon_core.protocol.inference import TensorSpec
from seldon_core.protocol.json_request import MAX_PARAMETERS
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.protocol.tensors import NUMPY_DTYPES
from tests.support.extensions import CONFIG, INDEX, STATISTICS


def test_statistics_have_the_extension_s_fields():
    nothing = {"count": 0, "ns": 0}
    rows = [[STATISTICS], [ModelStatistics("wine", "2")]]
    body = json.loads(extension_json.statistics_body(map(extension_json.statistics_rows, rows)))
    full, empty = body["model_stats"]
    assert full == {
        "name": "iris",
        "version": "1",
        "last_inference": 1764000000000,
        "inference_count": 64,
        "execution_count": 4,
        "inference_stats": {
            "success": {"count": 16, "ns": 1},
            "fail": {"count": 1, "ns": 2},
            "queue": {"count": 16, "ns": 3},
            "compute_input": {"count": 16, "ns": 4},
            "compute_infer": {"count": 16, "ns": 5},
            "compute_output": {"count": 16, "ns": 6},
            "cache_hit": {"count": 2, "ns": 7},
            "cache_miss": {"count": 3, "ns": 8},
        },
        "response_stats": {
            "0": {
                "compute_infer": {"count": 1, "ns": 11},
                "compute_output": {"count": 2, "ns": 12},
                "success": {"count": 3, "ns": 13},
                "fail": {"count": 4, "ns": 14},
                "empty_response": {"count": 5, "ns": 15},
                "cancel": {"count": 6, "ns": 16},
            }
        },
        "batch_stats": [
            {
                "batch_size": 16,
                "compute_input": {"count": 4, "ns": 21},
                "compute_infer": {"count": 4, "ns": 22},
                "compute_output": {"count": 4, "ns": 23},
            }
        ],
        "memory_usage": [{"type": "CPU", "id": 0, "byte_size": 1024}],
    }
    assert (empty["name"], empty["version"], empty["batch_stats"]) == ("wine", "2", [])
    assert set(map(json.dumps, empty["inference_stats"].values())) == {json.dumps(nothing)}


def test_any_mapping_of_responses_is_written():
    model = replace(STATISTICS, response_stats=MappingProxyType(STATISTICS.response_stats))
    assert extension_json.statistics_rows([model]) == extension_json.statistics_rows([STATISTICS])


def test_statistics_of_no_model_are_an_empty_list():
    assert json.loads(extension_json.statistics_body([])) == {"model_stats": []}


def index_of(*parts):
    return extension_json.index_body(map(extension_json.index_rows, parts))


def test_the_index_of_nothing_is_an_empty_list():
    assert json.loads(index_of()) == []


def test_the_index_is_a_list_and_a_model_without_version_has_none_there():
    assert json.loads(index_of(INDEX[:1], INDEX[1:])) == [
        {"name": "iris", "version": "1", "state": "READY", "reason": ""},
        {"name": "wine", "state": "UNAVAILABLE", "reason": "no such file"},
    ]


def test_a_configuration_is_written_as_triton_writes_it():
    assert json.loads(extension_json.config_body(CONFIG)) == {
        "name": "iris",
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": 8,
        "input": [
            {
                "name": "x",
                "data_type": "TYPE_FP32",
                "format": "FORMAT_NONE",
                "dims": [4],
                "is_shape_tensor": False,
                "optional": False,
            },
            {
                "name": "text",
                "data_type": "TYPE_STRING",
                "format": "FORMAT_NONE",
                "dims": [-1],
                "is_shape_tensor": False,
                "optional": False,
            },
        ],
        "output": [{"name": "y", "data_type": "TYPE_BF16", "dims": [3], "is_shape_tensor": False}],
        "dynamic_batching": {"max_queue_delay_microseconds": 500},
        "parameters": {"threads": {"string_value": "2"}},
        "model_transaction_policy": {"decoupled": True},
    }


def test_a_model_without_batches_has_no_dynamic_batching():
    body = json.loads(extension_json.config_body(replace(CONFIG, max_batch_size=0)))
    assert body["max_batch_size"] == 0
    assert "dynamic_batching" not in body


@pytest.mark.parametrize("datatype", NUMPY_DTYPES)
def test_every_datatype_has_a_name_in_configurations(datatype):
    spec = TensorSpec("x", datatype, (1,))
    body = json.loads(extension_json.config_body(replace(CONFIG, inputs=(spec,))))
    wanted = "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
    assert body["input"][0]["data_type"] == wanted


def test_settings_keep_their_types_and_trace_settings_are_text():
    settings = {"a": True, "b": 3, "c": "x", "d": ["x", "y"]}
    assert json.loads(extension_json.settings_body(MappingProxyType(settings))) == settings
    traces = {"trace_rate": 1000, "trace_level": ["OFF"], "trace_file": ""}
    assert json.loads(extension_json.trace_settings_body(traces)) == {
        "trace_rate": "1000",
        "trace_level": ["OFF"],
        "trace_file": "",
    }


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", False),
        (b"{}", False),
        (b'{"ready": null}', False),
        (b'{"ready": false}', False),
        (b'{"ready": true}', True),
    ],
    ids=["no body", "no field", "null", "false", "true"],
)
def test_only_ready_models_are_wanted_if_the_body_says_so(body, wanted):
    assert extension_json.read_only_ready(memoryview(body)) is wanted


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"ready": 1}', "ready: must be a boolean, found a number"),
        (b"[]", "the body must be a JSON object, found a list"),
        (b"{", "the body is not JSON: "),
        (b"\xff", "the body is not JSON: "),
        (b"[" * 100_000, "the body is not JSON: "),
    ],
    ids=["number", "list", "cut off", "no text", "deep"],
)
def test_a_wrong_request_for_the_index_says_what_is_wrong(body, message):
    with pytest.raises(InvalidRequestError) as caught:
        extension_json.read_only_ready(body)
    assert str(caught.value).startswith(message)


def test_a_long_body_is_refused_before_it_is_read():
    config = "x" * extension_json.LONGEST_REQUEST
    body = json.dumps({"parameters": {"config": config}}).encode()
    with pytest.raises(PayloadTooLargeError, match="may have 1048576 bytes, it has 1048606; the f"):
        extension_json.read_load_parameters(body)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", {}),
        (b'{"parameters": null}', {}),
        (b'{"parameters": {"config": "{}", "n": 1}}', {"config": "{}", "n": 1}),
    ],
    ids=["no body", "null", "some"],
)
def test_parameters_of_a_load_are_read_as_they_are(body, wanted):
    assert extension_json.read_load_parameters(body) == wanted


def test_parameters_of_a_load_are_an_object():
    with pytest.raises(InvalidRequestError, match="parameters: must be an object, found a list"):
        extension_json.read_load_parameters(b'{"parameters": []}')


def test_changes_of_settings_keep_their_types():
    body = b'{"a": ["x", "y"], "b": "1", "c": 2, "d": true, "e": null, "f": []}'
    assert extension_json.read_settings(body) == json.loads(body)
    assert extension_json.read_settings(b"") == {}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1.5", "must be a string, an integer, a boolean, a list of strings or null, found 1.5"),
        ("{}", "or null, found an object"),
        ("[1]", "must be a list of strings only"),
        ('["x", null]', "must be a list of strings only"),
    ],
    ids=["fraction", "object", "list of numbers", "list with null"],
)
def test_a_setting_of_a_wrong_type_is_named(value, found):
    with pytest.raises(InvalidRequestError) as caught:
        extension_json.read_settings(f'{{"log_info": {value}}}'.encode())
    assert str(caught.value).startswith("'log_info': ")
    assert found in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["ready", "parameters", "config", "log_info"])
READERS = [
    extension_json.read_only_ready,
    extension_json.read_load_parameters,
    extension_json.read_settings,
]


@given(st.binary(max_size=40) | (JSON | st.dictionaries(KEYS, JSON)).map(json.dumps))
def test_any_body_is_read_or_refused(body):
    for read in READERS:
        with contextlib.suppress(InvalidRequestError):
            read(body if isinstance(body, bytes) else body.encode())


@pytest.mark.parametrize(
    ("read", "body", "where"),
    [
        (extension_json.read_settings, b"{%s}", "the body"),
        (extension_json.read_load_parameters, b'{"parameters":{%s}}', "parameters"),
    ],
    ids=["settings", "parameters"],
)
def test_more_items_than_are_read_at_once_are_refused(read, body, where):
    items = [b'"%d":1' % index for index in range(MAX_PARAMETERS + 1)]
    with pytest.raises(PayloadTooLargeError, match=f"^{where}: has 1025 items, at most 1024"):
        read(body % b",".join(items))
    assert len(read(body % b",".join(items[1:]))) == MAX_PARAMETERS


@pytest.mark.parametrize(
    ("read", "known"),
    [
        pytest.param(extension_json.read_only_ready, "ready", id="index"),
        pytest.param(extension_json.read_load_parameters, "parameters", id="load"),
    ],
)
def test_a_field_that_is_not_known_is_refused_by_name(read, known):
    with pytest.raises(InvalidRequestError) as caught:
        read(b'{"redy": true}')
    assert str(caught.value) == f"'redy': is no field of this request, only {known!r} is"

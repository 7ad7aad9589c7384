"""The extensions' messages, read and written by another implementation."""

import contextlib
from dataclasses import replace

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import model_config_pb2, service_pb2

from seldon_core.errors import InvalidRequestError, PayloadTooLargeError
from seldon_core.protocol import extension_json, extension_messages
from seldon_core.protocol.inference import TensorSpec
from seldon_core.protocol.json_request import MAX_PARAMETERS
from seldon_core.protocol.statistics import ModelStatistics
from seldon_core.protocol.tensors import NUMPY_DTYPES
from tests.support.extensions import CONFIG, INDEX, STATISTICS


def as_dict(message, **options):
    return json_format.MessageToDict(message, preserving_proto_field_name=True, **options)


def test_statistics_say_the_same_as_json():
    models = [STATISTICS, ModelStatistics("wine", "2")]
    message = b"".join(extension_messages.statistics_message([model]) for model in models)
    read = as_dict(service_pb2.ModelStatisticsResponse.FromString(message))
    body = extension_json.statistics_body([extension_json.statistics_rows(models)])
    theirs = service_pb2.ModelStatisticsResponse()
    json_format.Parse(body, theirs)  # knows every field of the body
    assert read["model_stats"] == as_dict(theirs)["model_stats"]
    assert read["model_stats"][0]["inference_stats"]["cache_miss"] == {"count": "3", "ns": "8"}


def test_the_index_names_states():
    message = b"".join(extension_messages.index_message([model]) for model in INDEX)
    read = service_pb2.RepositoryIndexResponse.FromString(message)
    assert [(m.name, m.version, m.state, m.reason) for m in read.models] == [
        ("iris", "1", "READY", ""),
        ("wine", "", "UNAVAILABLE", "no such file"),
    ]


def test_a_configuration_says_the_same_as_json():
    message = extension_messages.config_message(CONFIG)
    read = service_pb2.ModelConfigResponse.FromString(message).config
    theirs = model_config_pb2.ModelConfig()
    json_format.Parse(extension_json.config_body(CONFIG), theirs)
    assert read == theirs
    assert read.input[1].data_type == model_config_pb2.TYPE_STRING
    assert (read.max_batch_size, read.model_transaction_policy.decoupled) == (8, True)
    assert read.dynamic_batching.max_queue_delay_microseconds == 500
    assert read.parameters["threads"].string_value == "2"


@pytest.mark.parametrize(
    ("rows", "wanted"), [(0, None), (8, "dynamic_batching")], ids=["none", "batches"]
)
def test_batches_are_told_by_what_schedules_them(rows, wanted):
    config = replace(CONFIG, max_batch_size=rows, max_queue_delay_us=0)
    message = extension_messages.config_message(config)
    read = service_pb2.ModelConfigResponse.FromString(message).config
    assert read.WhichOneof("scheduling_choice") == wanted


@pytest.mark.parametrize("datatype", NUMPY_DTYPES)
def test_every_datatype_has_a_number_in_configurations(datatype):
    spec = TensorSpec("x", datatype, (1, -1))
    config = replace(CONFIG, inputs=(spec,), outputs=(spec,))
    read = service_pb2.ModelConfigResponse.FromString(extension_messages.config_message(config))
    wanted = "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
    for tensor in (*read.config.input, *read.config.output):
        assert model_config_pb2.DataType.Name(tensor.data_type) == wanted
        assert list(tensor.dims) == [1, -1]


def test_trace_settings_are_lists_of_texts():
    settings = {"trace_level": ["TIMESTAMPS", "TENSORS"], "trace_rate": 1000, "trace_file": ""}
    message = extension_messages.trace_settings_message(settings)
    read = service_pb2.TraceSettingResponse.FromString(message)
    assert {name: list(setting.value) for name, setting in read.settings.items()} == {
        "trace_level": ["TIMESTAMPS", "TENSORS"],
        "trace_rate": ["1000"],
        "trace_file": [""],
    }


def test_log_settings_are_of_their_own_type_and_otherwise_text():
    settings = {"a": True, "b": 3, "c": "x", "d": ["x", "y"], "e": -1, "f": 1 << 32, "g": False}
    message = extension_messages.log_settings_message(settings)
    read = service_pb2.LogSettingsResponse.FromString(message)
    found = {
        name: (kind := setting.WhichOneof("parameter_choice"), getattr(setting, kind))
        for name, setting in read.settings.items()
    }
    assert found == {
        "a": ("bool_param", True),
        "b": ("uint32_param", 3),
        "c": ("string_param", "x"),
        "d": ("string_param", "x,y"),
        "e": ("string_param", "-1"),
        "f": ("string_param", str(1 << 32)),
        "g": ("bool_param", False),
    }


@pytest.mark.parametrize("ready", [True, False], ids=["ready", "all"])
def test_a_request_for_the_index_is_read(ready):
    message = service_pb2.RepositoryIndexRequest(repository_name="r", ready=ready)
    read = extension_messages.read_only_ready(memoryview(message.SerializeToString()))
    assert read is ready


def test_parameters_of_a_load_are_of_their_own_type():
    message = service_pb2.RepositoryModelLoadRequest(model_name="iris")
    message.parameters["config"].string_param = "{}"
    message.parameters["file:1/model.onnx"].bytes_param = b"\0"
    message.parameters["n"].int64_param = -1
    message.parameters["none"].SetInParent()
    assert extension_messages.read_load(message.SerializeToString()) == (
        "iris",
        {"config": "{}", "file:1/model.onnx": b"\0", "n": -1, "none": None},
    )


def test_parameters_of_an_unload_are_read():
    message = service_pb2.RepositoryModelUnloadRequest(model_name="iris")
    message.parameters["unload_dependents"].bool_param = True
    assert extension_messages.read_unload(message.SerializeToString()) == (
        "iris",
        {"unload_dependents": True},
    )


def test_changes_of_trace_settings_are_text_a_list_or_nothing():
    message = service_pb2.TraceSettingRequest(model_name="iris")
    message.settings["trace_rate"].value.append("5")
    message.settings["trace_level"].value.extend(["TIMESTAMPS", "TENSORS"])
    message.settings["trace_file"].SetInParent()
    assert extension_messages.read_trace_settings(message.SerializeToString()) == (
        "iris",
        {"trace_rate": "5", "trace_level": ["TIMESTAMPS", "TENSORS"], "trace_file": None},
    )


def test_changes_of_log_settings_are_of_their_own_type():
    message = service_pb2.LogSettingsRequest()
    message.settings["log_info"].bool_param = False
    message.settings["log_verbose_level"].uint32_param = 2
    message.settings["log_format"].string_param = "ISO8601"
    message.settings["log_file"].SetInParent()
    assert extension_messages.read_log_settings(message.SerializeToString()) == {
        "log_info": False,
        "log_verbose_level": 2,
        "log_format": "ISO8601",
        "log_file": None,
    }


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (extension_messages.read_only_ready, "RepositoryIndexRequest"),
        (extension_messages.read_load, "RepositoryModelLoadRequest"),
        (extension_messages.read_unload, "RepositoryModelUnloadRequest"),
        (extension_messages.read_trace_settings, "TraceSettingRequest"),
        (extension_messages.read_log_settings, "LogSettingsRequest"),
    ],
    ids=["index", "load", "unload", "trace", "log"],
)
def test_a_message_that_is_none_is_refused_by_name(read, name):
    with pytest.raises(InvalidRequestError, match=f"the message is no {name}: "):
        read(b"\x0a\x05ab")


def test_a_long_message_is_refused_before_it_is_read():
    message = b"\x0a\x00" * (extension_json.LONGEST_REQUEST // 2 + 1)
    with pytest.raises(PayloadTooLargeError, match="may have 1048576 bytes, it has 1048578"):
        extension_messages.read_trace_settings(message)


READERS = [
    extension_messages.read_only_ready,
    extension_messages.read_load,
    extension_messages.read_unload,
    extension_messages.read_trace_settings,
    extension_messages.read_log_settings,
]


@given(st.binary(max_size=64))
def test_any_message_is_read_or_refused(message):
    for read in READERS:
        with contextlib.suppress(InvalidRequestError):
            read(message)


@pytest.mark.parametrize("number", [MAX_PARAMETERS, MAX_PARAMETERS + 1], ids=["most", "more"])
@pytest.mark.parametrize(
    ("read", "kind", "field"),
    [
        (extension_messages.read_load, service_pb2.RepositoryModelLoadRequest, "parameters"),
        (extension_messages.read_unload, service_pb2.RepositoryModelUnloadRequest, "parameters"),
        (extension_messages.read_trace_settings, service_pb2.TraceSettingRequest, "settings"),
        (extension_messages.read_log_settings, service_pb2.LogSettingsRequest, "settings"),
    ],
    ids=["load", "unload", "trace", "log"],
)
def test_more_items_than_are_read_at_once_are_refused(read, kind, field, number):
    message = kind()
    for index in range(number):
        getattr(message, field)[str(index)].SetInParent()
    encoded = message.SerializeToString()
    if number == MAX_PARAMETERS:
        read(encoded)
    else:
        with pytest.raises(PayloadTooLargeError, match=f"^{field}: has 1025 items, at most 1024"):
            read(encoded)


def test_countless_settings_are_refused_before_protobuf_reads_them():
    message = b"\x0a\x00" * 20_000
    with pytest.raises(InvalidRequestError, match="more than 16384 fields"):
        extension_messages.read_log_settings(message)

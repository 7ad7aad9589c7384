"""The extensions over gRPC: a client library's messages, and what they are answered."""

import asyncio
from dataclasses import replace

import pytest
from tritonclient.grpc import service_pb2 as triton

from seldon_core.errors import ModelRuntimeError, NotFoundError
from seldon_core.protocol import status
from seldon_core.protocol.dialects import Verb
from seldon_core.transport.handler import NO_DEADLINE
from seldon_core.transport.rpc import RpcFront
from seldon_core.transport.rpc_call import RpcCall
from seldon_core.transport.rpc_extension_calls import ANSWERS
from seldon_core.transport.rpc_extensions import extension_methods
from tests.support.extensions import ELSEWHERE, LOCAL, LongRepository, fake_services

SERVICE = b"/inference.GRPCInferenceService/"


def ask(services, method, message, peer=LOCAL):
    """Return the status, its text, and the answer as the client reads it, None if there is none."""
    front = RpcFront(services.handler, services.server, extension_methods(services))
    path = method if method.startswith(b"/") else SERVICE + method
    encoded = message.SerializeToString()
    answer = asyncio.run(front.for_peer(peer).answer(path, {}, encoded, NO_DEADLINE))
    if answer.parts is None:
        return answer.status, answer.message, None
    name = path.rpartition(b"/")[2].decode().replace("ModelRepositoryModel", "RepositoryModel")
    kind = getattr(triton, name.replace("ModelRepositoryI", "RepositoryI") + "Response")
    return answer.status, answer.message, kind.FromString(b"".join(map(bytes, answer.parts)))


def test_a_model_s_configuration_is_answered_to_who_asks_by_name_and_version():
    services = fake_services()
    request = triton.ModelConfigRequest(name="iris", version="1")
    code, _, answer = ask(services, b"ModelConfig", request, ELSEWHERE)
    assert (code, answer.config.name, answer.config.max_batch_size) == (status.OK, "iris", 8)
    [call] = services.handler.calls
    assert (call.model, call.version, call.protocol) == ("iris", "1", "grpc")


@pytest.mark.parametrize("model", ["", "iris"], ids=["all", "one"])
def test_statistics_are_of_one_model_or_all(model):
    services = fake_services()
    request = triton.ModelStatisticsRequest(name=model)
    code, _, answer = ask(services, b"ModelStatistics", request, ELSEWHERE)
    assert (code, answer.model_stats[0].inference_stats.success.count) == (status.OK, 16)
    assert services.handler.calls[0].model == model


@pytest.mark.parametrize(
    ("method", "request_type"),
    [
        (b"ModelConfig", triton.ModelConfigRequest),
        (b"ModelStatistics", triton.ModelStatisticsRequest),
    ],
    ids=["config", "statistics"],
)
def test_an_unknown_model_is_not_found(method, request_type):
    code, text, _ = ask(fake_services(), method, request_type(name="nope"))
    assert (code, text) == (status.NOT_FOUND, "model 'nope' not found")


@pytest.mark.parametrize(
    ("ready", "names"), [(False, ["iris", "wine"]), (True, ["iris"])], ids=["all", "ready"]
)
def test_the_index_is_for_everybody(ready, names):
    request = triton.RepositoryIndexRequest(ready=ready)
    code, _, answer = ask(fake_services(), b"RepositoryIndex", request, ELSEWHERE)
    assert (code, [model.name for model in answer.models]) == (status.OK, names)


def load_request(**texts):
    request = triton.RepositoryModelLoadRequest(model_name="iris")
    for name, text in texts.items():
        request.parameters[name].string_param = text
    return request


def unload_request():
    request = triton.RepositoryModelUnloadRequest(model_name="iris")
    request.parameters["unload_dependents"].bool_param = True
    return request


def test_a_model_is_loaded_and_unloaded():
    services = fake_services()
    assert ask(services, b"RepositoryModelLoad", load_request(config="{}"))[0] == status.OK
    assert ask(services, b"RepositoryModelUnload", unload_request())[0] == status.OK
    assert services.repository.done == [
        ("load", "iris", {"config": "{}"}, LOCAL),
        ("unload", "iris", LOCAL),
    ]


def test_files_in_a_request_are_refused():
    request = load_request(config="{}")
    request.parameters["file:1/model.onnx"].bytes_param = b"\0"
    code, text, _ = ask(fake_services(), b"RepositoryModelLoad", request)
    assert code == status.UNIMPLEMENTED
    assert "put it into the model's folder" in text


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ModelRuntimeError("no file"), status.INVALID_ARGUMENT, "iris was not loaded: no file"),
        (NotFoundError("model", "iris"), status.NOT_FOUND, "model 'iris' not found"),
    ],
    ids=["fails", "unknown"],
)
def test_a_load_that_fails_says_why(error, code, text):
    found, message, _ = ask(fake_services(error), b"RepositoryModelLoad", load_request())
    assert found == code
    assert message.endswith(text)


def trace_request(model="", **settings):
    request = triton.TraceSettingRequest(model_name=model)
    for name, values in settings.items():
        request.settings[name].value.extend(values)
    return request


def log_request(**settings):
    request = triton.LogSettingsRequest()
    for name, (kind, value) in settings.items():
        setattr(request.settings[name], kind, value)
    return request


def test_trace_settings_are_read_and_changed():
    services = fake_services()
    code, _, answer = ask(services, b"TraceSetting", trace_request("iris"), ELSEWHERE)
    assert (code, list(answer.settings["trace_rate"].value)) == (status.OK, ["1000"])
    request = trace_request("iris", trace_rate=["5"], trace_file=[])
    _, _, answer = ask(services, b"TraceSetting", request)
    assert list(answer.settings["trace_rate"].value) == ["5"]
    assert services.traces.changes == [({"trace_rate": "5", "trace_file": None}, LOCAL, "iris")]


def test_log_settings_are_read_and_changed():
    services = fake_services()
    code, _, answer = ask(services, b"LogSettings", log_request(), ELSEWHERE)
    assert (code, answer.settings["log_info"].bool_param) == (status.OK, True)
    request = log_request(log_info=("bool_param", False), log_verbose_level=("uint32_param", 1))
    _, _, answer = ask(services, b"LogSettings", request)
    assert answer.settings["log_verbose_level"].uint32_param == 1
    assert services.logs.changes == [({"log_info": False, "log_verbose_level": 1}, LOCAL, "")]


CHANGES = {
    "load": (b"RepositoryModelLoad", load_request()),
    "unload": (b"RepositoryModelUnload", unload_request()),
    "trace": (b"TraceSetting", trace_request(trace_rate=["1"])),
    "log": (b"LogSettings", log_request(log_info=("bool_param", False))),
}


@pytest.mark.parametrize(("method", "message"), CHANGES.values(), ids=CHANGES.keys())
def test_nobody_else_changes_anything(method, message):
    services = fake_services()
    code, text, _ = ask(services, method, message, ELSEWHERE)
    assert code == status.PERMISSION_DENIED
    assert "call localhost there" in text
    assert services.repository.done == []
    assert services.traces.changes == services.logs.changes == []


def test_the_repository_answers_under_mlserver_s_service_too():
    services = fake_services()
    service = b"/inference.model_repository.ModelRepositoryService/ModelRepository"
    request = triton.RepositoryIndexRequest(ready=True)
    code, _, answer = ask(services, service + b"Index", request)
    assert (code, [model.state for model in answer.models]) == (status.OK, ["READY"])
    assert ask(services, service + b"ModelLoad", load_request())[0] == status.OK
    assert ask(services, service + b"ModelUnload", unload_request())[0] == status.OK
    assert [done[0] for done in services.repository.done] == ["load", "unload"]


def test_others_have_their_turn_while_a_long_index_is_written():
    async def test():
        services = replace(fake_services(), repository=LongRepository())
        call = RpcCall(Verb.REPOSITORY_INDEX, {}, b"", "r-1", NO_DEADLINE, LOCAL)
        turns = []
        asyncio.get_running_loop().call_soon(turns.append, "other")
        message = await ANSWERS[Verb.REPOSITORY_INDEX](services, call)
        assert turns == ["other"]
        assert len(triton.RepositoryIndexResponse.FromString(message).models) == 1000

    asyncio.run(test())

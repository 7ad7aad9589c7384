"""The extensions over REST: requests as clients send them, and what they are answered."""

import asyncio
import json
from dataclasses import replace

import pytest
import tritonclient.http.aio as triton
from tritonclient.utils import InferenceServerException

from seldon_core.errors import ModelRuntimeError, NotFoundError
from seldon_core.protocol.dialects import Target, Verb
from seldon_core.transport.budget import InFlightBytes
from seldon_core.transport.exchange import HttpRequest
from seldon_core.transport.listener import open_listener
from seldon_core.transport.rest import RestFront
from seldon_core.transport.rest_call import RestCall
from seldon_core.transport.rest_extensions import extension_methods
from seldon_core.transport.settings import ListenerSettings
from tests.support.extensions import ELSEWHERE, LOCAL, LongRepository, fake_services


def ask(services, method, target, body=None, peer=LOCAL, **headers):
    """Return status, headers and the body as JSON, None if there is none."""
    methods = extension_methods(services)
    front = RestFront(
        services.handler, services.server, ListenerSettings(), InFlightBytes(1 << 30), methods
    )
    if not isinstance(body, bytes):
        body = b"" if body is None else json.dumps(body).encode()
    sent = {name.encode(): value for name, value in headers.items()}
    request = HttpRequest(method, target, {b"x-request-id": b"r-1", **sent}, body)
    answer = asyncio.run(front.for_peer(peer).answer(request))
    text = b"".join(map(bytes, answer.parts))
    return answer.status, dict(answer.headers), json.loads(text) if text else None


@pytest.mark.parametrize(
    "target",
    [b"/v2/models/iris/config", b"/v2/models/iris/versions/1/config"],
    ids=["model", "version"],
)
def test_a_model_s_configuration_is_json(target):
    services = fake_services()
    status, headers, body = ask(services, b"GET", target)
    assert (status, body["name"], body["max_batch_size"]) == (200, "iris", 8)
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-request-id"] == b"r-1"
    [call] = services.handler.calls
    assert (call.model, call.version) == ("iris", "1" if b"versions" in target else "")


@pytest.mark.parametrize(
    ("target", "model"),
    [
        (b"/v2/models/stats", ""),
        (b"/v2/models/iris/stats", "iris"),
        (b"/v2/models/iris/versions/1/stats", "iris"),
    ],
    ids=["all", "model", "version"],
)
def test_statistics_are_a_list_of_models(target, model):
    services = fake_services()
    status, _, body = ask(services, b"GET", target, peer=ELSEWHERE)
    assert (status, body["model_stats"][0]["inference_count"]) == (200, 64)
    assert services.handler.calls[0].model == model


@pytest.mark.parametrize(
    "target", [b"/v2/models/nope/config", b"/v2/models/nope/stats"], ids=["config", "stats"]
)
def test_an_unknown_model_is_a_404(target):
    assert ask(fake_services(), b"GET", target)[0] == 404


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (None, ["iris", "wine"]),
        ({}, ["iris", "wine"]),
        ({"ready": False}, ["iris", "wine"]),
        ({"ready": True}, ["iris"]),
    ],
    ids=["no body", "nothing", "all", "ready"],
)
def test_the_index_is_for_everybody(body, names):
    status, _, rows = ask(fake_services(), b"POST", b"/v2/repository/index", body, ELSEWHERE)
    assert (status, [row["name"] for row in rows]) == (200, names)


def test_a_wrong_field_of_the_index_is_a_400_that_names_it():
    status, _, body = ask(fake_services(), b"POST", b"/v2/repository/index", {"ready": "yes"})
    assert (status, body) == (400, {"error": "ready: must be a boolean, found a string"})


@pytest.mark.parametrize(
    ("body", "parameters"),
    [(None, {}), ({}, {}), ({"parameters": {"config": "{}"}}, {"config": "{}"})],
    ids=["no body", "nothing", "config"],
)
def test_a_load_is_answered_with_an_empty_200(body, parameters):
    services = fake_services()
    status, headers, answer = ask(services, b"POST", b"/v2/repository/models/iris/load", body)
    assert (status, answer, headers[b"x-request-id"]) == (200, None, b"r-1")
    assert services.repository.done == [("load", "iris", parameters, LOCAL)]


@pytest.mark.parametrize(
    "body", [None, {"parameters": {"unload_dependents": True}}], ids=["no body", "dependents"]
)
def test_an_unload_is_answered_with_an_empty_200(body):
    services = fake_services()
    target = b"/v2/repository/models/iris/unload"
    assert ask(services, b"POST", target, body)[::2] == (200, None)
    assert services.repository.done == [("unload", "iris", LOCAL)]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ModelRuntimeError("no such file"), 400, "model iris was not loaded: no such file"),
        (NotFoundError("model", "iris"), 404, "model 'iris' not found"),
    ],
    ids=["fails", "unknown"],
)
def test_a_load_that_fails_says_why(error, status, text):
    answer = ask(fake_services(error), b"POST", b"/v2/repository/models/iris/load")
    assert answer[::2] == (status, {"error": text})


CHANGES = {
    "load": (b"/v2/repository/models/iris/load", None),
    "unload": (b"/v2/repository/models/iris/unload", None),
    "trace": (b"/v2/trace/setting", {"trace_rate": "1"}),
    "log": (b"/v2/logging", {"log_info": False}),
}


@pytest.mark.parametrize(("target", "body"), CHANGES.values(), ids=CHANGES.keys())
def test_nobody_else_changes_anything(target, body):
    services = fake_services()
    status, _, answer = ask(services, b"POST", target, body, ELSEWHERE)
    assert status == 403
    assert "call localhost there" in answer["error"]
    assert services.repository.done == []
    assert services.traces.changes == services.logs.changes == []


@pytest.mark.parametrize(("target", "body"), CHANGES.values(), ids=CHANGES.keys())
def test_a_page_in_a_browser_changes_nothing(target, body):
    status, _, answer = ask(fake_services(), b"POST", target, body, origin=b"http://evil.example")
    assert status == 403
    assert "the origin of this request is 'http://evil.example'" in answer["error"]


TRACES = {"trace_level": ["OFF"], "trace_rate": "1000", "trace_file": ""}


@pytest.mark.parametrize(
    ("target", "model"),
    [(b"/v2/trace/setting", ""), (b"/v2/models/iris/trace/setting", "iris")],
    ids=["server", "model"],
)
def test_trace_settings_are_read_and_changed(target, model):
    services = fake_services()
    assert ask(services, b"GET", target, peer=ELSEWHERE)[::2] == (200, TRACES)
    assert ask(services, b"POST", target)[::2] == (200, TRACES)
    changes = {"trace_level": ["TIMESTAMPS"], "trace_rate": "5"}
    assert ask(services, b"POST", target, changes)[::2] == (200, {**TRACES, **changes})
    assert ask(services, b"POST", target, {"trace_rate": None})[2]["trace_rate"] == "1000"
    assert services.traces.changes == [
        (changes, LOCAL, model),
        ({"trace_rate": None}, LOCAL, model),
    ]


def test_log_settings_are_read_and_changed_with_their_types():
    services = fake_services()
    settings = {"log_file": "", "log_info": True, "log_verbose_level": 0, "log_format": "default"}
    assert ask(services, b"GET", b"/v2/logging", peer=ELSEWHERE)[::2] == (200, settings)
    changes = {"log_info": False, "log_verbose_level": 2}
    changed = ask(services, b"POST", b"/v2/logging", changes)
    assert changed[::2] == (200, {**settings, **changes})
    assert services.logs.changes == [(changes, LOCAL, "")]


def test_what_a_get_has_as_body_changes_nothing():
    services = fake_services()
    assert ask(services, b"GET", b"/v2/logging", {"log_info": False})[2]["log_info"] is True
    assert services.logs.changes == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"nope": 1}, "there is no setting 'nope'"),
        ({"log_info": 0.5}, "'log_info': must be a string, an integer, a boolean, a list of "),
        (b"{", "the body is not JSON: "),
    ],
    ids=["unknown", "type", "no json"],
)
def test_a_wrong_setting_is_a_400_that_names_it(body, text):
    status, _, answer = ask(fake_services(), b"POST", b"/v2/logging", body)
    assert status == 400
    assert answer["error"].startswith(text)


def test_a_client_library_finds_every_call_where_it_looks():
    async def test():
        services = fake_services()
        async with (
            open_listener(ListenerSettings(port=0), services) as listener,
            triton.InferenceServerClient(f"127.0.0.1:{listener.port}") as client,
        ):
            assert (await client.get_model_config("iris"))["backend"] == "onnxruntime"
            for asked in ({}, {"model_name": "iris"}):
                stats = await client.get_inference_statistics(**asked)
                assert stats["model_stats"][0]["execution_count"] == 4
            index = await client.get_model_repository_index()
            assert [model["state"] for model in index] == ["READY", "UNAVAILABLE"]
            await client.load_model("iris", config="{}")
            await client.unload_model("iris", unload_dependents=True)
            changed = await client.update_trace_settings("iris", {"trace_rate": "5"})
            assert changed == await client.get_trace_settings("iris")
            assert changed["trace_rate"] == "5"
            changed = await client.update_log_settings({"log_verbose_level": 1})
            assert changed == await client.get_log_settings()
            assert changed["log_verbose_level"] == 1
            with pytest.raises(InferenceServerException, match="put it into the model's folder"):
                await client.load_model("iris", config="{}", files={"file:1/model.onnx": b"\0"})
        assert [done[:2] for done in services.repository.done] == [
            ("load", "iris"),
            ("unload", "iris"),
        ]

    asyncio.run(test())


def test_others_have_their_turn_while_a_long_index_is_written():
    async def test():
        services = replace(fake_services(), repository=LongRepository())
        method = extension_methods(services)[Verb.REPOSITORY_INDEX]
        request = HttpRequest(b"POST", b"/v2/repository/index", {}, b"")
        call = RestCall(Target(Verb.REPOSITORY_INDEX), request, "r-1", 0.0, LOCAL)
        turns = []
        asyncio.get_running_loop().call_soon(turns.append, "other")
        answer = await method(call)
        assert turns == ["other"]
        assert len(json.loads(b"".join(answer.parts))) == 1000

    asyncio.run(test())

"""Who may change models and settings, and what of a request reaches those who do it."""

import asyncio

import pytest

from seldon_core.errors import (
    ForbiddenError,
    InvalidRequestError,
    ModelRuntimeError,
    NotFoundError,
    NotReadyError,
    UnsupportedError,
)
from seldon_core.transport.changes import changed_settings, load_model, unload_model
from tests.support.extensions import ELSEWHERE, LOCAL, FakeRepository, FakeSettings

HERE = ["127.0.0.1:1", "127.8.9.10:65535", "[::1]:51234", "[::ffff:127.0.0.1]:5", "[::1%lo]:5"]
AWAY = [
    *("10.0.0.7:51234", "[2001:db8::1]:5", "[::ffff:10.0.0.7]:5", "[fe80::1%eth0]:5", "0.0.0.0:1"),
    *("", "127.0.0.1", "localhost:5", "[::]:5", "1270.0.0.1:5"),
]


@pytest.mark.parametrize("peer", HERE)
def test_a_client_on_this_machine_may_change_things(peer):
    repository, settings = FakeRepository(), FakeSettings(rate=1)
    asyncio.run(load_model(repository, "iris", {"config": "{}"}, peer))
    asyncio.run(unload_model(repository, "iris", {}, peer))
    assert changed_settings(settings, {"rate": 2}, peer, "iris") == {"rate": 2}
    assert repository.done == [
        ("load", "iris", {"config": "{}"}, peer),
        ("unload", "iris", peer),
    ]
    assert settings.changes == [({"rate": 2}, peer, "iris")]


@pytest.mark.parametrize("peer", AWAY)
def test_any_other_may_not_and_is_told_what_to_do(peer):
    repository, settings = FakeRepository(), FakeSettings(rate=1)
    message = "only a client on the server's own machine may {}, .*: call localhost there"
    with pytest.raises(ForbiddenError, match=message.format("load a model")):
        asyncio.run(load_model(repository, "iris", {}, peer))
    with pytest.raises(ForbiddenError, match=message.format("unload a model")):
        asyncio.run(unload_model(repository, "iris", {}, peer))
    with pytest.raises(ForbiddenError, match=message.format("change settings")):
        changed_settings(settings, {"rate": 2}, peer)
    assert (repository.done, settings.changes) == ([], [])


def test_everybody_may_look_at_settings():
    settings = FakeSettings(rate=1)
    assert changed_settings(settings, {}, ELSEWHERE) == {"rate": 1}
    assert settings.changes == []
    with pytest.raises(NotFoundError):
        changed_settings(settings, {}, ELSEWHERE, "nope")


@pytest.mark.parametrize("content", ["AAAA", b"\0", None], ids=["base64", "bytes", "nothing"])
def test_files_in_a_request_are_refused_with_the_reason(content):
    repository = FakeRepository()
    parameters = {"config": "{}", "file:1/model.onnx": content}
    with pytest.raises(UnsupportedError, match="can run code: put it into the model's folder"):
        asyncio.run(load_model(repository, "iris", parameters, LOCAL))
    assert repository.done == []


@pytest.mark.parametrize("value", [1, True, None, b"{}", {}], ids=repr)
def test_other_parameters_of_a_load_are_texts(value):
    with pytest.raises(InvalidRequestError, match=r"parameters\.'config': must be a string, found"):
        asyncio.run(load_model(FakeRepository(), "iris", {"config": value}, LOCAL))


@pytest.mark.parametrize("error", [ModelRuntimeError, NotReadyError])
def test_a_model_that_cannot_be_loaded_is_the_request_s_fault_with_the_reason(error):
    repository = FakeRepository(error("no such file"))
    with pytest.raises(InvalidRequestError, match="model iris was not loaded: no such file"):
        asyncio.run(load_model(repository, "iris", {}, LOCAL))


@pytest.mark.parametrize("do", [load_model, unload_model])
def test_an_unknown_model_stays_one(do):
    with pytest.raises(NotFoundError):
        asyncio.run(do(FakeRepository(NotFoundError("model", "x")), "x", {}, LOCAL))


@pytest.mark.parametrize("dependents", [True, False])
def test_there_are_no_dependents_to_unload(dependents):
    repository = FakeRepository()
    asyncio.run(unload_model(repository, "iris", {"unload_dependents": dependents}, LOCAL))
    assert repository.done == [("unload", "iris", LOCAL)]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"unload_dependents": "yes"}, "unload_dependents: must be a boolean, found 'yes'"),
        ({"config": "{}"}, r"parameters\.'config': unload takes unload_dependents only"),
    ],
    ids=["no boolean", "another"],
)
def test_a_parameter_of_an_unload_that_means_nothing_is_refused(parameters, message):
    with pytest.raises(InvalidRequestError, match=message):
        asyncio.run(unload_model(FakeRepository(), "iris", parameters, LOCAL))

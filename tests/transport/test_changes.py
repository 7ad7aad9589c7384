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
from seldon_core.transport.locality import Caller
from tests.support.extensions import ELSEWHERE, LOCAL, FakeRepository, FakeSettings

HERE, THERE = Caller(LOCAL, {}), Caller(ELSEWHERE, {})


def test_what_a_client_wants_is_done_and_says_who_wanted_it():
    repository, settings = FakeRepository(), FakeSettings(rate=1)
    asyncio.run(load_model(repository, "iris", {"config": "{}"}, HERE))
    asyncio.run(unload_model(repository, "iris", {}, HERE))
    assert changed_settings(settings, {"rate": 2}, HERE, "iris") == {"rate": 2}
    assert repository.done == [
        ("load", "iris", {"config": "{}"}, LOCAL),
        ("unload", "iris", LOCAL),
    ]
    assert settings.changes == [({"rate": 2}, LOCAL, "iris")]


def test_a_client_elsewhere_changes_nothing():
    repository, settings = FakeRepository(), FakeSettings(rate=1)
    with pytest.raises(ForbiddenError, match="may load a model"):
        asyncio.run(load_model(repository, "iris", {}, THERE))
    with pytest.raises(ForbiddenError, match="may unload a model"):
        asyncio.run(unload_model(repository, "iris", {}, THERE))
    with pytest.raises(ForbiddenError, match="may change settings"):
        changed_settings(settings, {"rate": 2}, THERE)
    assert (repository.done, settings.changes) == ([], [])


def test_everybody_may_look_at_settings():
    settings = FakeSettings(rate=1)
    assert changed_settings(settings, {}, THERE) == {"rate": 1}
    assert settings.changes == []
    with pytest.raises(NotFoundError):
        changed_settings(settings, {}, THERE, "nope")


@pytest.mark.parametrize("content", ["AAAA", b"\0", None], ids=["base64", "bytes", "nothing"])
def test_files_in_a_request_are_refused_with_the_reason(content):
    repository = FakeRepository()
    parameters = {"config": "{}", "file:1/model.onnx": content}
    with pytest.raises(UnsupportedError, match="can run code: put it into the model's folder"):
        asyncio.run(load_model(repository, "iris", parameters, HERE))
    assert repository.done == []


@pytest.mark.parametrize("value", [1, True, None, b"{}", {}], ids=repr)
def test_other_parameters_of_a_load_are_texts(value):
    with pytest.raises(InvalidRequestError, match=r"parameters\.'config': must be a string, found"):
        asyncio.run(load_model(FakeRepository(), "iris", {"config": value}, HERE))


@pytest.mark.parametrize("error", [ModelRuntimeError, NotReadyError])
def test_a_model_that_cannot_be_loaded_is_the_request_s_fault_with_the_reason(error):
    repository = FakeRepository(error("no such file"))
    with pytest.raises(InvalidRequestError, match="model iris was not loaded: no such file"):
        asyncio.run(load_model(repository, "iris", {}, HERE))


@pytest.mark.parametrize("do", [load_model, unload_model])
def test_an_unknown_model_stays_one(do):
    with pytest.raises(NotFoundError):
        asyncio.run(do(FakeRepository(NotFoundError("model", "x")), "x", {}, HERE))


@pytest.mark.parametrize("dependents", [True, False])
def test_there_are_no_dependents_to_unload(dependents):
    repository = FakeRepository()
    asyncio.run(unload_model(repository, "iris", {"unload_dependents": dependents}, HERE))
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
        asyncio.run(unload_model(FakeRepository(), "iris", parameters, HERE))

"""Models as records: every field there and back, and what else a value may be."""

from dataclasses import fields, replace

import pytest
from hypothesis import given

from seldon_core.resources.knobs import Knobs
from seldon_core.resources.model import KubernetesMeta, ModelSpec
from seldon_core.scheduler.records import StoredModel, StoredVersion
from seldon_core.scheduler.store_models import (
    check_model,
    plain_meta,
    plain_model,
    read_meta,
    read_model,
)
from tests.support.stored import stored, stored_models


@given(stored_models())
def test_a_model_is_read_as_it_was_written(model):
    assert read_model(plain_model(model)) == model


def test_every_field_is_written():
    model = plain_model(stored("iris", namespace="ns"))
    (version,) = model["versions"]
    for kind, record in [
        (StoredModel, model),
        (StoredVersion, version),
        (ModelSpec, version["spec"]),
        (KubernetesMeta, version["spec"]["meta"]),
    ]:
        assert [*record] == [field.name for field in fields(kind)]


def test_knobs_are_written_as_a_manifest_has_them():
    spec = ModelSpec("iris", "/iris", knobs=Knobs(timeout_ms=5))
    model = StoredModel("iris", (StoredVersion(1, spec, "", 1.0, None),), None, None)
    assert plain_model(model)["versions"][0]["spec"]["knobs"] == {"seldon-core/timeout-ms": "5"}


@pytest.mark.parametrize("meta", [None, KubernetesMeta(), KubernetesMeta("team", 3)])
def test_what_kubernetes_knows_is_read_as_it_was_written(meta):
    assert read_meta(plain_meta(meta)) == meta


def changed(path, value):
    """`plain_model` of a model with something else at a path."""
    model = plain_model(stored("iris", (1, 2), namespace="ns"))
    *steps, last = path
    place = model
    for step in steps:
        place = place[step]
    place[last] = value
    return model


SPEC = ("versions", 0, "spec")


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("name",), 7, r"^name: wanted str, found 7$"),
        (("name",), "other", r"^version 1 of 'other' is of another model$"),
        (("colour",), "red", r"^wanted the fields \['deleted_at', .*, found \['colour', "),
        (("versions",), [], r"^wanted versions of rising numbers from 1, found \[\]$"),
        (("versions",), None, r"^versions: wanted a list, found None$"),
        (("versions", 0), "one", r"^versions: wanted the fields \[.*\], found 'one'$"),
        (("versions", 0, "number"), 2, r"^wanted versions of rising numbers .* found \[2, 2\]$"),
        (("versions", 0, "number"), 0, r"^wanted versions of rising numbers .* found \[0, 2\]$"),
        (("versions", 0, "declared_at"), "now", r"^versions: declared_at: wanted a time in sec"),
        (("deleted_at",), float("nan"), r"^deleted_at: wanted a time in seconds, found nan$"),
        (("deleted_at",), True, r"^deleted_at: wanted a time in seconds, found True$"),
        (("deleted_at",), 10**400, r"^deleted_at: wanted a time .* found a number that is none$"),
        (("fallback",), 3, r"^its fallback is version 3, it has \[1, 2\]$"),
        ((*SPEC, "log_payloads"), 1, r"^versions: spec: log_payloads: wanted bool, found 1$"),
        ((*SPEC, "replicas"), True, r"^versions: spec: replicas: wanted int, found True$"),
        ((*SPEC, "parameters"), [], r"^versions: spec: parameters: wanted a map of texts, found"),
        ((*SPEC, "parameters"), {"a": 1}, r"^versions: spec: parameters: wanted str, found 1$"),
        ((*SPEC, "knobs"), {"x": "1"}, r"^versions: spec: knobs: there is no setting 'x'$"),
        (
            (*SPEC, "knobs"),
            {"seldon-core/keep": "1"},
            r"^versions: spec: knobs: there is no setting 'seldon-core/keep'",
        ),
        ((*SPEC, "meta", "generation"), None, r"^versions: spec: meta: generation: wanted int"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)
def test_what_is_wrong_is_named(path, value, problem):
    with pytest.raises(ValueError, match=problem):
        read_model(changed(path, value))


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (StoredModel("iris", (), None, None), r"rising numbers from 1, found \[\]"),
        (stored("iris", (2, 1)), r"rising numbers from 1, found \[2, 1\]"),
        (stored("iris", fallback=4), "its fallback is version 4"),
        (replace(stored("iris"), name="rose"), "version 1 of 'rose' is of another model"),
    ],
    ids=["no-version", "order", "fallback", "name"],
)
def test_what_could_not_be_read_back_is_noticed_before_it_is_written(model, problem):
    with pytest.raises(ValueError, match=problem):
        check_model(model)

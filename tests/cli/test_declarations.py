import io
import sys

import pytest

from seldon_core.cli.declarations import read_declared, read_named
from seldon_core.errors import InvalidResourceError
from seldon_core.resources.declared_kinds import kind_of
from seldon_core.resources.model import KubernetesMeta
from tests.support.trading import EVERYTHING, EXPERIMENT, PIPELINE, written

KINDS = ("Model", "Pipeline", "Experiment")
READERS = pytest.mark.parametrize("read", [read_declared, read_named], ids=["declared", "named"])


def test_what_a_file_declares_comes_in_its_order_with_its_paths_made_absolute(tmp_path):
    model, pipeline, experiment = read_declared(written(tmp_path, EVERYTHING), KINDS)
    assert model.storage_uri == str(tmp_path / "iris")
    assert [kind_of(spec) for spec in (model, pipeline, experiment)] == list(KINDS)


def test_kubernetes_part_is_there_also_if_nothing_is_said_of_it(tmp_path):
    (pipeline,) = read_declared(written(tmp_path, PIPELINE), KINDS)
    (experiment,) = read_declared(written(tmp_path, EXPERIMENT), KINDS)
    assert pipeline.meta == KubernetesMeta()
    assert experiment.meta == KubernetesMeta(namespace="team")


def test_what_a_file_is_about_is_read_whatever_else_it_says(tmp_path):
    text = EVERYTHING.replace("storageUri", "colour").replace("weight: 1", "weight: x")
    named = read_named(written(tmp_path, text), KINDS)
    assert named == list(zip(KINDS, ("iris", "chain", "half"), strict=True))


@READERS
def test_another_kind_is_refused_with_those_that_may_be_given(read, tmp_path):
    with pytest.raises(
        InvalidResourceError, match="kind Pipeline cannot be given here; give Model or Experiment"
    ):
        read(written(tmp_path, PIPELINE), ("Model", "Experiment"))


@READERS
def test_a_file_that_declares_nothing_is_refused(read, tmp_path):
    with pytest.raises(InvalidResourceError, match=r"one\.yaml: declares nothing"):
        read(written(tmp_path, "# nothing\n"), KINDS)


def test_standard_input_is_a_file_too(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PIPELINE.encode())))
    assert read_named("-", KINDS) == [("Pipeline", "chain")]

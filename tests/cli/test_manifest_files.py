import io
import sys

import pytest

from seldon_core.cli.kinds import Target
from seldon_core.cli.kubectl_click import FaultsError
from seldon_core.cli.manifest_files import read_specs, read_targets
from seldon_core.errors import ConfigError
from seldon_core.resources.kubernetes import KINDS
from seldon_core.resources.model import KubernetesMeta


def manifest(name, uri="./here", namespace="", kind="Model"):
    space = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: mlops.seldon.io/v1alpha1\nkind: {kind}\n"
        f"metadata: {{name: {name}{space}}}\nspec: {{storageUri: {uri}}}\n"
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b.yaml").write_text(f"{manifest('wine')}---\n{manifest('iris', '/abs')}")
    (tmp_path / "a.yml").write_text(manifest("ada"))
    (tmp_path / "notes.txt").write_text("not: a manifest")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/c.json").write_text(
        '{"apiVersion": "mlops.seldon.io/v1alpha1", "kind": "Model",'
        ' "metadata": {"name": "deep"}, "spec": {"storageUri": "x"}}'
    )
    return tmp_path


def names(specs):
    return [each.spec.name for each in specs]


def test_a_folders_manifests_are_read_by_name(folder):
    assert names(read_specs([str(folder)], False, None)) == ["ada", "wine", "iris"]


def test_folders_in_it_are_read_if_wanted(folder):
    assert names(read_specs([str(folder)], True, None)) == ["ada", "wine", "iris", "deep"]


def test_paths_are_relative_to_the_manifests_folder(folder):
    found = read_specs([str(folder)], True, None)
    uris = {each.spec.name: each.spec.storage_uri for each in found}
    assert uris == {
        "ada": f"{folder}/here",
        "wine": f"{folder}/here",
        "iris": "/abs",
        "deep": f"{folder}/deep/x",
    }


def test_standard_input_is_relative_to_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(manifest("iris")))
    (declared,) = read_specs(["-"], False, None)
    assert declared.spec.storage_uri == f"{tmp_path}/here"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_who_types_a_manifest_is_told_how_to_end(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(manifest("iris")))
    read_specs(["-"], False, None)
    assert "Ctrl-D ends that" in capsys.readouterr().err


def test_every_faulty_file_is_told_and_none_is_taken(folder):
    (folder / "a.yml").write_text(manifest("ada").replace("storageUri", "storagUri"))
    (folder / "c.yaml").write_text(manifest("Ada"))
    with pytest.raises(FaultsError) as caught:
        read_specs([str(folder)], False, None)
    first, second = caught.value.faults
    assert first == (
        f"{folder}/a.yml: spec.storageUri: is missing; "
        "spec.storagUri: unknown field, did you mean storageUri?"
    )
    assert second.startswith(f"{folder}/c.yaml: metadata.name: 'Ada' must be lower-case letters")


def test_a_model_is_declared_once(folder):
    (folder / "c.yaml").write_text(manifest("ada"))
    with pytest.raises(FaultsError) as caught:
        read_specs([str(folder)], False, None)
    assert caught.value.faults == [
        f"{folder}/c.yaml: declares model 'ada' a second time; the first is in {folder}/a.yml"
    ]


def test_a_namespace_is_given_to_models_that_say_none(tmp_path):
    (tmp_path / "a.yaml").write_text(f"{manifest('a')}---\n{manifest('b', namespace='mesh')}")
    specs = read_specs([str(tmp_path)], False, "mesh")
    assert [each.spec.meta for each in specs] == [KubernetesMeta("mesh")] * 2
    specs = read_specs([str(tmp_path)], False, None)
    assert [each.spec.meta for each in specs] == [KubernetesMeta(), KubernetesMeta("mesh")]


def test_a_model_of_another_namespace_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text(manifest("a", namespace="prod"))
    with pytest.raises(FaultsError) as caught:
        read_specs([str(tmp_path)], False, "mesh")
    assert caught.value.faults == [
        (
            f"{tmp_path}/a.yaml: metadata.namespace: 'prod' of model 'a' is not the namespace "
            "'mesh' that -n asks for"
        )
    ]


def test_targets_need_no_more_than_kind_and_name(folder):
    (folder / "c.yaml").write_text("{kind: Server, metadata: {name: triton}}")
    targets = read_targets([str(folder), str(folder / "a.yml")], False)
    model, server = KINDS["Model"], KINDS["Server"]
    assert targets == [
        Target(model, "ada"),
        Target(model, "wine"),
        Target(model, "iris"),
        Target(server, "triton"),
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.yaml", "the path 'missing.yaml' does not exist"),
        (
            "http://x.example/a.yaml",
            (
                "the path 'http://x.example/a.yaml' does not exist; "
                "only files of this machine are read"
            ),
        ),
        (
            "empty",
            (
                "empty holds no manifest: looked for *.yaml, *.yml, *.json; "
                "-R looks into its folders as well"
            ),
        ),
        ("nothing.yaml", "nothing.yaml: nothing is declared there"),
        ("n" * 300, f"{'n' * 300} cannot be read: File name too long"),
        ("loop.yaml", "loop.yaml cannot be read: Too many levels of symbolic links"),
        ("binary.yaml", "binary.yaml is not text in UTF-8: invalid start byte"),
    ],
    ids=["missing", "remote", "an empty folder", "an empty file", "no name", "a loop", "no text"],
)
def test_what_cannot_be_read_is_named(tmp_path, monkeypatch, name, error):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "nothing.yaml").write_text("---\n")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as caught:
        read_specs([name], False, None)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    "read",
    [lambda: read_specs(["-"], False, None), lambda: read_targets(["-"], False)],
    ids=["specs", "targets"],
)
def test_nothing_from_standard_input_is_an_error_too(monkeypatch, read):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    with pytest.raises(ConfigError) as caught:
        read()
    assert str(caught.value) == "standard input: nothing is declared there"


def test_a_deep_search_that_finds_nothing_is_not_told_to_look_deeper(tmp_path):
    with pytest.raises(ConfigError, match=r"looked for \*\.yaml, \*\.yml, \*\.json$"):
        read_specs([str(tmp_path)], True, None)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_text(manifest("a"))

    def refuse(self, encoding):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_text", refuse)
    with pytest.raises(ConfigError) as caught:
        read_specs([str(path)], False, None)
    assert str(caught.value) == f"{path} cannot be read: Permission denied"

import json
from pathlib import Path

import pytest

from seldon_core.cli.folders import find_models
from seldon_core.cli.manifest_files import read_specs
from seldon_core.errors import ConfigError
from seldon_core.resources.model import RefusedModel

MANIFEST = """\
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec: {{storageUri: {uri}, requirements: [sklearn]}}
"""


def put(root, *names, text=""):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def served(root):
    found = find_models([root])
    assert found.problems == []
    return {name: (spec.storage_uri, spec.requirements) for name, spec in found.specs.items()}


def problems(root):
    return [problem.reason for problem in find_models([root]).problems]


def test_folders_that_hold_a_model_are_served_under_their_names(tmp_path):
    put(tmp_path, "iris/model.joblib", "deep/er/add10/1/model.onnx")
    assert served(tmp_path) == {
        "iris": (f"{tmp_path}/iris", ("sklearn",)),
        "add10": (f"{tmp_path}/deep/er/add10", ("onnx",)),
    }


def test_a_model_folder_may_be_named_itself(tmp_path):
    put(tmp_path, "iris/model.onnx")
    assert served(tmp_path / "iris") == {"iris": (f"{tmp_path}/iris", ("onnx",))}


def test_a_settings_file_gives_the_name(tmp_path):
    settings = {"name": "flowers", "parameters": {"uri": "./clf.pkl"}}
    put(tmp_path, "iris/clf.pkl")
    put(tmp_path, "iris/model-settings.json", text=json.dumps(settings))
    assert served(tmp_path) == {"flowers": (f"{tmp_path}/iris", ("sklearn",))}


def test_manifests_are_served_with_paths_beside_them(tmp_path):
    put(
        tmp_path,
        "sub/all.yaml",
        text=MANIFEST.format(name="one", uri="./a")
        + "---\n"
        + MANIFEST.format(name="two", uri="/b"),
    )
    put(tmp_path, "three.yml", text=MANIFEST.format(name="three", uri="gs://bucket/c"))
    uris = {name: uri for name, (uri, _) in served(tmp_path).items()}
    assert uris == {"one": f"{tmp_path}/sub/a", "two": "/b", "three": "gs://bucket/c"}


@pytest.mark.parametrize("uri", ["./iris", "./iris/model.joblib"], ids=["folder", "file"])
def test_a_folder_that_a_manifest_points_to_is_served_as_the_manifest_says(tmp_path, uri):
    put(tmp_path, "iris/model.joblib")
    put(tmp_path, "z.yaml", text=MANIFEST.format(name="flowers", uri=uri))
    assert list(served(tmp_path)) == ["flowers"]


def test_what_a_manifest_declares_is_what_applying_it_declares(tmp_path):
    (tmp_path / "iris.yaml").write_text(MANIFEST.format(name="iris", uri="./here"))
    (declared,) = read_specs([str(tmp_path)], False, None)
    assert list(find_models([tmp_path]).specs.values()) == [declared.spec]


def test_hidden_folders_links_and_other_files_are_left_alone(tmp_path):
    put(tmp_path, ".git/model.onnx", "notes.txt", "empty/readme.md", "real/model.onnx")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list(served(tmp_path)) == ["real"]


def test_a_link_out_of_the_folder_is_not_followed_and_said_so(tmp_path):
    put(tmp_path, "elsewhere/iris/model.onnx")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "iris").symlink_to(tmp_path / "elsewhere" / "iris")
    (tmp_path / "models" / ".hidden").symlink_to(tmp_path / "elsewhere")
    found = find_models([tmp_path / "models"])
    assert found.specs == {}
    [problem] = found.problems
    assert problem.reason.startswith(f"{tmp_path}/models/iris: is a link")
    assert f"--models {tmp_path}/elsewhere/iris" in problem.reason


def test_folders_that_overlap_are_read_once(tmp_path):
    put(tmp_path, "iris/model.onnx")
    put(tmp_path, "sub/a.yaml", text=MANIFEST.format(name="one", uri="/a"))
    found = find_models([tmp_path, tmp_path / "sub", tmp_path / "iris", tmp_path])
    assert found.problems == []
    assert list(found.specs) == ["one", "iris"]


@pytest.mark.parametrize(
    "uri", ["file://localhost{}/a%20b", "file://{}/a%20b", "{}/link"], ids=["host", "URL", "link"]
)
def test_a_folder_is_known_by_whatever_a_manifest_calls_it(tmp_path, uri):
    put(tmp_path, "a b/model.joblib")
    (tmp_path / "link").symlink_to(tmp_path / "a b")
    put(tmp_path, "z.yaml", text=MANIFEST.format(name="flowers", uri=uri.format(tmp_path)))
    assert list(served(tmp_path)) == ["flowers"]
    assert tmp_path / "a b" in find_models([tmp_path]).trusted


@pytest.mark.parametrize("uri", ['"file://[x"', r'"/a\0b"'], ids=["no URL", "no path"])
def test_a_uri_that_leads_nowhere_is_left_to_its_load(tmp_path, uri):
    put(tmp_path, "z.yaml", text=MANIFEST.format(name="flowers", uri=uri))
    assert list(served(tmp_path)) == ["flowers"]


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path, monkeypatch):
    put(tmp_path, "secret/model.txt", "iris/model.onnx")
    list_folder = Path.iterdir

    def iterdir(self):
        if self.name == "secret":  # root may read everything, so no mode forbids it
            raise PermissionError(13, "Permission denied")
        return list_folder(self)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    found = find_models([tmp_path])
    assert list(found.specs) == ["iris"]
    assert found.problems == [
        RefusedModel(f"{tmp_path}/secret", f"{tmp_path}/secret: cannot be read: Permission denied")
    ]


def test_a_broken_manifest_is_a_problem_and_the_others_are_served(tmp_path):
    put(tmp_path, "a.yaml", text="kind: Pod")
    put(tmp_path, "b.yaml", text=MANIFEST.format(name="one", uri="/b"))
    (tmp_path / "c.yaml").write_bytes(b"\xff")
    found = find_models([tmp_path])
    assert list(found.specs) == ["one"]
    assert [problem.source for problem in found.problems] == [
        f"{tmp_path}/a.yaml",
        f"{tmp_path}/c.yaml",
    ]


def test_a_name_that_is_taken_is_a_problem(tmp_path):
    put(tmp_path, "a/iris/model.onnx", "b/iris/model.onnx")
    put(tmp_path, "c.yaml", text=MANIFEST.format(name="iris", uri="/b"))
    assert len(problems(tmp_path)) == 2
    first = tmp_path / "c.yaml"
    for problem in problems(tmp_path):
        assert f"declares model 'iris' a second time; the one of {first} is served" in problem


def test_a_name_that_is_taken_spoils_no_other_of_its_file(tmp_path):
    names = ("one", "one", "two")
    put(tmp_path, "a.yaml", text="---\n".join(MANIFEST.format(name=n, uri="/b") for n in names))
    found = find_models([tmp_path])
    assert list(found.specs) == ["one", "two"]
    [problem] = found.problems
    assert (problem.name, problem.source) == ("one", f"{tmp_path}/a.yaml")


@pytest.mark.parametrize("kind", ["model", "pipeline", "experiment"])
def test_a_name_that_a_caller_would_mean_otherwise_is_a_problem(tmp_path, kind):
    put(tmp_path, f"iris.{kind}/model.onnx", "v1.2/model.onnx")
    found = find_models([tmp_path])
    assert list(found.specs) == ["v1.2"]
    assert f"'iris.{kind}' cannot be a model's name" in found.problems[0].reason


def test_a_folder_whose_name_cannot_be_a_models_is_a_problem(tmp_path):
    put(tmp_path, "my model/model.onnx")
    assert "'my model' cannot be a model's name" in problems(tmp_path)[0]


def test_a_model_of_an_unknown_kind_is_a_problem(tmp_path):
    put(tmp_path, "resnet/config.pbtxt")
    assert "holds no model" in problems(tmp_path)[0]


def test_folders_that_hold_files_but_no_model_are_strays(tmp_path):
    put(tmp_path, "README.md", "iris/model.onnx", "group/one/a.txt", "group/two/b.txt")
    put(tmp_path, "wrongname/my_model.joblib", "wrongname/.git/x", "wrongname/deeper/c.txt")
    put(tmp_path, "triton/1/mine.onnx")
    (tmp_path / "empty").mkdir()
    assert find_models([tmp_path]).strays == {
        tmp_path / "group/one": ["a.txt"],
        tmp_path / "group/two": ["b.txt"],
        tmp_path / "triton/1": ["mine.onnx"],
        tmp_path / "wrongname": ["my_model.joblib"],
    }


def test_an_artifact_that_a_manifest_names_is_no_stray(tmp_path):
    put(tmp_path, "a.yaml", text=MANIFEST.format(name="one", uri="./files/one/clf.joblib"))
    put(tmp_path, "files/one/clf.joblib", "files/one/code/util.py", "files/readme.md")
    assert find_models([tmp_path]).strays == {}


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"no folder .*none"):
        find_models([tmp_path / "none"])


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "iris.yaml").touch()
    with pytest.raises(ConfigError, match=r"iris\.yaml' is a file; name the folder it lies in"):
        find_models([tmp_path / "iris.yaml"])


def test_the_folders_and_what_their_manifests_point_to_are_trusted(tmp_path):
    for name, uri in (("near", "../files/near"), ("url", "file:///far"), ("cloud", "gs://b/c")):
        put(tmp_path, f"models/{name}.yaml", text=MANIFEST.format(name=name, uri=uri))
    trusted = find_models([tmp_path / "models"]).trusted
    assert {str(path) for path in trusted} == {
        f"{tmp_path}/models",
        f"{tmp_path}/files/near",
        "/far",
    }

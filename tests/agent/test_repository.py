"""Finding a model's files: each layout, and each way in which there can be no model."""

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from seldon_core.agent.repository import local_path, open_artifact, read_settings
from seldon_core.errors import InvalidResourceError
from seldon_core.resources.model import ModelSpec


def lay(root, *names):
    """Make empty files, with their folders."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def settings(root, value):
    (root / "model-settings.json").write_text(
        value if isinstance(value, str) else json.dumps(value)
    )


def opened(root, *, version=None, uri=None, trusted=None):
    spec = ModelSpec("m", uri if uri is not None else str(root), artifact_version=version)
    return open_artifact("m_1", spec, [root] if trusted is None else trusted)


@contextmanager
def unprivileged():
    """Nobody in particular: root may read everything."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


def main_file(artifact, root):
    return Path(artifact.path).relative_to(root).as_posix()


@pytest.mark.parametrize(
    ("name", "runtime"),
    [
        ("model.joblib", "sklearn"),
        ("model.pickle", "sklearn"),
        ("model.pkl", "sklearn"),
        ("model.onnx", "onnx"),
    ],
)
def test_a_flat_folder_holds_a_well_known_file(tmp_path, name, runtime):
    artifact = opened(lay(tmp_path, name, "README.md"))
    assert (artifact.model, artifact.runtime) == ("m_1", runtime)
    assert main_file(artifact, tmp_path) == name
    assert artifact.folder == str(tmp_path)
    assert artifact.settings == {}


@pytest.mark.parametrize("prefix", ["", "file://", "file://localhost"])
def test_a_single_file_may_be_given(tmp_path, prefix):
    lay(tmp_path, "my net.onnx", "model.onnx")
    uri = f"{prefix}{tmp_path}/my net.onnx"
    artifact = opened(tmp_path, uri=uri.replace(" ", "%20") if prefix else uri)
    assert main_file(artifact, tmp_path) == "my net.onnx"
    assert artifact.folder == str(tmp_path)


@pytest.mark.parametrize(
    ("version", "chosen"), [(None, "10/model.onnx"), (2, "2/model.onnx")], ids=["highest", "asked"]
)
def test_of_numbered_folders_the_asked_or_highest_is_taken(tmp_path, version, chosen):
    lay(tmp_path, "2/model.onnx", "10/model.onnx", "011/model.onnx", "old/model.onnx", "12")
    assert main_file(opened(tmp_path, version=version), tmp_path) == chosen


@pytest.mark.parametrize("name", ["model.joblib", "model.onnx"])
def test_what_must_not_be_read_is_said_so(name):
    with tempfile.TemporaryDirectory() as folder:  # others may not enter pytest's
        path = lay(Path(folder), name) / name
        Path(folder).chmod(0o755)
        path.chmod(0)
        with (
            unprivileged(),
            pytest.raises(InvalidResourceError, match=f"{name}: cannot be read: Permission denied"),
        ):
            opened(Path(folder))


def test_a_path_that_the_system_refuses_is_named(tmp_path):
    with pytest.raises(InvalidResourceError, match="aaa: cannot be read: File name too long"):
        opened(tmp_path, uri=str(tmp_path / ("a" * 300)))


def test_settings_are_kept_whole_and_name_the_file(tmp_path):
    lay(tmp_path / "m", "weights/a.bin")
    content = {
        "name": "n",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "platform": None,
        "max_batch_time": 0.5,
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4], "tags": None}],
        "parameters": {"uri": "./weights/a.bin", "version": "v1", "extra": {"k": [1]}, "own": True},
        "unknown": {"a": None},
    }
    settings(tmp_path / "m", content)
    artifact = opened(tmp_path / "m")
    assert artifact.runtime == "sklearn"
    assert Path(artifact.path) == tmp_path / "m/weights/a.bin"
    del content["platform"]  # null is the same as nothing
    assert artifact.settings == content


@pytest.mark.parametrize(
    ("uri", "chosen"),
    [
        (None, "model.joblib"),
        ("sub", "sub/model.onnx"),
        ("sub/", "sub/model.onnx"),
        ("file://{root}/sub/model.onnx", "sub/model.onnx"),
        ("{root}/sub", "sub/model.onnx"),
    ],
    ids=["absent", "folder", "folder with slash", "URL", "absolute folder"],
)
def test_the_uri_of_settings_is_relative_to_them(tmp_path, uri, chosen):
    lay(tmp_path, "model.joblib", "sub/model.onnx")
    settings(tmp_path, {"parameters": {"uri": uri and uri.format(root=tmp_path)}})
    assert main_file(opened(tmp_path), tmp_path) == chosen


def test_the_settings_version_is_an_artifact_version(tmp_path):
    settings(lay(tmp_path, "model.onnx"), {"parameters": {"version": "3"}})
    assert main_file(opened(tmp_path, version=3), tmp_path) == "model.onnx"
    with pytest.raises(InvalidResourceError, match=r"no version 4 \(artifactVersion\)"):
        opened(tmp_path, version=4)


@pytest.mark.parametrize("uri", ["models/iris", "", "./iris", "file:iris"])
def test_a_relative_uri_is_refused(tmp_path, uri):
    with pytest.raises(InvalidResourceError, match="must be an absolute path or a URL"):
        opened(tmp_path, uri=uri)


@pytest.mark.parametrize("uri", ["gs://seldon-models/iris", "s3://b/iris", "minio://x"])
def test_a_remote_scheme_is_named_as_not_supported(tmp_path, uri):
    scheme = uri.partition(":")[0]
    with pytest.raises(InvalidResourceError, match=f"scheme '{scheme}' is not yet supported"):
        opened(tmp_path, uri=uri)


def test_a_file_url_with_a_host_is_refused(tmp_path):
    with pytest.raises(InvalidResourceError, match="names the host 'models'"):
        opened(tmp_path, uri="file://models/iris")


@pytest.mark.parametrize(
    ("names", "version", "words"),
    [
        ([], None, "found nothing"),
        (["notes.txt", "model.bst"], None, "found model.bst, notes.txt"),
        (["model.joblib", "model.onnx"], None, "holds model.joblib and model.onnx"),
        (["1/model.onnx", "1/model.pkl"], None, "must hold one model file; holds model.pkl and"),
        (["1/weights"], None, "must hold one model file; holds none of model.joblib"),
        (["1/model.onnx", "3/model.onnx"], 2, "no version 2 .*; versions found: 1, 3"),
        (["model.onnx"], 2, "versions found: none"),
    ],
    ids=["empty", "strange", "two", "two in a version", "none in it", "other versions", "flat"],
)
def test_a_folder_without_a_model_says_what_was_looked_for(tmp_path, names, version, words):
    with pytest.raises(InvalidResourceError, match=words) as error:
        opened(lay(tmp_path, *names), version=version)
    assert error.value.path.startswith(str(tmp_path))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InvalidResourceError, match=r"gone: there is no such file or folder"):
        opened(tmp_path / "gone")


def test_an_unknown_format_is_refused(tmp_path):
    lay(tmp_path, "model.bst")
    with pytest.raises(InvalidResourceError, match=r"model\.bst: is of no known format"):
        opened(tmp_path, uri=str(tmp_path / "model.bst"))


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ('{"name": "a",\n "b" 1}', "", "line 2, column 6"),
        ("[]", "", "is not a JSON object"),
        ('{"name": 1}', ": name", "must be a string, is 1"),
        ('{"parameters": []}', ": parameters", "must be an object"),
        ('{"parameters": {"extra": "x"}}', ": parameters: extra", "must be an object"),
        ('{"parameters": {"version": 3}}', ": parameters: version", "must be a string"),
        ('{"max_batch_size": true}', ": max_batch_size", "must be an integer"),
        ('{"max_batch_time": "1"}', ": max_batch_time", "must be a number"),
        ('{"inputs": {}}', ": inputs", "must be a list"),
        ('{"inputs": ["x"]}', ": inputs[0]", "must be an object"),
        ('{"outputs": [{}, {"shape": 4}]}', ": outputs[1]: shape", "must be a list"),
        ('{"implementation": "mine.Model"}', ": implementation", "is not supported here"),
        ('{"parameters": {"uri": "gone.onnx"}}', ": parameters.uri", "no such file or folder"),
    ],
)
def test_wrong_settings_are_refused_at_their_place(tmp_path, text, where, words):
    settings(lay(tmp_path, "model.onnx"), text)
    with pytest.raises(InvalidResourceError, match=words) as error:
        opened(tmp_path)
    assert error.value.path == f"{tmp_path}/model-settings.json{where}"


def test_settings_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "model-settings.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(InvalidResourceError, match="is not UTF-8"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "text", ["[" * 10_000, '{"name": %s}' % ("9" * 5000)], ids=["deep", "a huge number"]
)
def test_settings_that_cannot_be_taken_apart_are_refused(tmp_path, text):
    (tmp_path / "model-settings.json").write_text(text)
    with pytest.raises(InvalidResourceError, match="cannot be read: "):
        opened(tmp_path)


def test_files_that_run_code_need_a_trusted_folder(tmp_path):
    lay(tmp_path, "ours/a/model.pkl", "theirs/model.pkl", "theirs/model2.onnx")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert opened(ours / "a", trusted=[theirs, ours]).runtime == "sklearn"
    with pytest.raises(InvalidResourceError, match=r"pkl files run code .* in none of the trusted"):
        opened(theirs, trusted=[ours])
    with pytest.raises(InvalidResourceError, match=r"in none of the trusted"):
        opened(theirs, trusted=[])
    assert opened(theirs, uri=str(theirs / "model2.onnx"), trusted=[]).runtime == "onnx"


def test_symbolic_links_do_not_carry_trust(tmp_path):
    lay(tmp_path, "theirs/model.pkl", "real/model.pkl")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/model.pkl").symlink_to(tmp_path / "theirs/model.pkl")
    with pytest.raises(InvalidResourceError, match="run code"):
        opened(tmp_path / "ours", trusted=[tmp_path / "ours"])
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    assert opened(tmp_path / "alias", trusted=[tmp_path / "real"]).runtime == "sklearn"
    assert opened(tmp_path / "real", trusted=[tmp_path / "alias"]).runtime == "sklearn"


def test_settings_cannot_lead_out_of_the_trusted_folders(tmp_path):
    lay(tmp_path, "theirs/model.pkl", "ours/x")
    settings(tmp_path / "ours", {"parameters": {"uri": "../theirs/model.pkl"}})
    with pytest.raises(InvalidResourceError, match="run code"):
        opened(tmp_path / "ours", trusted=[tmp_path / "ours"])


def test_settings_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(InvalidResourceError, match=r"none\.json: cannot be read: No such file"):
        read_settings(tmp_path / "none.json")


@pytest.mark.parametrize(
    "number",
    ["18446744073709551616", "-9223372036854775809", "9" * 5000],
    ids=["much", "little", "long"],
)
def test_settings_with_a_number_that_no_worker_could_be_sent_are_refused(tmp_path, number):
    settings(tmp_path, f'{{"parameters": {{"extra": {number}}}}}')
    with pytest.raises(InvalidResourceError, match="cannot be read: "):
        read_settings(tmp_path / "model-settings.json")


def test_what_is_no_url_is_refused():
    with pytest.raises(InvalidResourceError, match="is not a URL: Invalid IPv6"):
        local_path("file://[x")

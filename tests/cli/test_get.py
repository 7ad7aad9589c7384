import json
import signal
import sys

import pytest
import yaml

from seldon_core.cli.get import GetOptions, get, targets_of
from seldon_core.cli.kinds import Target
from seldon_core.errors import InvalidRequestError, UpstreamError
from seldon_core.resources.kubernetes import KINDS
from tests.support.toy_scheduler import a_model, a_server, gone, toy_scheduler


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def toy():
    with toy_scheduler() as started:
        yield started


@pytest.fixture
def two(toy):
    toy.keep(a_model("wine", "ModelFailed", reason="no file"))
    toy.keep(a_model("iris"))
    toy.keep(gone("gone"))
    toy.servers["mlserver"] = a_server()
    return toy


def show(toy, *words, files=(), **options):
    return get(words, files, False, GetOptions(**options), toy.address)


def columns(text, *wanted):
    """Return some columns of a table that is aligned with three spaces or more."""
    lines = [line.split("   ") for line in text.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    places = [rows[0].index(title) for title in wanted]
    return [tuple(row[place] for place in places) for row in rows[1:]]


def test_a_table_shows_what_there_is(two, capsys):
    assert show(two, "models") == 0
    out, err = capsys.readouterr()
    assert columns(out, "NAME", "READY", "STATE") == [
        ("iris", "True", "ModelAvailable"),
        ("wine", "False", "ModelFailed"),
    ]
    assert out.splitlines()[2].endswith("no file")
    assert err == ""


def test_a_wide_table_shows_more(two, capsys):
    show(two, "mlm", output="wide")
    assert columns(capsys.readouterr().out, "NAME", "VERSION", "SERVER", "MEMORY") == [
        ("iris", "1", "mlserver", "100 KiB"),
        ("wine", "1", "mlserver", "100 KiB"),
    ]


def test_a_table_may_be_without_titles(two, capsys):
    show(two, "servers", has_header=False)
    assert capsys.readouterr().out.split()[:2] == ["mlserver", "True"]


def test_kinds_have_a_table_each_with_the_kind_before_the_name(two, capsys):
    assert show(two, "models,servers") == 0
    models, servers = capsys.readouterr().out.split("\n\n")
    assert columns(models, "NAME") == [
        ("model.mlops.seldon.io/iris",),
        ("model.mlops.seldon.io/wine",),
    ]
    assert columns(servers, "NAME") == [("server.mlops.seldon.io/mlserver",)]


def test_a_kind_of_which_there_is_none_has_no_table(toy, capsys):
    toy.servers["mlserver"] = a_server()
    show(toy, "models,servers")
    assert capsys.readouterr().out.startswith("NAME")


def test_names_are_for_scripts(two, capsys):
    show(two, "models", output="name")
    assert capsys.readouterr().out == "model.mlops.seldon.io/iris\nmodel.mlops.seldon.io/wine\n"


@pytest.mark.parametrize(("output", "read"), [("yaml", yaml.safe_load), ("json", json.loads)])
def test_one_resource_is_its_manifest_and_several_are_a_list(two, capsys, output, read):
    show(two, "model/iris", output=output)
    assert read(capsys.readouterr().out)["metadata"]["name"] == "iris"
    show(two, "models", output=output)
    document = read(capsys.readouterr().out)
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    assert [item["metadata"]["name"] for item in document["items"]] == ["iris", "wine"]


def test_an_empty_list_is_a_list_as_well(toy, capsys):
    assert show(toy, "models", output="json") == 0
    assert json.loads(capsys.readouterr().out)["items"] == []


@pytest.mark.parametrize(
    ("namespace", "note"),
    [(None, "No resources found.\n"), ("mesh", "No resources found in mesh namespace.\n")],
    ids=["anywhere", "in a namespace"],
)
def test_nothing_found_is_told_as_kubectl_does(toy, capsys, namespace, note):
    assert show(toy, "models", namespace=namespace) == 0
    assert capsys.readouterr() == ("", note)


@pytest.mark.parametrize("output", ["", "yaml", "name"])
def test_a_missing_resource_is_an_error_beside_those_that_there_are(two, capsys, output):
    assert show(two, "model", "gone", output=output) == 1
    missing = 'Error from server (NotFound): models.mlops.seldon.io "gone" not found\n'
    assert capsys.readouterr() == ("", missing)
    assert show(two, "model", "iris", "gone", output=output) == 1
    out, err = capsys.readouterr()
    assert "iris" in out
    assert err == missing
    assert show(two, "model", "gone", output=output, ignores_missing=True) == 0


def test_manifests_name_resources_too(two, tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("{kind: Model, metadata: {name: iris}}")
    show(two, files=[str(tmp_path / "a.yaml")], output="name")
    assert capsys.readouterr().out == "model.mlops.seldon.io/iris\n"


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("yml", "-o: there is no format 'yml', did you mean yaml?"),
        ("xyz", "-o: there is no format 'xyz'; there are: wide, yaml, json, name"),
    ],
    ids=["mistyped", "unknown"],
)
def test_a_format_that_there_is_not_suggests_one(output, error):
    with pytest.raises(InvalidRequestError) as caught:
        get(["models"], [], False, GetOptions(output=output), "127.0.0.1:1")
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("words", "files", "problem"),
    [([], [], "say which resources"), (["models"], ["a.yaml"], "give resources or -f, not both")],
    ids=["neither", "both"],
)
def test_resources_are_named_in_one_way(words, files, problem):
    with pytest.raises(InvalidRequestError) as caught:
        targets_of(words, files, False, "get models")
    assert str(caught.value) == f"{problem}; for example: get models, -f iris.yaml"


def test_words_are_targets():
    assert targets_of(["mls"], [], False, "") == [Target(KINDS["Server"])]


def watch(toy, *words, **options):
    with pytest.raises(UpstreamError) as ended:
        show(toy, *words, is_watch=True, **options)
    assert str(ended.value) == "the scheduler has stopped, so that there is no more to watch"


def test_a_watch_shows_what_there_is_and_then_what_changes(two, capsys):
    two.updates = [
        a_model("iris"),  # as it was
        a_model("wine", "ModelProgressing"),
        a_model("new", "ModelProgressing"),
        a_model("iris", "ModelTerminating", deleted=True),
        gone("iris"),
        gone("iris"),
        a_model("iris"),
    ]
    watch(two, "models")
    assert columns(capsys.readouterr().out, "NAME", "STATE") == [
        ("iris", "ModelAvailable"),
        ("wine", "ModelFailed"),
        ("wine", "ModelProgressing"),
        ("new", "ModelProgressing"),
        ("iris", "ModelTerminating"),
        ("iris", "ModelTerminated"),
        ("iris", "ModelAvailable"),
    ]


def test_a_watch_of_one_shows_no_other(two, capsys):
    two.updates = [a_model("wine"), a_model("iris", "ModelFailed")]
    watch(two, "model/iris", has_header=False, output="name")
    assert capsys.readouterr().out == "model.mlops.seldon.io/iris\n" * 2


def test_a_watch_without_titles_has_rows_only(two, capsys):
    watch(two, "servers", has_header=False)
    assert capsys.readouterr().out.split()[:2] == ["mlserver", "True"]


def test_a_watch_of_manifests_separates_them(two, capsys):
    two.updates = [a_model("iris", "ModelFailed")]
    watch(two, "model/iris", output="yaml")
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [document["status"]["conditions"][0]["status"] for document in documents] == [
        "True",
        "False",
    ]
    watch(two, "model/iris", output="json")
    assert capsys.readouterr().out.count('"apiVersion"') == 2


def test_a_watch_is_for_one_kind():
    options = GetOptions(is_watch=True)
    with pytest.raises(InvalidRequestError, match="not for models and servers"):
        get(["models,servers"], [], False, options, "127.0.0.1:1")


def test_ctrl_c_ends_a_watch_at_once_and_nothing_else(two, monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    during = []
    monkeypatch.setattr(
        sys.modules[get.__module__],
        "say",
        lambda text: during.append(signal.getsignal(signal.SIGINT)),
    )
    watch(two, "models")
    assert set(during) == {signal.SIG_DFL}
    assert signal.getsignal(signal.SIGINT) is before

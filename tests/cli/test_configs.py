import fcntl
import json
import os

import pytest

from seldon_core.cli.configs import (
    HomelessError,
    Index,
    active_config,
    changing_index,
    cli_folder,
    read_config,
    read_index,
    replace_file,
    write_index,
)
from seldon_core.errors import ConfigError

DATAPLANE = {
    "inferHost": "a:1",
    "tls": True,
    "skipSSLVerify": True,
    "keyPath": "k",
    "crtPath": "c",
    "caPath": "ca",
}
CONTROLPLANE = {"schedulerHost": "b:2", "tls": True, "keyPath": "k", "crtPath": "c", "caPath": "ca"}
KAFKA = {"bootstrap": "b:9092", "namespace": "n", "topicPrefix": "p"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_what_is_kept_is_read_again_from_seldons_place(home):
    assert read_index() == Index()
    write_index(Index({"mine": "/a.json"}, "mine"))
    path = home / ".config/seldon/cli/configs.json"
    assert json.loads(path.read_text()) == {"configs": {"mine": "/a.json"}, "active": "mine"}
    assert read_index() == Index({"mine": "/a.json"}, "mine")
    assert [file.name for file in path.parent.iterdir()] == ["configs.json"]


def test_an_index_that_go_wrote_empty_is_empty():
    write(cli_folder() / "configs.json", {"configs": None, "active": ""})
    assert read_index() == Index()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is wrong: Expecting"),
        ("[]", r"is wrong: wanted an object, found \[\]"),
        ({"configs": []}, "is wrong: wanted .*configs"),
        ({"active": 3}, "is wrong: wanted .*configs"),
        ({"configs": [1]}, "is wrong: wanted .*configs"),
    ],
    ids=["no JSON", "list", "empty list of configs", "number", "list of configs"],
)
def test_a_broken_index_is_named(content, words):
    if content == {"configs": []}:
        words = ""  # nothing is lost
    path = write(cli_folder() / "configs.json", content)
    if not words:
        assert read_index() == Index()
        return
    with pytest.raises(ConfigError, match=f"{path} {words}"):
        read_index()


def test_an_index_that_cannot_be_read_or_written_is_named(home):
    folder = write(home / ".config/seldon/cli/configs.json/x", "").parent
    with pytest.raises(ConfigError, match=f"{folder} cannot be read: Is a directory"):
        read_index()
    with pytest.raises(ConfigError, match=f"{folder} cannot be written: Is a directory"):
        write_index(Index())
    assert [file.name for file in folder.parent.iterdir()] == ["configs.json"]


def test_a_file_is_replaced_as_a_whole(home):
    replace_file(home / "a/b", "one")
    replace_file(home / "a/b", "two")
    assert (home / "a/b").read_text() == "two"


def test_what_a_link_leads_to_is_replaced(home):
    (home / "real").touch()
    (home / "link").symlink_to("real")
    replace_file(home / "link", "two")
    assert (home / "real").read_text() == "two"
    assert (home / "link").is_symlink()


def test_a_change_waits_for_one_that_is_under_way():
    with changing_index() as index:
        other = os.open(cli_folder(), os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)
        index.configs["a"] = "b"
    assert read_index().configs == {"a": "b"}


def test_a_change_that_fails_changes_nothing():
    write_index(Index({"a": "b"}))
    with pytest.raises(ConfigError), changing_index() as index:
        index.path(index.configs.pop("a"))
    assert read_index().configs == {"a": "b"}


def test_a_folder_that_cannot_be_made_is_named(home):
    (home / ".config").touch()
    with (
        pytest.raises(ConfigError, match=r"cli cannot be written: Not a directory"),
        changing_index(),
    ):
        pass


def test_who_has_no_home_has_no_configs(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", str)
    assert read_index() == Index()
    with pytest.raises(HomelessError, match="name one by the variable HOME"):
        cli_folder()


def test_an_index_too_deep_to_read_is_wrong():
    write(cli_folder() / "configs.json", "[" * 100_000)
    with pytest.raises(ConfigError, match="is wrong: maximum recursion depth"):
        read_index()


def test_the_paths_of_a_config_are_meant_from_its_folder(home):
    block = {"caPath": "ca", "crtPath": "/b", "keyPath": "~/c"}
    config = read_config(write(home / "there/mine.json", {"dataplane": block}))
    assert config.file("dataplane", "caPath") == f"{home}/there/ca"
    assert config.file("dataplane", "crtPath") == "/b"
    assert config.file("dataplane", "keyPath") == f"{home}/c"
    assert config.file("controlplane", "keyPath") == ""


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"prod": "p"}, r"there is no config 'prdo', did you mean prod\?"),
        ({"b": "p", "a": "p"}, "there is no config 'prdo'; known are: a, b"),
        ({}, "known are: none yet, see `seldon config add`"),
    ],
    ids=["near", "far", "none"],
)
def test_an_unknown_key_is_answered_with_the_known_ones(known, words):
    with pytest.raises(ConfigError, match=words):
        Index(known).path("prdo")
    assert Index({"prod": "/p.json"}).path("prod") == "/p.json"


def test_without_an_active_config_everything_is_empty():
    config = active_config()
    assert config.text("dataplane", "inferHost") == ""
    assert config.switch("dataplane", "tls") is False


def test_the_active_config_is_read_with_all_its_keys(home):
    blocks = {"dataplane": DATAPLANE, "controlplane": CONTROLPLANE, "kafka": KAFKA}
    path = write(home / "mine.json", blocks)
    write_index(Index({"mine": str(path)}, "mine"))
    config = active_config()
    assert config.blocks == blocks
    assert config.path == str(path)
    assert config.text("kafka", "topicPrefix") == "p"
    assert config.switch("controlplane", "tls") is True


def test_an_active_config_that_is_not_there_is_said():
    write_index(Index({}, "gone"))
    with pytest.raises(ConfigError, match="the active config 'gone' is not among the configs"):
        active_config()


def test_case_does_not_matter_in_keys(home):
    path = write(home / "mine.json", {"Dataplane": {"InferHost": "a:1"}})
    assert read_config(path).text("dataplane", "inferHost") == "a:1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"datplane": {}}, r"there is no key datplane, did you mean dataplane\?"),
        ({"x": {}}, "there is no key x; known are: dataplane, controlplane, kafka"),
        (
            {"dataplane": {"inferhots": "a"}},
            "there is no key dataplane.inferhots, did you mean inferHost",
        ),
        ({"dataplane": "a:1"}, "dataplane must be a block of keys, not 'a:1'"),
        ({"dataplane": {"tls": "yes"}}, "dataplane.tls must be true or false, not 'yes'"),
        ({"kafka": {"bootstrap": 1}}, "kafka.bootstrap must be a text, not 1"),
    ],
    ids=["block", "strange block", "key", "text for a block", "text for a switch", "number"],
)
def test_a_wrong_config_file_is_named_with_the_place(home, content, words):
    path = write(home / "mine.json", content)
    with pytest.raises(ConfigError, match=f"the config {path} is wrong: {words}"):
        read_config(path)


def test_a_missing_config_file_is_named(home):
    with pytest.raises(ConfigError, match=r"mine.json cannot be read: No such file"):
        read_config(home / "mine.json")

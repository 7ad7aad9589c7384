import json

import pytest

from seldon_core.cli.config_index import (
    activate_config,
    add_config,
    deactivate_config,
    list_configs,
    remove_config,
)
from seldon_core.cli.configs import read_index
from seldon_core.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text('{"dataplane":{"inferHost":"a:1"}}')
    (tmp_path / "b.json").write_text("{}")
    return tmp_path


def table(capsys):
    list_configs(None)
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_a_config_is_added_used_and_dropped(home, capsys):
    add_config("b", "b.json")
    add_config("a", "./a.json")
    activate_config("a")
    assert table(capsys) == [
        ["config", "path", "active"],
        ["------", "----", "------"],
        ["a", str(home / "a.json"), "*"],
        ["b", str(home / "b.json")],
    ]
    deactivate_config("b")
    assert read_index().active == "a"
    deactivate_config("a")
    assert read_index().active == ""
    activate_config("a")
    remove_config("b")
    assert read_index().active == "a"
    remove_config("a")
    assert read_index().configs == {}
    assert read_index().active == ""
    assert (home / "a.json").exists()


def test_adding_a_key_again_replaces_its_path(home):
    add_config("a", "a.json")
    add_config("a", "b.json")
    assert read_index().configs == {"a": str(home / "b.json")}


def test_one_config_is_shown_as_its_file_indented(capsys):
    add_config("a", "a.json")
    list_configs("a")
    out = capsys.readouterr().out
    assert out == json.dumps({"dataplane": {"inferHost": "a:1"}}, indent=2) + "\n"


def test_a_wrong_file_is_not_added(home):
    (home / "c.json").write_text('{"dataplan":{}}')
    with pytest.raises(ConfigError, match=r"c\.json is wrong: there is no key dataplan, did you"):
        add_config("c", "c.json")
    assert read_index().configs == {}


@pytest.mark.parametrize(
    "command",
    [activate_config, deactivate_config, remove_config, list_configs],
    ids=["activate", "deactivate", "remove", "list"],
)
def test_an_unknown_key_is_named(command):
    with pytest.raises(ConfigError, match="there is no config 'nope'"):
        command("nope")

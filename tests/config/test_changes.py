import re
from pathlib import Path

import pytest

from seldon_core.config.changes import LIVE, log_levels_between, merge
from seldon_core.config.load import load_settings
from seldon_core.config.settings import known_settings


def settings(**flags):
    given = {name.replace("_", ".", 1): value for name, value in flags.items()}
    return load_settings(None, {}, given).settings


def test_what_may_change_is_taken_and_the_rest_is_named_and_stays():
    old = settings()
    new = settings(listener_connections=7, log_level="debug", listener_port=1, data_dir="/x")
    changed = merge(old, new)
    assert changed.taken == ("listener.connections", "log.level")
    assert changed.refused == ("listener.port", "data.dir")
    assert changed.settings == settings(listener_connections=7, log_level="debug")


def test_all_of_scaling_may_change():
    assert {name for name in known_settings() if name.startswith("scaling.")} <= LIVE


def test_without_a_difference_nothing_changes():
    changed = merge(settings(), settings())
    assert (changed.settings, changed.taken, changed.refused) == (settings(), (), ())


def test_every_name_is_a_setting_s():
    assert known_settings().keys() >= LIVE


@pytest.mark.parametrize(
    ("old", "new", "between"),
    [
        ({"seldon_core.a": "info"}, {}, {"seldon_core.a": ""}),
        ({"seldon_core.a": "info"}, {"seldon_core.a": "debug"}, {"seldon_core.a": "debug"}),
        ({}, {"seldon_core.b": "debug"}, {"seldon_core.b": "debug"}),
    ],
    ids=["gone", "another", "new"],
)
def test_a_component_that_is_not_named_any_more_follows_the_one_above(old, new, between):
    assert log_levels_between(old, new) == between


def test_everything_that_may_change_stands_in_the_table_of_the_architecture():
    text = (Path(__file__).parents[2] / "ARCHITECTURE.md").read_text()
    table = text.partition("| settings that change while the process runs |")[2].partition("\n\n")[
        0
    ]
    named = set(re.findall(r"`([A-Za-z.*]+)`", table))
    meant = {name: {name, name.split(".")[1], f"{name.split('.')[0]}.*"} for name in LIVE}
    missing = {name for name in LIVE if not meant[name] & named}
    assert not missing

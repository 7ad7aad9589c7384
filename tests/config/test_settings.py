import re
from dataclasses import FrozenInstanceError, asdict

import pytest
import yaml

from seldon_core.config.load import DEFAULTS, load_settings
from seldon_core.config.settings import AdminSettings, build_settings, known_settings
from seldon_core.transport.settings import ListenerSettings


def test_every_setting_stands_in_the_defaults_with_its_reason_above_it():
    lines = DEFAULTS.read_text().splitlines()
    fields = [number for number, line in enumerate(lines) if re.match(r"  \w", line)]
    assert [lines[n] for n in fields if not lines[n - 1].startswith("  #")] == []


def test_the_defaults_are_exactly_the_settings():
    written = {
        f"{group}.{field}"
        for group, fields in yaml.safe_load(DEFAULTS.read_text()).items()
        for field in fields
    }
    assert written == set(known_settings())


def test_settings_cannot_be_changed():
    settings = load_settings(None, {}, {}).settings
    with pytest.raises(FrozenInstanceError):
        settings.listener.port = 1
    with pytest.raises(FrozenInstanceError):
        settings.listener = None


@pytest.mark.parametrize(
    ("name", "given", "group", "field", "read"),
    [
        ("listener.headerBytes", "1Ki", "listener", "header_bytes", 1024),
        ("agent.trustedPrefixes", "/a,/b", "agent", "trusted_prefixes", ("/a", "/b")),
        ("log.level", "INFO", "log", "level", "info"),
        ("log.levels", "seldon_core.agent=Debug", "log", "levels", {"seldon_core.agent": "debug"}),
    ],
)
def test_a_setting_knows_its_place_and_its_reader(name, given, group, field, read):
    setting = known_settings()[name]
    assert (setting.group, setting.field) == (group, field)
    assert setting.read(given) == read


@pytest.mark.parametrize("name", ["backlog", "streams", "headerBytes"])
def test_what_the_wire_has_31_bits_for_takes_no_more(name):
    read = known_settings()[f"listener.{name}"].read
    assert read(2**31 - 1) == 2**31 - 1
    with pytest.raises(ValueError, match=f"found {2**31}"):
        read(2**31)


def test_a_tree_of_values_becomes_settings():
    tree = {}
    for setting in known_settings().values():
        tree.setdefault(setting.group, {})[setting.field] = setting.field
    settings = build_settings(tree)
    assert settings.listener.write_idle_timeout_s == "write_idle_timeout_s"
    assert settings.admin == AdminSettings("port")


def test_the_limits_are_the_same_where_nobody_sets_them():
    given = asdict(load_settings(None, {}, {}).settings.listener)
    del given["drain_timeout_s"]  # the process's own
    assert given == {name: getattr(ListenerSettings(), name) for name in given}

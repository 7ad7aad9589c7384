import re

import pytest
import yaml
from pydantic import ValidationError

from seldon_core.config.load import DEFAULTS, load_settings
from seldon_core.config.settings import AgentSettings, LogSettings, Settings


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
    declared = {
        f"{group}.{info.alias}"
        for group, model in Settings.model_fields.items()
        for info in group_class(model).model_fields.values()
    }
    assert written == declared


def group_class(field):
    return field.annotation


def test_settings_cannot_be_changed():
    settings = load_settings(None, {}, {}).settings
    with pytest.raises(ValidationError):
        settings.listener.port = 1


def test_a_list_and_a_table_may_be_written_in_one_word():
    agent = AgentSettings.model_validate(
        {
            "port": 0,
            "memory": 1,
            "overCommitPercentage": 0,
            "trustedPrefixes": "/a,/b",
            "workers": 0,
        }
    )
    log = LogSettings.model_validate(
        {"level": "INFO", "format": "text", "levels": "seldon_core.agent=debug"}
    )
    assert agent.trusted_prefixes == ("/a", "/b")
    assert log.level == "info"
    assert log.levels == {"seldon_core.agent": "debug"}


def test_a_level_that_is_no_word_is_refused():
    with pytest.raises(ValidationError, match="level"):
        LogSettings.model_validate({"level": 3, "format": "text", "levels": {}})

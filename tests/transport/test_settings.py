import re
from pathlib import Path

from seldon_core.config.settings import known_settings
from seldon_core.transport.settings import ListenerSettings


def test_only_loopback_is_listened_on_unless_told_otherwise():
    assert ListenerSettings().host == "127.0.0.1"


def test_json_bodies_are_limited_below_all_bodies():
    settings = ListenerSettings()
    assert settings.json_bytes < settings.body_bytes


def test_every_limit_that_can_be_set_stands_in_the_table_of_limits():
    text = (Path(__file__).resolve().parents[2] / "ARCHITECTURE.md").read_text()
    table = text.partition("## Limits of the data port")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(?:payload\.)?([a-zA-Z]+)`", table))
    fields = known_settings()
    no_limits = {"host", "port", "streamFormat"}
    wanted = {
        name.partition(".")[2] for name in fields if name.startswith(("listener.", "payload."))
    }
    assert wanted - no_limits - named == set()

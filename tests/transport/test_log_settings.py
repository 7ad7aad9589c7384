"""Triton's log settings over the levels of our log."""

import logging

import pytest

from seldon_core.errors import InvalidRequestError, UnsupportedError
from seldon_core.observability.logs import set_levels
from seldon_core.transport.log_settings import LogLevels

INFO = {
    "log_file": "",
    "log_info": True,
    "log_warning": True,
    "log_error": True,
    "log_verbose_level": 0,
    "log_format": "ISO8601",
}


@pytest.fixture(autouse=True)
def _info():
    before = logging.getLogger("seldon_core").level
    set_levels({"seldon_core": "info"})
    yield
    logging.getLogger("seldon_core").setLevel(before)


def test_the_level_is_shown_as_switches():
    assert LogLevels().current() == LogLevels().current("iris") == INFO


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"log_verbose_level": 1}, logging.DEBUG),
        ({"log_verbose_level": 3}, logging.DEBUG),
        ({"log_info": False}, logging.WARNING),
        ({"log_info": False, "log_warning": False}, logging.ERROR),
        ({"log_file": "", "log_format": "ISO8601", "log_error": True}, logging.INFO),
        ({}, logging.INFO),
    ],
    ids=str,
)
def test_switches_are_a_level(changes, level):
    levels = LogLevels()
    changed = levels.change(changes, "127.0.0.1:5")
    assert logging.getLogger("seldon_core").level == level
    wanted = {**INFO, **changes}
    assert changed == {**wanted, "log_verbose_level": min(1, wanted["log_verbose_level"])}
    levels.change({"log_verbose_level": 0, **dict.fromkeys(list(INFO)[1:4], True)}, "")
    assert levels.current() == INFO


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"log_warning": False}, "log_warning cannot be off while log_info is on"),
        ({"log_info": False, "log_verbose_level": 1}, "log_info cannot be off while log_verbose"),
        (
            {"log_info": False, "log_warning": False, "log_error": False},
            "log_error cannot be off",
        ),
        ({"log_info": 1}, "log_info must be true or false, found 1"),
        ({"log_info": None}, "log_info must be true or false"),
        ({"log_verbose_level": True}, "log_verbose_level must be a number"),
        ({"log_verbose_level": -1}, "log_verbose_level must be a number"),
        ({"log_verbose_level": "1"}, "log_verbose_level must be a number"),
        ({"colour": "red"}, "no log setting 'colour', only .* log_format$"),
        ({"log_worning": True}, "no log setting 'log_worning', .*, did you mean log_warning?"),
    ],
    ids=str,
)
def test_what_is_no_level_changes_nothing(changes, words):
    with pytest.raises(InvalidRequestError, match=words):
        LogLevels().change(changes, "")
    assert LogLevels().current() == INFO


@pytest.mark.parametrize(("name", "value"), [("log_file", "/tmp/log"), ("log_format", "default")])
def test_what_is_decided_at_the_start_cannot_be_changed(name, value):
    with pytest.raises(UnsupportedError, match=f"{name} is .* cannot be '{value}'"):
        LogLevels().change({name: value}, "")


@pytest.mark.parametrize("changes", [{"log_verbose_level": 1}, {"log_info": False}], ids=str)
def test_who_changed_the_level_is_a_line_however_it_changed(changes, caplog):
    levels = LogLevels()
    levels.change(changes, "127.0.0.1:5")
    assert "by=127.0.0.1:5" in caplog.messages[-1]
    levels.change({"log_info": True, "log_verbose_level": 0}, "127.0.0.1:6")
    assert caplog.messages[-1] == "log level changed level=info by=127.0.0.1:6"

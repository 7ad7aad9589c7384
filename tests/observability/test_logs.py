import io
import json
import logging

import pytest

from seldon_core.config.settings import LogSettings
from seldon_core.errors import ConfigError
from seldon_core.observability.logs import configure_logs, levels, log_settings, set_levels

pytestmark = pytest.mark.usefixtures("logging_as_before")


def logs(level="info", form="text", **levels):
    stream = io.StringIO()
    configure_logs(LogSettings(level=level, format=form, levels=levels), stream)
    return stream


def test_how_a_process_logs_can_be_handed_on():
    assert log_settings() == LogSettings("info", "text", {})
    logs("warning", "json", **{"seldon_core.agent": "debug"})
    set_levels({"seldon_core.router": "error"})
    levels = {"seldon_core.agent": "debug", "seldon_core.router": "error"}
    assert log_settings() == LogSettings("warning", "json", levels)
    logs()
    assert log_settings().format == "text"


AGENT = logging.getLogger("seldon_core.agent.service")


def test_text_has_time_level_component_and_event():
    stream = logs()
    AGENT.info("model loaded model=%s", "iris")
    instant, rest = stream.getvalue().split(" ", 1)
    assert len(instant) == len("2026-01-31T12:00:00.123Z")
    assert rest == "INFO agent.service model loaded model=iris\n"


def test_a_request_id_stands_in_both_forms():
    for form in ("text", "json"):
        stream = logs(form=form)
        AGENT.warning("slow", extra={"request_id": "abc"})
        assert "abc" in stream.getvalue()


def test_json_is_one_object_a_line():
    stream = logs(form="json")
    AGENT.info("model loaded model=%s", "iris")
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "component": "agent.service",
        "message": "model loaded model=iris",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_brings_its_traceback(form):
    stream = logs(form=form)
    try:
        raise ValueError("broken file")
    except ValueError:
        AGENT.exception("load failed")
    assert "Traceback" in stream.getvalue()
    assert "broken file" in stream.getvalue()


def test_a_message_cannot_forge_a_second_line():
    stream = logs()
    AGENT.info("model %s", "a\nb\rc")
    assert stream.getvalue().endswith("model a\\nb\\rc\n")


def test_one_component_may_say_more_than_the_rest():
    stream = logs("warning", **{"seldon_core.agent": "debug"})
    AGENT.debug("seen")
    logging.getLogger("seldon_core.router").info("unseen")
    assert "unseen" not in stream.getvalue()
    assert "seen" in stream.getvalue()


def test_libraries_are_heard_for_warnings_only():
    stream = logs("debug")
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    assert "chatter" not in stream.getvalue()
    assert "trouble" in stream.getvalue()


def test_a_level_changes_while_running_and_goes_back_to_the_one_above():
    stream = logs()
    set_levels({"seldon_core.agent": "debug"})
    AGENT.debug("one")
    assert levels() == {"seldon_core": "info", "seldon_core.agent": "debug"}
    set_levels({"seldon_core.agent": ""})
    AGENT.debug("two")
    assert "one" in stream.getvalue()
    assert "two" not in stream.getvalue()
    assert levels() == {"seldon_core": "info"}


@pytest.mark.parametrize(
    ("component", "level", "message"),
    [
        ("other", "info", "found 'other'"),
        ("seldon_corex", "info", "found 'seldon_corex'"),
        ("seldon_core", "loud", "found 'loud'"),
        ("seldon_core.agent", "loud", "found 'loud'"),
        ("seldon_core", "", "found ''"),
    ],
    ids=["not ours", "only begins like ours", "no level", "no level of a part", "whole needs one"],
)
def test_what_is_no_component_or_level_is_refused(component, level, message):
    logs()
    with pytest.raises(ConfigError, match=message):
        set_levels({"seldon_core.router": "debug", component: level})
    assert levels() == {"seldon_core": "info"}

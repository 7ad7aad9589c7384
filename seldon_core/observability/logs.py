"""Logging: one line for each event, as text or JSON, with levels that change while running.

Modules log with the standard library, `logger = logging.getLogger(__name__)`, an event and its
values: `logger.info("model loaded model=%s took_s=%.2f", …)`. A request's id goes in as
`extra={"request_id": …}` and stands in both forms.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from seldon_core.config.settings import LogSettings
from seldon_core.errors import ConfigError

ROOT = "seldon_core"

_LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}


class _TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z INFO agent.service model loaded model=iris`."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_instant(record)} {record.levelname} {_component(record)} {_line(record)}"
        if request_id := getattr(record, "request_id", ""):
            line += f" request_id={request_id}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class _JsonFormatter(logging.Formatter):
    """One object a line: time, level, component, message, request_id and error where there are."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "component": _component(record),
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            fields["request_id"] = request_id
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def _line(record: logging.LogRecord) -> str:
    """The message on one line: a name out of a request must not be able to forge a second."""
    return record.getMessage().replace("\n", "\\n").replace("\r", "\\r")


def _instant(record: logging.LogRecord) -> str:
    instant = datetime.fromtimestamp(record.created, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _component(record: logging.LogRecord) -> str:
    return record.name.removeprefix(f"{ROOT}.")


def configure_logs(settings: LogSettings, stream: TextIO) -> None:
    """Log to `stream` as `settings` say; what was configured before is undone.

    Raises ConfigError if a component does not begin with `seldon_core`.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonFormatter() if settings.format == "json" else _TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries speak up for warnings only; their INFO is not an operator's business.
    root.setLevel(logging.WARNING)
    set_levels({ROOT: settings.level, **settings.levels})


def set_levels(changes: Mapping[str, str]) -> None:
    """Log each component (`seldon_core` for the whole, `seldon_core.agent` …) from its level up.

    An empty level lets the component follow the one above it again. Raises ConfigError, and changes
    nothing, if a component is none of this program's or there is no such level.
    """
    for component, level in changes.items():
        if component != ROOT and not component.startswith(f"{ROOT}."):
            raise ConfigError(
                f"wanted a component of {ROOT} such as {ROOT}.agent, found {component!r}"
            )
        if level not in _LEVELS and (level or component == ROOT):
            raise ConfigError(f"wanted a log level of {', '.join(_LEVELS)}, found {level!r}")
    for component, level in changes.items():
        logging.getLogger(component).setLevel(_LEVELS.get(level, logging.NOTSET))


def log_settings() -> LogSettings:
    """Return how this process logs now, for another one that shall log alike."""
    own = dict(levels())
    is_json = any(isinstance(h.formatter, _JsonFormatter) for h in logging.getLogger().handlers)
    return LogSettings(own.pop(ROOT, "info"), "json" if is_json else "text", own)


def levels() -> Mapping[str, str]:
    """Return the level of every component that has one of its own."""
    known = logging.Logger.manager.loggerDict
    return {
        name: logging.getLevelName(logger.level).lower()
        for name, logger in sorted(known.items())
        if isinstance(logger, logging.Logger)
        and logger.level
        and (name == ROOT or name.startswith(f"{ROOT}."))
    }

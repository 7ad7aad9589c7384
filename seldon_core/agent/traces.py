"""The trace extension: the instants of some requests, as lines of the log.

A traced request is one line at INFO, with the instants at which it arrived, was ready to run, began
and ended in the model, and was answered: nanoseconds on the monotonic clock, so only differences
mean something. A model is known here while an agent serves a version of it.
"""

import logging
import re
from collections.abc import Mapping
from typing import Final

from seldon_core.errors import InvalidRequestError, NotFoundError, UnsupportedError
from seldon_core.protocol.tensors import brief
from seldon_core.resources.words import did_you_mean
from seldon_core.transport.handler import Setting

_log = logging.getLogger(__name__)

OFF: Final = "OFF"
TIMESTAMPS: Final = "TIMESTAMPS"

_DEFAULTS: Mapping[str, Setting] = {
    "trace_file": "",
    "trace_level": [OFF],
    "trace_rate": "1000",
    "trace_count": "-1",
    "log_frequency": "0",
}


class Tracer:
    """Traces one model. `is_on` is all that a request looks at while tracing is off."""

    __slots__ = ("_left", "_rate", "_seen", "applied", "is_on", "model", "own", "versions")

    def __init__(self, model: str) -> None:
        self.model = model
        self.versions = 0  # that are served
        self.own: dict[str, Setting] = {}  # what is not as for all models

    def apply(self, settings: Mapping[str, Setting]) -> None:
        """Trace as `settings` say from the next request on; what was counted counts no more."""
        self.applied = settings
        self._rate = int(str(settings["trace_rate"]))
        self._left = int(str(settings["trace_count"]))
        self._seen = 0
        self.is_on = settings["trace_level"] == [TIMESTAMPS] and self._left != 0

    @property
    def left(self) -> int:
        """How many requests are still to be traced, -1 if there is no end."""
        return self._left

    def note(self, request_id: str, internal_model: str, instants: tuple[float, ...]) -> None:
        """Take in a request that was answered: every so many one is traced.

        `instants` are those of a trace, in its order, in monotonic seconds.
        """
        self._seen += 1
        if self._seen % self._rate:
            return
        if self._left > 0:
            self._left -= 1
            self.is_on = self._left > 0
        _log.info(
            "trace model=%s arrived_ns=%d queued_ns=%d compute_began_ns=%d compute_ended_ns=%d "
            "answered_ns=%d",
            internal_model,
            *(int(instant * 1e9) for instant in instants),
            extra={"request_id": request_id},
        )


class Traces:
    """Every model's tracer, and their settings; implements `transport.handler.Adjustable`.

    Values are Triton's: numbers as text, and `trace_level` as a list of one.
    """

    def __init__(self) -> None:
        self._settings = dict(_DEFAULTS)
        self._tracers: dict[str, Tracer] = {}

    def enter(self, model: str) -> Tracer:
        """Return what traces a model, of which one version more is served."""
        tracer = self._tracers.get(model)
        if tracer is None:
            tracer = self._tracers[model] = Tracer(model)
            tracer.apply(dict(self._settings))
        tracer.versions += 1
        return tracer

    def leave(self, tracer: Tracer) -> None:
        """Note that one version less is served; with the last one a model's settings go."""
        tracer.versions -= 1
        if not tracer.versions:
            del self._tracers[tracer.model]

    def current(self, model: str = "") -> Mapping[str, Setting]:
        """Return every setting; of a model `trace_count` is what is left of it."""
        if not model:
            return dict(self._settings)
        tracer = self._tracer(model)
        return {**self._settings, **tracer.own, "trace_count": str(tracer.left)}

    def change(
        self, changes: Mapping[str, Setting | None], actor: str, model: str = ""
    ) -> Mapping[str, Setting]:
        """Change some settings, of `model` or of every one that has no own; return every one.

        None takes back what a model has, and for all of them what was changed. Raises
        NotFoundError, and InvalidRequestError for a value that is not to be had.
        """
        checked = {name: _checked(name, value) for name, value in changes.items()}
        own = self._tracer(model).own if model else self._settings
        for name, value in checked.items():
            if value is not None:
                own[name] = value
            elif model:
                own.pop(name, None)
            else:
                own[name] = _DEFAULTS[name]
        for tracer in [self._tracer(model)] if model else self._tracers.values():
            settings = {**self._settings, **tracer.own}
            if model or settings != tracer.applied:
                tracer.apply(settings)
        if checked:
            told = ", ".join(f"{name}={value}" for name, value in checked.items())
            _log.info("trace settings changed by=%s model=%s %s", actor, model or "all", told)
        return self.current(model)

    def _tracer(self, model: str) -> Tracer:
        tracer = self._tracers.get(model)
        if tracer is None:
            raise NotFoundError("model", model)
        return tracer


def _checked(name: str, value: Setting | None) -> Setting | None:
    """Return a value as it is kept. Raises InvalidRequestError if it is not to be had."""
    if name not in _DEFAULTS:
        raise InvalidRequestError(
            f"there is no trace setting {brief(name)}, only {_NAMES}{did_you_mean(name, _DEFAULTS)}"
        )
    if value is None:
        return None
    match name:
        case "trace_level":
            return _level(value)
        case "trace_rate":
            return _number(name, value, 1)
        case "trace_count":
            return _number(name, value, -1)
    if isinstance(value, list) and len(value) == 1:  # as gRPC gives a text
        [value] = value
    if str(value) != _DEFAULTS[name]:
        raise UnsupportedError(
            f"{name} is {_DEFAULTS[name]!r} and cannot be {brief(value)}: {_FIXED[name]}"
        )
    return _DEFAULTS[name]


_NUMBER = re.compile(r"-?[0-9]{1,18}")
_NAMES = ", ".join(_DEFAULTS)
_FIXED = {
    "trace_file": "traces are lines of the log, of the component seldon_core.agent.traces",
    "log_frequency": "each trace is written when its request is answered",
}


def _level(value: Setting) -> list[str]:
    levels = value if isinstance(value, list) else [str(value)]
    if levels not in ([OFF], [TIMESTAMPS]):
        raise InvalidRequestError(
            f"trace_level must be {OFF} or {TIMESTAMPS}, found {brief(value)}"
        )
    return levels


def _number(name: str, value: Setting, lowest: int) -> str:
    given = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str) or not _NUMBER.fullmatch(given) or int(given) < lowest:
        raise InvalidRequestError(
            f"{name} must be a number from {lowest} on, with at most 18 digits, "
            f"found {brief(value)}"
        )
    return str(int(given))

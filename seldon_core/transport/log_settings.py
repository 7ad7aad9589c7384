"""The logging extension: Triton's settings, as far as our log has them.

Our log has one level, from which up it speaks: Triton's switches are that level seen from three
sides. Its settings that this process decides at its start are shown and cannot be changed.
"""

import logging
from collections.abc import Mapping
from itertools import pairwise

from seldon_core.errors import InvalidRequestError, UnsupportedError
from seldon_core.observability.logs import ROOT, levels, set_levels
from seldon_core.resources.words import did_you_mean
from seldon_core.transport.handler import Setting

_SWITCHES = ("log_error", "log_warning", "log_info")  # from the most severe on
_VERBOSE = "log_verbose_level"
_FIXED: Mapping[str, tuple[str, str]] = {
    "log_file": ("", "the log goes to standard error"),
    "log_format": ("ISO8601", "lines begin with ISO 8601 instants"),
}
_NAMES = ", ".join(("log_file", *_SWITCHES, _VERBOSE, "log_format"))
_LEVELS = ("error", "warning", "info", "debug")  # by how many of switches and verbosity are on

_log = logging.getLogger(__name__)


class LogLevels:
    """The level of the whole program's log; implements `transport.handler.Adjustable`.

    Levels of single components, which the admin port and the settings give, stay as they are.
    """

    def current(self, model: str = "") -> Mapping[str, Setting]:
        """Return every setting; they are the same for each model."""
        rank = _LEVELS.index(levels().get(ROOT, "info"))
        switches = {name: rank >= position for position, name in enumerate(_SWITCHES)}
        return {
            "log_file": _FIXED["log_file"][0],
            "log_info": switches["log_info"],
            "log_warning": switches["log_warning"],
            "log_error": switches["log_error"],
            _VERBOSE: int(rank == _LEVELS.index("debug")),
            "log_format": _FIXED["log_format"][0],
        }

    def change(
        self, changes: Mapping[str, Setting | None], actor: str, model: str = ""
    ) -> Mapping[str, Setting]:
        """Change the level and return every setting.

        Raises InvalidRequestError, and changes nothing, for a value that is not to be had: our
        levels include those above them, so warnings cannot be off while infos are on.
        """
        wanted = {**self.current(), **{name: _checked(name, it) for name, it in changes.items()}}
        level = _level(wanted)
        if level != levels().get(ROOT):
            # Before the change or after it, where it is heard.
            is_heard = _log.isEnabledFor(logging.INFO)
            if not is_heard:
                set_levels({ROOT: level})
            _log.info("log level changed level=%s by=%s", level, actor)
            set_levels({ROOT: level})
        return self.current()


def _checked(name: str, value: Setting | None) -> Setting:
    if name in _FIXED:
        fixed, reason = _FIXED[name]
        if value != fixed:
            raise UnsupportedError(f"{name} is {fixed!r} and cannot be {value!r}: {reason}")
    elif name in _SWITCHES:
        if not isinstance(value, bool):
            raise InvalidRequestError(f"{name} must be true or false, found {value!r}")
    elif name != _VERBOSE:
        meant = did_you_mean(name, (*_FIXED, *_SWITCHES, _VERBOSE))
        raise InvalidRequestError(f"there is no log setting {name!r}, only {_NAMES}{meant}")
    elif isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequestError(f"{name} must be a number from 0 on, found {value!r}")
    assert value is not None
    return value


def _level(wanted: Mapping[str, Setting]) -> str:
    steps = [*_SWITCHES, _VERBOSE]
    are_on = [bool(wanted[name]) for name in steps]
    rank = sum(are_on) - 1
    for off, on in pairwise(steps):
        if wanted[on] and not wanted[off]:
            raise InvalidRequestError(
                f"{off} cannot be off while {on} is on: the log has levels, and each includes "
                "those above it"
            )
    if rank < 0:
        raise InvalidRequestError("log_error cannot be off: the log always tells of errors")
    return _LEVELS[rank]

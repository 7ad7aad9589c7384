"""The sticky session: the route of the last call, kept so that the next one can ask for it again.

~/.config/seldon/cli/session    the values of `x-seldon-route`, joined by commas
"""

from collections.abc import Sequence
from pathlib import Path

from seldon_core.cli.configs import HomelessError, cli_folder, replace_file
from seldon_core.cli.output import say_warning
from seldon_core.errors import ConfigError


def read_session() -> list[str]:
    """Return the routes of the last call. Raises ConfigError if none was kept."""
    path = _path()
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no session in {path}: --sticky-session sends the route of an earlier call, "
            "so call once without it"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the session in {path} cannot be read: {error}") from error
    return [route for route in text.strip().split(",") if route]


def keep_session(routes: Sequence[str]) -> None:
    """Keep the routes of a call; none are no news. A failure is a warning: the call went well."""
    if not routes:
        return
    try:
        replace_file(_path(), ",".join(routes))
    except HomelessError as error:
        say_warning(f"the session cannot be kept: {error}")
    except OSError as error:
        say_warning(f"the session cannot be kept in {_path()}: {error.strerror}")


def _path() -> Path:
    return cli_folder() / "session"

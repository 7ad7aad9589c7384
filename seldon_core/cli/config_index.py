"""`seldon config activate | add | deactivate | list | remove`."""

import os
from pathlib import Path

from seldon_core.cli.configs import changing_index, read_config, read_index
from seldon_core.cli.json_text import indented
from seldon_core.cli.output import say, say_table


def add_config(key: str, path: str) -> None:
    """Register a config file, which must be a good one; a key that is there is replaced.

    Raises ConfigError if the file or the index cannot be read or understood.
    """
    absolute = os.path.realpath(os.path.expanduser(path))  # it is meant from any folder
    read_config(Path(absolute))
    with changing_index() as index:
        index.configs[key] = absolute


def activate_config(key: str) -> None:
    """Use a config from now on. Raises ConfigError if there is none of that key."""
    with changing_index() as index:
        index.path(key)
        index.active = key


def deactivate_config(key: str) -> None:
    """Use a config no longer, if it is in use. Raises ConfigError if there is none of that key."""
    with changing_index() as index:
        if index.active == key:
            index.active = ""
        else:
            index.path(key)


def remove_config(key: str) -> None:
    """Drop a config; its file stays. Raises ConfigError if there is none of that key."""
    with changing_index() as index:
        index.path(key)
        del index.configs[key]
        if index.active == key:
            index.active = ""


def list_configs(key: str | None) -> None:
    """Print a table of all configs, or what the file of one says.

    Raises ConfigError if there is none of that key or its file is wrong.
    """
    index = read_index()
    if key is not None:
        path = Path(index.path(key))
        read_config(path)
        say(indented(path.read_text(encoding="utf-8-sig"), "  "))
        return
    rows = [
        (name, path, "*" if name == index.active else "")
        for name, path in sorted(index.configs.items())
    ]
    say_table(("config", "path", "active"), rows)

"""`seldon config activate | add | deactivate | list | remove`."""

from pathlib import Path

from seldon_core.cli.configs import read_config, read_index, write_index
from seldon_core.cli.json_text import indented
from seldon_core.cli.output import say, say_table


def add_config(key: str, path: str) -> None:
    """Register a config file, which must be a good one; a key that is there is replaced.

    Raises ConfigError if the file or the index cannot be read or understood.
    """
    absolute = Path(path).expanduser().resolve()  # it is meant from any folder
    read_config(absolute)
    index = read_index()
    index.configs[key] = str(absolute)
    write_index(index)


def activate_config(key: str) -> None:
    """Use a config from now on. Raises ConfigError if there is none of that key."""
    index = read_index()
    index.path(key)
    index.active = key
    write_index(index)


def deactivate_config(key: str) -> None:
    """Use a config no longer, if it is in use. Raises ConfigError if there is none of that key."""
    index = read_index()
    if index.active != key:
        index.path(key)
        return
    index.active = ""
    write_index(index)


def remove_config(key: str) -> None:
    """Drop a config; its file stays. Raises ConfigError if there is none of that key."""
    index = read_index()
    index.path(key)
    del index.configs[key]
    if index.active == key:
        index.active = ""
    write_index(index)


def list_configs(key: str | None) -> None:
    """Print a table of all configs, or what the file of one says.

    Raises ConfigError if there is none of that key or its file is wrong.
    """
    index = read_index()
    if key is not None:
        path = Path(index.path(key))
        read_config(path)
        say(indented(path.read_text(), "  "))
        return
    rows = [
        (name, path, "*" if name == index.active else "")
        for name, path in sorted(index.configs.items())
    ]
    say_table(("config", "path", "active"), rows)

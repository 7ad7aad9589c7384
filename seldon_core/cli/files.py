"""The texts that options name: files, or standard input for `-`."""

import os
import sys
from pathlib import Path

from seldon_core.cli.output import say_note

STDIN = "-"


def read_text(name: str) -> str:
    """Return a file's text, without the mark that Windows puts before UTF-8.

    Raises OSError, or UnicodeDecodeError if it is not UTF-8.
    """
    if name != STDIN:
        return Path(name).read_text(encoding="utf-8-sig")
    if sys.stdin.isatty():
        say_note("reading from the terminal; Ctrl-D ends that")
    return sys.stdin.read().removeprefix("\ufeff")


def source_of(name: str) -> str:
    """Return what errors call a file."""
    return "standard input" if name == STDIN else name


def folder_of(name: str) -> str:
    """Return the absolute folder that relative paths in a file are meant from.

    That is the current one if it is no file of a folder: standard input, or a pipe.
    """
    return os.path.dirname(os.path.realpath(name)) if os.path.isfile(name) else os.getcwd()

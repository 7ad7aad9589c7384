"""Words of error messages: the nearest known name for a typo, and what was found, cut to size."""

import re
import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from posixpath import basename

_LONGEST = 80

# Of a URL it is none: what stands before its first slash is a colon or a slash.
_PATH = re.compile(r"(?<![\w:/.])/(?:[^\s/:'\"]+/)*([^\s/:'\"]+)/?")

_shorten = reprlib.Repr()
_shorten.maxstring = _shorten.maxother = _shorten.maxlong = _LONGEST
# An item may be held at many places at once, so that what is small to hold is endless to write.
_shorten.maxlevel = 2


def nearest(word: str, known: Iterable[str]) -> str:
    """Return which of `known` a person probably meant by `word`, "" if none is near."""
    by_folded = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.65)
    return by_folded[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `, did you mean <name>?` for the nearest of `known`, "" if none is near."""
    name = nearest(word, known)
    return f", did you mean {name}?" if name else ""


def show(value: object) -> str:
    """Return a value as it looks in an error, the beginning of it if it is long."""
    text = _shorten.repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def without_folders(text: str, folder: str = "") -> str:
    """Return what clients may read of a text that tells where files are on this machine.

    Paths below `folder`, which is absolute, begin behind it; of others only the last name is left.
    """
    folder = folder.rstrip("/")
    if folder.startswith("/") and folder in text:
        text = text.replace(f"{folder}/", "")
        text = re.sub(rf"{re.escape(folder)}(?![\w-])", lambda _: basename(folder), text)
    return _PATH.sub(r"\1", text)

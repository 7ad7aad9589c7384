"""Words of error messages: the nearest known name for a typo, and what was found, cut to size."""

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80

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

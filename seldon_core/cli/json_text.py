"""JSON laid out for a person, without reading the numbers in it: they stay as they were written."""

import json
import re
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_OPENING: Final = frozenset("[{")
_CLOSING: Final = frozenset("]}")


def indented(text: str, indent: str) -> str:
    """Return the JSON `text` with a line for each member, `indent` for each level.

    Raises ValueError if it is not JSON.
    """
    json.loads(text)
    parts: list[str] = []
    depth = 0
    previous = ""
    for token in _TOKEN.findall(text):
        if token in _CLOSING:
            depth -= 1
            begins_line = previous not in _OPENING  # an empty list or object stays on its line
        else:
            begins_line = previous in _OPENING or previous == ","
        if begins_line:
            parts.append("\n" + indent * depth)
        parts.append(": " if token == ":" else token)
        if token in _OPENING:
            depth += 1
        previous = token
    return "".join(parts)

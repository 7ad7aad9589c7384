"""Where several spaces may stand for one in the request lines of a slice of HTTP/1.

RFC 9112, 3, lets a recipient take them for one, as llhttp does without a word. But of servers in a
row each could read another target, so they are refused here. They are rare, and to look for them is
what every head pays that is not the last one again: 0.2 of 7.7 µs (perf/micro/bench_http1.py).
"""

import re
from collections.abc import Sequence

from seldon_core.protocol.inference import Buffer

_SPACE = ord(" ")
_SPACES = re.compile(b"  +")
_find_two = re.compile(b"  ").search
_VERSION = b"P/1."  # of HTTP, and of RTSP, which llhttp reads as well
_EMPTY_LINE = b"\r\n\r\n"


def find_gaps(data: Buffer, is_in_chunks: bool) -> Sequence[int]:
    """Return where in a slice several spaces begin that may be of a request line, and a last one.

    A request line ends with its version, or its end is not there yet. So of JSON on many indented
    lines nothing is returned. `is_in_chunks` says that the slice begins in a body of chunks; where
    that does not end nothing is searched, as that would double what a text with spaces takes.
    """
    if is_in_chunks and data[0] not in _EMPTY_LINE:
        text = bytes(data)
        if b"\r" not in text or _EMPTY_LINE not in text:  # the first is looked for much faster
            return ()
    if data[-1] != _SPACE and not _find_two(data):
        return ()
    text = bytes(data)
    version = text.rfind(_VERSION)
    rest = max(version, text.rfind(b"\n"), 0)
    found = _begins(text, 0, version) + _begins(text, rest, len(text))
    if text.endswith(b" ") and not text.endswith(b"  "):
        found.append(len(text) - 1)
    return found


def _begins(text: bytes, begin: int, end: int) -> list[int]:
    if end <= begin or not _find_two(text, begin, end):
        return []
    return [spaces.start() for spaces in _SPACES.finditer(text, begin, end)]

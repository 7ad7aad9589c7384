"""Which of several members has a name: one that comes or goes moves only its own."""

import zlib
from collections.abc import Iterable


def member_for(name: str, members: Iterable[str]) -> str:
    """Return the member whose hash with the name is highest, "" if there is none."""
    return max(members, key=lambda member: _hash(f"{name}/{member}"), default="")


def _hash(text: str) -> int:
    """Return 32 bits. A checksum is linear: alone, of similar names it puts all in one place."""
    bits = zlib.crc32(text.encode())
    for _ in range(2):
        bits = (bits ^ bits >> 16) * 0x45D9F3B & 0xFFFFFFFF
    return bits

"""Sizes of memory as people write them: bytes, Kubernetes quantities, or a share of the machine."""

import re
from functools import cache
from pathlib import Path

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
# At most 30 digits: of 309 and more the float is an infinity.
_SIZE = re.compile(r"(\d{1,30}(?:\.\d{1,30})?)\s*(%|k|M|G|T|Ki|Mi|Gi|Ti|)")


def parse_bytes(value: object) -> int:
    """Return how many bytes `value` says: `1048576`, `512Mi`, `2G`, or `25%` of `memory_limit()`.

    Raises ValueError if it says none.
    """
    found = _SIZE.fullmatch(str(value).strip())
    if found is None:
        raise ValueError(f"wanted bytes, a size like 512Mi or a share like 25%, found {value!r}")
    number, unit = float(found[1]), found[2]
    return int(memory_limit() * number / 100 if unit == "%" else number * _UNITS[unit])


def describe_bytes(nbytes: int) -> str:
    """Return a size for people: `1.5 GiB`."""
    size, units = float(nbytes), ["bytes", "KiB", "MiB", "GiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        del units[0]
    return f"{size:.3g} {units[0]}" if size < 1000 else f"{size:.0f} {units[0]}"


@cache
def memory_limit() -> int:
    """Return the bytes this process may use: the smallest of its cgroups' limits and the machine.

    Read once, since a limit that moved would make shares of it disagree.
    """
    return read_memory_limit(Path("/"))


def read_memory_limit(root: Path) -> int:
    """Read `memory_limit` from the file system at `root`; 4 GiB if it says nothing at all."""
    limits = [limit for path in _limit_files(root) if (limit := _read_limit(path))]
    return min(limits, default=4 * 2**30)


def _limit_files(root: Path) -> list[Path]:
    """The files that may hold a limit: a cgroup's own and those of the groups above it."""
    groups = root / "sys/fs/cgroup"
    files = [root / "proc/meminfo", groups / "memory/memory.limit_in_bytes"]
    try:
        entries = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return files
    for entry in entries:
        _, controllers, path = entry.split(":", 2)
        top, name = (
            (groups / "memory", "memory.limit_in_bytes")
            if controllers == "memory"
            else (groups, "memory.max")
        )
        own = Path(path.lstrip("/"))
        files += [top / group / name for group in (own, *own.parents)]
    return files


def _read_limit(path: Path) -> int:
    """Return the bytes that a limit file says, 0 if it does not exist or says "no limit"."""
    try:
        words = path.read_text().split()
    except OSError:
        return 0
    if words[:1] == ["MemTotal:"]:
        return int(words[1]) * 1024
    return int(words[0]) if words and words[0].isdigit() else 0

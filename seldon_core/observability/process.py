"""What every process tells of itself, under the names that Prometheus' own clients give it.

Written here because prometheus_client, imported at the first scrape, held all requests up for 16 ms
and stayed with 2 MB. What stands in /proc is left out where there is none.
"""

import gc
import os
import platform
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from seldon_core.observability.exposition import Family, Kind

PROC = Path("/proc")

_GC = {
    "collections": ("python_gc_collections_total", "Collections of this generation."),
    "collected": ("python_gc_objects_collected_total", "Objects that collections freed."),
    "uncollectable": (
        "python_gc_objects_uncollectable_total",
        "Objects that collections found and could not free.",
    ),
}


def process_families(proc: Path = PROC) -> Iterator[Family]:
    """Yield memory, CPU time, files and garbage collections; `proc` is where /proc is."""
    cpu_s = time.process_time()
    yield _single("process_cpu_seconds_total", "counter", "CPU time of all threads.", cpu_s)
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield _single("process_max_fds", "gauge", "File descriptors there may be.", most_files)
    if proc.is_dir():
        yield from _proc_families(proc)
    for key, (name, text) in _GC.items():
        counts = [(generation, count[key]) for generation, count in enumerate(gc.get_stats())]
        samples = [("", {"generation": str(generation)}, count) for generation, count in counts]
        yield Family(name, "counter", text, samples)
    python = {"implementation": platform.python_implementation()}
    python["version"] = platform.python_version()
    yield Family("python_info", "gauge", "The Python that runs this.", [("", python, 1)])


def _proc_families(proc: Path) -> Iterator[Family]:
    pages = (proc / "self/statm").read_text().split()
    page = os.sysconf("SC_PAGE_SIZE")
    for name, text, count in (
        ("process_virtual_memory_bytes", "Memory that is mapped.", pages[0]),
        ("process_resident_memory_bytes", "Memory that is resident.", pages[1]),
    ):
        yield _single(name, "gauge", text, int(count) * page)
    files = len(os.listdir(proc / "self/fd"))
    yield _single("process_open_fds", "gauge", "File descriptors that are open.", files)
    yield _single("process_start_time_seconds", "gauge", "When the process began.", _began_at(proc))


def _began_at(proc: Path) -> float:
    """Return when the process began, in seconds since 1970."""
    # The name, in parentheses, may hold spaces and parentheses; the 20th word after it counts.
    ticks = int((proc / "self/stat").read_text().rpartition(")")[2].split()[19])
    booted = (proc / "stat").read_text().partition("\nbtime ")[2].split()[0]
    return int(booted) + ticks / os.sysconf("SC_CLK_TCK")


def _single(name: str, kind: Kind, text: str, value: float) -> Family:
    return Family(name, kind, text, [("", {}, value)])

"""What wrk and h2load print and write, as values."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class LoadError(Exception):
    """A load run whose figures mean nothing: errors in the answers, or output not understood."""


@dataclass(frozen=True, slots=True)
class WrkResult:
    """One run of `wrk --latency`. Latencies in seconds."""

    rate_per_s: float
    requests: int
    p50_s: float
    p99_s: float


@dataclass(frozen=True, slots=True)
class H2loadResult:
    """One run of h2load. `data_bytes` counts the bodies of the answers, without headers."""

    rate_per_s: float
    requests: int
    data_bytes: int


@dataclass(frozen=True, slots=True)
class Latencies:
    """Of every request of a run, in seconds."""

    requests: int
    p50_s: float
    p99_s: float
    longest_s: float


def seconds_of(text: str) -> float:
    """A duration as the tools write it, `1.43ms`, in seconds. Raises LoadError if it is none."""
    match = re.fullmatch(r"([0-9.]+)(us|ms|s|m|h)", text.strip())
    if match is None:
        raise LoadError(f"{text!r} is no duration")
    return float(match[1]) * _SECONDS[match[2]]


def parse_wrk(text: str) -> WrkResult:
    """Read the output of `wrk --latency`.

    Raises LoadError if any answer was not 2xx or 3xx, any socket failed, or a figure is missing.
    """
    for trouble in ("Non-2xx or 3xx responses", "Socket errors"):
        if trouble in text:
            line = next(line for line in text.splitlines() if trouble in line)
            raise LoadError(f"wrk: {line.strip()}")
    return WrkResult(
        rate_per_s=float(_find(r"Requests/sec:\s+([0-9.]+)", text, "wrk")),
        requests=int(_find(r"(\d+) requests in", text, "wrk")),
        p50_s=seconds_of(_find(r"\s50%\s+(\S+)", text, "wrk")),
        p99_s=seconds_of(_find(r"\s99%\s+(\S+)", text, "wrk")),
    )


def parse_h2load(text: str) -> H2loadResult:
    """Read the output of h2load.

    Raises LoadError if any request did not succeed with 2xx, or a figure is missing. A gRPC error
    is a 200 to h2load: `data_bytes` tells (see `loads.grpc_rate`).
    """
    counts = re.search(
        r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, "
        r"(\d+) failed, (\d+) errored, (\d+) timeout",
        text,
    )
    if counts is None:
        raise LoadError(f"h2load: no counts in {text[-200:]!r}")
    done, succeeded, *troubles = (int(count) for count in counts.groups())
    good = int(_find(r"status codes: (\d+) 2xx", text, "h2load"))
    if any(troubles) or good < succeeded or done == 0:
        raise LoadError(f"h2load: {counts[0]}, {good} of them 2xx")
    return H2loadResult(
        rate_per_s=float(_find(r"finished in \S+, ([0-9.]+) req/s", text, "h2load")),
        requests=succeeded,
        data_bytes=int(_find(r"\((\d+)\) data", text, "h2load")),
    )


def read_h2load_log(path: Path) -> Latencies:
    """Read what `h2load --log-file` wrote: start, status and duration in µs, a line a request.

    Raises LoadError if nothing was logged.
    """
    with path.open() as file:
        columns = len(file.readline().split())
    if columns < 3:
        raise LoadError(f"h2load: nothing in its log {path}")
    durations = np.fromfile(path, np.int64, sep=" ")[2::columns]
    p50, p99, longest = np.percentile(durations, [50, 99, 100]) / 1e6
    return Latencies(len(durations), float(p50), float(p99), float(longest))


def _find(pattern: str, text: str, tool: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise LoadError(f"{tool}: nothing like {pattern!r} in {text[-200:]!r}")
    return match[1]

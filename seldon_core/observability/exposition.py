"""Prometheus' text format, version 0.0.4.

Written here because prometheus_client renames what it writes: a counter called
`seldon_cache_evict_count` would be announced as `seldon_cache_evict_count_total`, and Seldon's
names are the contract.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge", "histogram"]

Sample = tuple[str, Mapping[str, str], float]
"""What follows the family's name (`_bucket`, mostly nothing), labels, value."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric and its samples at this moment."""

    name: str
    kind: Kind
    help: str
    samples: Iterable[Sample]


def render(families: Iterable[Family]) -> Iterator[str]:
    """Yield the lines of `families`, each with its newline; a family without samples has none."""
    for family in families:
        samples = list(family.samples)
        if not samples:
            continue
        yield f"# HELP {family.name} {family.help}\n"
        yield f"# TYPE {family.name} {family.kind}\n"
        for suffix, labels, value in samples:
            yield f"{family.name}{suffix}{_labels(labels)} {number(value)}\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """Return a value as the format writes it, whole ones without a point."""
    return str(int(value)) if value == int(value) else repr(float(value))

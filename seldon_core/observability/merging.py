"""The metrics of several processes as one text: those of other processes get a label `process`.

A process that dies begins to count anew. What it had counted is added to what its successor counts,
so that no counter falls; while one is silent, its counters stand where they were, and its gauges
are left out. All of it works on Prometheus' text format, family by family: lines are looked at one
by one only where a process has died before.

Pure. The text of a process is untrusted only as far as it may be of another version of the program.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from seldon_core.observability.exposition import Family, number, render

_HEAD: Final = re.compile(
    r"# HELP (?P<name>[a-zA-Z_:][\w:]*) .*\n# TYPE (?P=name) (?P<kind>[a-z]+)\n"
)
_SUFFIXES: Final = ("", "_bucket", "_sum", "_count")
_LOADED: Final = "seldon_loaded_model_gauge"
_MODEL: Final = re.compile(r'[{,]model_internal="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Heard:
    """What a process answered. `instance` is another one at each start of it."""

    instance: str
    text: str


@dataclass(slots=True)
class _Lines:
    """One family of a text."""

    head: str
    kind: str
    lines: str

    @property
    def only_grows(self) -> bool:
        """Whether its values are counts."""
        return self.kind != "gauge"


@dataclass(slots=True)
class _Counts:
    """What a process said last, and its predecessors' sums by family and series.

    A family that is carried is among `families`, too, if need be without lines.
    """

    instance: str = ""
    families: dict[str, _Lines] = field(default_factory=dict)
    carried: dict[str, dict[str, float]] = field(default_factory=dict)


class Merger:
    """Merges texts, and keeps what is needed for no counter to fall between two scrapes."""

    def __init__(self) -> None:
        self._counts: dict[str, _Counts] = {}

    def merge(self, own: str, heard: Mapping[str, Heard | None]) -> str:
        """Return `own` and what was heard of other processes, by their names.

        None is for one that does not answer. What is known of a process that is not named any more
        is forgotten.
        """
        self._counts = {name: self._counts.get(name, _Counts()) for name in heard}
        answered = dict.fromkeys(heard, 0)
        texts = [_split(own)]
        for name, said in heard.items():
            counts = self._counts[name]
            try:
                families = None if said is None else _split(said.text)
            except ValueError:  # another program answers there
                families = None
            if said is not None and families is not None:
                answered[name] = 1
                _take(counts, said.instance, families)
            texts.append(_shown(name, counts, is_silent=not answered[name]))
        texts.append(_split("".join(render([_up(answered)]))))
        return "".join(_joined(texts))


def _up(answered: Mapping[str, int]) -> Family:
    samples = [("", {"process": name}, is_up) for name, is_up in answered.items()]
    text = "Whether an agent process of this machine told its metrics for this scrape."
    return Family("seldon_agent_process_up", "gauge", text, samples)


def _split(text: str) -> dict[str, _Lines]:
    """Return the families of a text. Raises ValueError if it is not one of this program's."""
    families: dict[str, _Lines] = {}
    start = 0
    while start < len(text):
        head = _HEAD.match(text, start)
        if head is None:
            raise ValueError("the text is not what this program writes")
        end = text.find("\n# HELP ", head.end() - 1) + 1 or len(text)
        lines = text[head.end() : end]
        families[head["name"]] = _Lines(head[0], head["kind"], lines)
        start = end
    return families


def _take(counts: _Counts, instance: str, families: dict[str, _Lines]) -> None:
    """Take in what a process says now; if it is another one, add up what the last one had."""
    if counts.instance not in ("", instance):
        _carry(counts)
    carried = {name: replace(counts.families[name], lines="") for name in counts.carried}
    counts.instance, counts.families = instance, {**carried, **families}


def _carry(counts: _Counts) -> None:
    """Add up what a process had that is gone, and forget models that went long before it."""
    for name, family in counts.families.items():
        if family.only_grows:
            sums = counts.carried.setdefault(name, {})
            for series, value in _values(family.lines):
                sums[series] = sums.get(series, 0.0) + value
    loaded = _loaded(counts)
    if not loaded:  # it died before it had them back
        return
    for name, sums in counts.carried.items():
        counts.carried[name] = {
            series: value for series, value in sums.items() if _is_of(loaded, series)
        }


def _shown(process: str, counts: _Counts, *, is_silent: bool) -> dict[str, _Lines]:
    """Return what is shown of a process, with its label."""
    label = f'process="{process}"'
    shown: dict[str, _Lines] = {}
    loaded = None if is_silent or not counts.carried else _loaded(counts)
    for name, family in counts.families.items():
        if family.only_grows or not is_silent:
            lines = family.lines
            if name in counts.carried:
                lines = "".join(_summed(lines, counts.carried[name], loaded))
            shown[name] = _Lines(family.head, family.kind, _labelled(name, lines, label))
    return shown


def _loaded(counts: _Counts) -> set[str]:
    family = counts.families.get(_LOADED)
    return set() if family is None else set(_MODEL.findall(family.lines))


def _is_of(loaded: set[str] | None, series: str) -> bool:
    """Return whether a series is about one of these models, or about none; None: about any."""
    model = _MODEL.search(series)
    return loaded is None or model is None or model[1] in loaded


def _summed(lines: str, carried: Mapping[str, float], loaded: set[str] | None) -> Iterator[str]:
    """Yield the lines of a family with what was counted before, whether it is counted again or not.

    Of models that are not loaded any more nothing is shown, as in one process; `loaded` None is for
    not knowing which are.
    """
    now = dict(_values(lines))
    for series, value in now.items():
        yield f"{series} {number(value + carried.get(series, 0.0))}\n"
    for series, value in carried.items():
        if series not in now and _is_of(loaded, series):
            yield f"{series} {number(value)}\n"


def _values(lines: str) -> Iterator[tuple[str, float]]:
    for line in lines.splitlines():
        series, _, value = line.rpartition(" ")
        yield series, float(value)


def _labelled(family: str, lines: str, label: str) -> str:
    """Return the lines of a family with one label more each, in front of the others."""
    text = f"\n{lines}"  # a label's value has no line end, so that a name after one begins a line
    for name in (f"\n{family}{suffix}" for suffix in _SUFFIXES):
        text = text.replace(f"{name}{{", f"{name}{{{label},")
        text = text.replace(f"{name} ", f"{name}{{{label}}} ")
    return text[1:]


def _joined(texts: list[dict[str, _Lines]]) -> Iterator[str]:
    """Yield each family once, with the lines of all: the format wants them together."""
    for name in dict.fromkeys(name for families in texts for name in families):
        those = [families[name] for families in texts if name in families]
        yield those[0].head
        yield from (family.lines for family in those)

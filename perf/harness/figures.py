"""Figures and what is owed: series of repeated measurements, ratios of them, verdicts. Pure."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Series:
    """One thing measured once in each round. `values` is empty, with a reason, if it was absent."""

    label: str
    unit: str
    values: tuple[float, ...]
    absent: str = ""

    @property
    def median(self) -> float:
        """The middle of the rounds. Raises statistics.StatisticsError if there are none."""
        return median(self.values)


@dataclass(frozen=True, slots=True)
class Owed:
    """A bound for a ratio or a figure: `at_least` or not (then at most) `bound`, in `unit`."""

    bound: float
    at_least: bool
    unit: str = "x"

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {amount(self.bound)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report: `ours` over `beside`, or minus it, or alone, against what is owed.

    `kind` is "ratio" (of medians), "difference" (of medians) or "figure" (`ours` alone). Without
    `owed` the row is there to be read, not judged.
    """

    scenario: str
    title: str
    ours: Series
    beside: Series | None = None
    owed: Owed | None = None
    kind: str = "ratio"

    @property
    def absent(self) -> str:
        """Why the row has no value, or an empty string."""
        return self.ours.absent or (self.beside.absent if self.beside else "")

    @property
    def value(self) -> float | None:
        """The figure that is judged, from the medians; None if either side is absent."""
        if self.absent:
            return None
        return self._combine(self.ours.median, self.beside.median if self.beside else 0.0)

    @property
    def spread(self) -> tuple[float, float] | None:
        """The lowest and the highest value of a single round."""
        if self.absent:
            return None
        others = self.beside.values if self.beside else (0.0,) * len(self.ours.values)
        each = [self._combine(a, b) for a, b in zip(self.ours.values, others, strict=True)]
        return min(each), max(each)

    def _combine(self, ours: float, beside: float) -> float:
        if self.kind == "ratio":
            return ours / beside
        return ours - beside if self.kind == "difference" else ours

    @property
    def verdict(self) -> str:
        """`met`, `missed by N %`, `absent: why`, or an empty string if nothing is owed."""
        value = self.value
        if value is None:
            return f"absent: {self.absent}"
        if self.owed is None:
            return ""
        gap = shortfall(value, self.owed)
        return "met" if gap <= 0 else f"missed by {gap:.0%}".replace("%", " %")

    @property
    def attainment(self) -> float | None:
        """How far the row is, 1.0 being exactly what is owed and more being better."""
        value = self.value
        if value is None or self.owed is None:
            return None
        if self.owed.at_least:
            return value / self.owed.bound
        return self.owed.bound / max(value, self.owed.bound / 100)


def shortfall(value: float, owed: Owed) -> float:
    """The part of the bound by which `value` misses it; zero or less if it is met."""
    gap = owed.bound - value if owed.at_least else value - owed.bound
    return gap / owed.bound


def at_least(bound: float, unit: str = "x") -> Owed:
    """More is better."""
    return Owed(bound, at_least=True, unit=unit)


def at_most(bound: float, unit: str = "x") -> Owed:
    """Less is better."""
    return Owed(bound, at_least=False, unit=unit)


def amount(value: float) -> str:
    """`value` with about three significant digits and thousands separated."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"

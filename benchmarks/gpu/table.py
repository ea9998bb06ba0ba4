"""Compares measured values with expected ones, and formats a table of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from benchmarks.gpu.figures import Value
from benchmarks.gpu.runner import DONE, Record, last_line

BANDWIDTH = "ceilings.copy.tb_per_s"
"""Name of the measured copy bandwidth, by which expected times that memory limits are converted to another GPU."""

_AS_EXPECTED, _NOT_MEASURED = "as expected", "not measured"
_NOT_COMPARED = "not compared: tiny networks"

Seen: TypeAlias = Mapping[str, Value]
"""All measured figures, by "part.figure"."""


class Expectation(Protocol):
    """Protocol of the expectation for one measured value, with the reason. `seen` are all measured values by name, such
    as the rate of copies on which a range depends. Unless `everywhere` is True, the expectation applies only to runs on
    a GPU with a model of its real size.
    """

    @property
    def figure(self) -> str:
        """Name of the measured value that this expectation is about: the part of the measurement, a dot, and the name
        in this part.
        """

    @property
    def why(self) -> str:
        """Reason for which this value is expected."""

    @property
    def everywhere(self) -> bool:
        """True if the expectation applies to tiny networks, too."""

    def shown(self, seen: Seen) -> str:
        """Return the expected value as text for the table."""

    def verdict(self, value: Value, seen: Seen) -> str:
        """Return the verdict on a measured value: as expected, or how it deviates."""


@dataclass(frozen=True, slots=True)
class Between:
    """The expectation that a measured value lies between `low` and `high`.

    The range is for a GPU whose copies reach `at` TB/s (0: any GPU). On another GPU it is multiplied by (at / measured)
    ** `power`, with `power` 1 for a time that memory limits and -1 for a share or a rate.
    """

    figure: str
    low: float
    high: float
    unit: str
    why: str
    at: float = 0.0
    power: float = 1.0
    everywhere: bool = False

    def shown(self, seen: Seen) -> str:
        """Return the expected range as text for the table."""
        low, high = self._range(seen)
        return f"{low:.3g} to {high:.3g} {self.unit}".strip()

    def verdict(self, value: Value, seen: Seen) -> str:
        """Return the verdict on a measured value: within the range, or how it deviates."""
        low, high = self._range(seen)
        if not isinstance(value, int | float):
            return "no number"
        return _AS_EXPECTED if low <= value <= high else "lower" if value < low else "higher"

    def _range(self, seen: Seen) -> tuple[float, float]:
        measured = seen.get(BANDWIDTH)
        if not self.at or not isinstance(measured, int | float) or measured <= 0:
            return self.low, self.high
        factor = (self.at / measured) ** self.power
        return self.low * factor, self.high * factor


@dataclass(frozen=True, slots=True)
class Exactly:
    """The expectation that a measured value equals one exact value."""

    figure: str
    value: Value
    why: str
    everywhere: bool = False

    def shown(self, _seen: Seen) -> str:
        """Return the expected value as text for the table."""
        return _text(self.value)

    def verdict(self, value: Value, _seen: Seen) -> str:
        """Return the verdict on a measured value: as expected, or how it deviates."""
        return _AS_EXPECTED if value == self.value else "differs"


class Row(NamedTuple):
    """One line of the table: an expectation and the measured value."""

    figure: str
    expected: str
    seen: str
    verdict: str
    why: str


def rows(expectations: Sequence[Expectation], records: Sequence[Record]) -> list[Row]:
    """Return one row of the table for each expectation of the measurements that ran."""
    seen = {f"{record.part}.{name}": value for record in records for name, value in record.figures.items()}
    by_part = {record.part: record for record in records}
    found = []
    for expected in expectations:
        part, _, name = expected.figure.partition(".")
        if record := by_part.get(part):
            found.append(_row(expected, seen, record, name))
    return found


def _row(expected: Expectation, seen: Seen, record: Record, name: str) -> Row:
    value = seen.get(expected.figure)
    if record.small:
        seen = {}  # the rate of a CPU's copies does not apply to a GPU
    if value is None:
        verdict = f"{_NOT_MEASURED}: {_reason(record, name)}"
    elif record.small and not expected.everywhere:
        verdict = _NOT_COMPARED
    else:
        verdict = expected.verdict(value, seen)
    return Row(expected.figure, expected.shown(seen), "" if value is None else _text(value), verdict, expected.why)


def _reason(record: Record, name: str) -> str:
    """Return the reason for which the value `name` of a part is missing: the note or error of this name, of the group
    of names that it belongs to, or of the part.
    """
    reasons = record.errors | record.notes
    groups = [name[: len(name) - len(end)] for end in _ends(name)]
    own = next((reasons[group] for group in groups if group in reasons), "")
    if own:
        return last_line(own)
    return "not measured" if record.status == DONE else record.why


def _ends(name: str) -> list[str]:
    """Return the suffixes of a dotted name, the shortest ("") first."""
    places = [index for index, sign in enumerate(name) if sign == "."]
    return ["", *(name[place:] for place in reversed(places))]


def _text(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:.4g}"
        case list():
            return ", ".join(value)
        case _:
            return str(value)


def text_of(rows: Sequence[Row], machine: str) -> str:
    """Return the table as text in columns; every row has the name of the GPU."""
    head = Row("what", "expected", "seen", "verdict", "")
    shown = [(machine, *row[:4]) for row in rows]
    table = [("machine", *head[:4]), *shown]
    widths = [max(len(line[column]) for line in table) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table
    )

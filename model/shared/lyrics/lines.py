"""Data types for parsing lyrics: numbered lines, and the remarks for the caller that are collected while parsing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SHOWN_ITEMS = 8
_SHOWN_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and its number in the caller's text, from 1; blank lines have an empty text."""

    number: int
    text: str


@dataclass(slots=True)
class Notes:
    """Collects remarks for the caller; equal remarks about several places in the lyrics become one sentence."""

    _items: dict[str, dict[str, None]] = field(default_factory=dict)

    def say(self, remark: str, *items: str) -> None:
        """Add `remark`; `items` are the places that it is about, such as words, which are listed after it. If the same
        remark was added before, its list becomes longer.
        """
        found = self._items.setdefault(remark, {})
        found.update(dict.fromkeys(item[:_SHOWN_LETTERS] for item in items))

    def remarks(self) -> tuple[str, ...]:
        """Return all remarks, in the order in which each was first added."""
        return tuple(f"lyrics: {remark}{_listed(tuple(items))}" for remark, items in self._items.items())


def _listed(items: Sequence[str]) -> str:
    if not items:
        return ""
    more = len(items) - _SHOWN_ITEMS
    return ": " + ", ".join(items[:_SHOWN_ITEMS]) + (f" and {more} more" if more > 0 else "")


def numbered(text: str) -> list[Line]:
    """Return the lines of `text` with their numbers from 1, stripped; consecutive blank lines become one."""
    lines = [Line(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    return [line for before, line in pairwise([Line(0, ""), *lines]) if line.text or before.text]


def words_of(lines: Iterable[Line]) -> list[Line]:
    """Return the lines that are not blank."""
    return [line for line in lines if line.text]

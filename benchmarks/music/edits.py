"""Computes the edit distance between sung and recognised words."""

from collections.abc import Sequence


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return the number of insertions, deletions and replacements that turn `said` into `heard` (Levenshtein, 1966)."""
    row = list(range(len(heard) + 1))
    for place, syllable in enumerate(said, 1):
        before, row[0] = row[0], place
        for other, word in enumerate(heard, 1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (syllable != word))
    return row[-1]

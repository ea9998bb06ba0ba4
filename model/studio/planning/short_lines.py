"""Joins neighbouring short lines of the lyrics when there are more lines than the song has bars."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from model.song import LyricLine
from model.studio.lyrics.sections import LyricSection

_MOST_SYLLABLES = 8
"""Largest number of syllables in a joined line; one bar has time for them at all but the fastest tempi."""


def with_short_lines_together(sections: Sequence[LyricSection]) -> tuple[LyricSection, ...]:
    """Return the sections with neighbouring short lines of the same singers joined into lines of up to 8 syllables."""
    return tuple(replace(section, lines=tuple(_together(section.lines))) for section in sections)


def _together(lines: Iterable[LyricLine]) -> Iterator[LyricLine]:
    waiting: LyricLine | None = None
    for line in lines:
        if waiting is not None and _fit(waiting, line):
            waiting = LyricLine(f"{waiting.text}, {line.text}", waiting.syllables + line.syllables, line.voices)
            continue
        if waiting is not None:
            yield waiting
        waiting = line
    if waiting is not None:
        yield waiting


def _fit(one: LyricLine, other: LyricLine) -> bool:
    return one.voices == other.voices and len(one.syllables) + len(other.syllables) <= _MOST_SYLLABLES

"""Finds the title line of a song: the line that its choruses repeat most."""

from collections import Counter
from collections.abc import Iterable

from model.song import LyricLine, SectionKind, SectionPlan


def title_line(sections: Iterable[SectionPlan]) -> LyricLine | None:
    """Return the line that occurs most often in the choruses of the lyrics, the first of several such lines; `None`
    without a sung chorus.

    A chorus that the planner repeats counts only once.
    """
    choruses = {section.lines: None for section in sections if section.kind is SectionKind.CHORUS and section.lines}
    counts = Counter(line for lines in choruses for line in lines)
    return max(counts, key=counts.__getitem__, default=None)

"""The title line of a song: the one that its chorus is known by."""

from collections import Counter
from collections.abc import Iterable

from model.song import LyricLine, SectionKind, SectionPlan


def title_line(sections: Iterable[SectionPlan]) -> LyricLine | None:
    """Return the line that the choruses as written have most often, the first of several; `None` without a sung chorus.

    A chorus that comes again counts once.
    """
    choruses = {section.lines: None for section in sections if section.kind is SectionKind.CHORUS and section.lines}
    counts = Counter(line for lines in choruses for line in lines)
    return max(counts, key=counts.__getitem__, default=None)

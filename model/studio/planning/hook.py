"""Chooses the lines of the chorus (the hook) whose melody an instrument quotes in the intro and in interludes.

An intro quotes lines of the first chorus, and so does the beginning of an interlude. Quotations begin with the title
line. In a song without a chorus, interludes quote the verse.
"""

from dataclasses import dataclass

from model.song import SectionKind, SectionPlan, SongPlan
from model.studio.planning.studio_detail import StudioDetail
from model.studio.planning.title import title_line

_INTERLUDE_SHARE = 0.5
"""Share of an interlude that quotes the title line; the rest is composed freely."""

Tones = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quotation:
    """A quotation: lines of one section whose melody an instrument plays in another section, with the lexical tones and
    bars of these lines.

    Attributes:
        source: index of the quoted section.
        kind: kind of the quoted section.
        first: index of the first quoted line in that section.
    """

    lines: tuple[Tones, ...]
    line_bars: tuple[int, ...]
    source: int
    kind: SectionKind
    first: int


def quotation(plan: SongPlan, detail: StudioDetail, index: int) -> Quotation | None:
    """Return the quotation that section `index` plays, or `None` if the section quotes nothing.

    Only sections without words quote, and only in sung songs whose melody does not come from the caller.
    """
    section, bars = plan.sections[index], detail.sections[index].bars
    chorus = _first_sung(plan, SectionKind.CHORUS)
    source = chorus or _first_sung(plan, SectionKind.VERSE)
    room = {SectionKind.INTRO: bars if chorus else 0, SectionKind.INST: int(_INTERLUDE_SHARE * bars)}.get(
        section.kind, 0
    )
    if section.lines or source is None or any(one.anchor for one in detail.sections):
        return None
    title = title_line(plan.sections)
    first = source.lines.index(title) if title in source.lines else 0
    line_bars = detail.sections[source.index].line_bars[first:]
    count = sum(sum(line_bars[: n + 1]) <= room for n in range(len(line_bars)))
    lines = tuple(
        tuple(syllable.sung_tone for syllable in line.syllables) for line in source.lines[first : first + count]
    )
    return Quotation(lines, line_bars[:count], source.index, source.kind, first) if lines else None


def _first_sung(plan: SongPlan, kind: SectionKind) -> SectionPlan | None:
    return next((section for section in plan.sections if section.kind is kind and section.lines), None)

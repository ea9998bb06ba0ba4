"""Quotations of the hook: an intro plays the first lines of the coming chorus, an interlude begins with them."""

from dataclasses import dataclass

from model.song import SectionKind, SongPlan
from model.studio.planning.plan import StudioDetail

_INTERLUDE_SHARE = 0.5
"""How much of an interlude is quoted; the rest goes on freely."""

Tones = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quotation:
    """The tones of the chorus's first lines, and their bars; `source` is the index of that section."""

    lines: tuple[Tones, ...]
    line_bars: tuple[int, ...]
    source: int


def quotation(plan: SongPlan, detail: StudioDetail, index: int) -> Quotation | None:
    """The quotation in section `index`; `None` where it quotes nothing.

    Only sections without words of their own quote, in songs with a sung chorus and without a melody of the caller's.
    """
    section, bars = plan.sections[index], detail.sections[index].bars
    room = {SectionKind.INTRO: bars, SectionKind.INST: int(_INTERLUDE_SHARE * bars)}.get(section.kind, 0)
    chorus = next((s for s in plan.sections if s.kind is SectionKind.CHORUS and s.lines), None)
    if section.lines or chorus is None or any(one.anchor for one in detail.sections):
        return None
    line_bars = detail.sections[chorus.index].line_bars
    count = sum(sum(line_bars[: n + 1]) <= room for n in range(len(line_bars)))
    lines = tuple(tuple(syllable.sung_tone for syllable in line.syllables) for line in chorus.lines[:count])
    return Quotation(lines, line_bars[:count], chorus.index) if lines else None

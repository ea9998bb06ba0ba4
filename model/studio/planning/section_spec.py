"""Derives the specification of a section, the input of the denoiser, from the plan of the song."""

from collections.abc import Sequence

import numpy as np

from model.song import AnchorNote, SongPlan
from model.studio.composing.motif import Motif, motif_of
from model.studio.composing.section_spec import SectionSpec
from model.studio.notation.score import STEPS_PER_BEAT, Note
from model.studio.planning.hook import quotation
from model.studio.planning.line_plan import LinePlan, line_plan
from model.studio.planning.studio_detail import StudioDetail, detail_of


def section_spec(plan: SongPlan, index: int) -> SectionSpec:
    """Return the specification of section `index` of a song: the kind, length, lines, key and other input of the
    denoiser.
    """
    detail, section = detail_of(plan), plan.sections[index]
    assert plan.tempo_bpm is not None
    quoted = quotation(plan, detail, index)
    lined = (
        _line_plan(plan, detail, quoted.source).part(quoted.first, len(quoted.lines))
        if quoted
        else _line_plan(plan, detail, index)
    )
    lines = tuple(tuple(syllable.sung_tone for syllable in line.syllables) for line in section.lines)
    return SectionSpec(
        kind=quoted.kind if quoted else section.kind,
        bars=detail.sections[index].bars,
        lines=quoted.lines if quoted else lines,
        line_bars=quoted.line_bars if quoted else detail.sections[index].line_bars,
        motif=_motif(detail, index),
        played=quoted is not None,
        minor=detail.minor,
        transpose=detail.transpose + detail.sections[index].lift,
        headroom=detail.highest_lift - detail.sections[index].lift,
        tempo_bpm=plan.tempo_bpm,
        density=detail.style.density,
        anchor=_anchor_notes(detail.sections[index].anchor),
        final=index == len(plan.sections) - 1,
        pentatonic=detail.style.pentatonic,
        chord_pace=detail.style.chord_pace,
        genre=detail.style.genre,
        seed=plan.seed,
        words=lined.words,
        takes_up=lined.takes_up,
        entries=lined.entries,
        rooms=lined.rooms,
        stresses=lined.stresses,
        heights=lined.heights,
        climax=lined.climax,
        beats_per_bar=detail.style.beats_per_bar,
    )


def _line_plan(plan: SongPlan, detail: StudioDetail, index: int) -> LinePlan:
    line_bars = {number: section.line_bars for number, section in enumerate(detail.sections)}
    free = not any(section.anchor for section in detail.sections)
    return line_plan(plan, index, line_bars, detail.style, free=free)


def _motif(detail: StudioDetail, index: int) -> Motif | None:
    """Return the motif (the first bars) of the caller's melody; `None` for a section `index` before the melody
    begins.
    """
    anchors = (section.anchor for section in detail.sections[: index + 1] if section.anchor)
    first = next(anchors, None)
    return motif_of(_anchor_notes(first), detail.style.beats_per_bar * STEPS_PER_BEAT) if first else None


def _anchor_notes(anchor: Sequence[AnchorNote]) -> tuple[Note, ...]:
    notes, start = [], 0.0
    for given in anchor:
        end = start + given.length_beats
        first, after = round(start * STEPS_PER_BEAT), round(end * STEPS_PER_BEAT)
        if given.pitch is not None and after > first:
            notes.append(Note(first, after - first, given.pitch))
        start = end
    return tuple(notes)


def section_seed(song_seed: int, index: int) -> int:
    """Return the random seed of section `index`, different for every section and song."""
    return int(np.random.SeedSequence((song_seed, index)).generate_state(1)[0])

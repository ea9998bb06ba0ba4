"""Spreads the caller's melody over the sections it covers."""

from collections.abc import Sequence

from model.song import AnchorNote, InvalidParams, SectionKind, Violation
from model.studio.notation.score import BEATS_PER_BAR
from model.studio.planning.form import Block

_EDGES = frozenset({SectionKind.INTRO, SectionKind.OUTRO})


def spread_anchor(notes: Sequence[AnchorNote], blocks: Sequence[Block]) -> tuple[tuple[AnchorNote, ...], ...]:
    """For each block the part of the melody that falls into it; the melody begins with the first sung block.

    In an instrumental song it begins with the first block that is neither intro nor outro. A note across a seam is
    struck again after it. Raises InvalidParams (field "anchor") when the song ends before the melody does.
    """
    spread: list[tuple[AnchorNote, ...]] = [()] * len(blocks)
    left = list(notes)
    for index in range(_first_melodic(blocks), len(blocks)):
        spread[index], left = _split(left, blocks[index].bars * BEATS_PER_BAR)
    if left:
        beats = sum(note.length_beats for note in left)
        raise InvalidParams(Violation("anchor", f"{beats:g} beats longer than the song has room for"))
    return tuple(spread)


def _first_melodic(blocks: Sequence[Block]) -> int:
    sung = [index for index, block in enumerate(blocks) if block.lines]
    played = [index for index, block in enumerate(blocks) if block.kind not in _EDGES]
    return (sung or played or [0])[0]


def _split(notes: Sequence[AnchorNote], beats: float) -> tuple[tuple[AnchorNote, ...], list[AnchorNote]]:
    """The notes of the first `beats` beats, and the rest."""
    taken: list[AnchorNote] = []
    for n, note in enumerate(notes):
        if note.length_beats > beats:
            rest = AnchorNote(note.pitch, note.length_beats - beats)
            if beats > 0:
                taken.append(AnchorNote(note.pitch, beats))
            return tuple(taken), [rest, *notes[n + 1 :]]
        taken.append(note)
        beats -= note.length_beats
    return tuple(taken), []

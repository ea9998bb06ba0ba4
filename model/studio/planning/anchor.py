"""Fits the caller's melody (the anchor) to the song: shortens it if it is too long, and divides it among the
sections.
"""

from collections.abc import Sequence
from typing import NamedTuple

from model.song import AnchorNote, SectionKind
from model.studio.notation.score import BEATS_PER_BAR
from model.studio.planning.form.form import Block

LONGEST_ANCHOR_BARS = 16
LONGEST_SILENCE_BEATS = 16
"""Length in beats from which on a silence before the first note is cut; it is an introduction, which the planner adds
anyway.
"""

_EDGES = frozenset({SectionKind.INTRO, SectionKind.OUTRO})


class Fitted(NamedTuple):
    """The caller's melody, short enough for a song, and remarks for the caller on notes that were left out."""

    notes: tuple[AnchorNote, ...]
    remarks: tuple[str, ...] = ()


def fit_anchor(notes: Sequence[AnchorNote], beats_per_bar: int = BEATS_PER_BAR) -> Fitted:
    """Shorten the caller's melody to at most `LONGEST_ANCHOR_BARS` bars; later notes are left out.

    A silence of `LONGEST_SILENCE_BEATS` or more before the first note is first cut to less than one bar.
    """
    remarks: list[str] = []
    silence = _leading_silence(notes)
    left = list(notes)
    if silence >= LONGEST_SILENCE_BEATS:
        _, left = _split(left, silence - silence % beats_per_bar)
        remarks.append(f"anchor: {silence:g} beats of silence before its first note are left out but for part of a bar")
    taken, over = _split(left, LONGEST_ANCHOR_BARS * beats_per_bar)
    if over:
        remarks.append(f"anchor: its first {LONGEST_ANCHOR_BARS} bars are kept, the rest is left out")
    return Fitted(taken, tuple(remarks))


class Spread(NamedTuple):
    """The caller's melody divided among the blocks (sections) of the song.

    Attributes:
        parts: for each block the part of the melody that is played in it.
        beats_left: length, in beats, of the end of the melody that does not fit into the song.
    """

    parts: tuple[tuple[AnchorNote, ...], ...]
    beats_left: float = 0.0

    @property
    def remarks(self) -> tuple[str, ...]:
        """A remark for the caller if the song ends before the melody does; empty otherwise."""
        if not self.beats_left:
            return ()
        return (f"anchor: its last {self.beats_left:g} beats are left out, since the song ends before them",)


def spread_anchor(notes: Sequence[AnchorNote], blocks: Sequence[Block], beats_per_bar: int = BEATS_PER_BAR) -> Spread:
    """Divide the caller's melody among the blocks (sections) of the song, from the first sung block on.

    In an instrumental song the melody begins with the first block that is neither intro nor outro. A note that crosses
    the border of two blocks is played again in the second one.
    """
    spread: list[tuple[AnchorNote, ...]] = [()] * len(blocks)
    left = list(notes)
    for index in range(_first_melodic(blocks), len(blocks)):
        spread[index], left = _split(left, blocks[index].bars * beats_per_bar)
    return Spread(tuple(spread), sum(note.length_beats for note in left))


def _leading_silence(notes: Sequence[AnchorNote]) -> float:
    silence = 0.0
    for note in notes:
        if note.pitch is not None:
            break
        silence += note.length_beats
    return silence


def _first_melodic(blocks: Sequence[Block]) -> int:
    sung = [index for index, block in enumerate(blocks) if block.lines]
    played = [index for index, block in enumerate(blocks) if block.kind not in _EDGES]
    return (sung or played or [0])[0]


def _split(notes: Sequence[AnchorNote], beats: float) -> tuple[tuple[AnchorNote, ...], list[AnchorNote]]:
    """Divide a melody into the part before beat `beats` and the part from that beat on; a note that sounds across the
    border is cut in two.
    """
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

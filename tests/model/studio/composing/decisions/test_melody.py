"""Tests of the directions that the lexical tones of the words prefer for the melody of a section."""

from dataclasses import replace

from model.song import SectionKind
from model.studio.composing.decisions.lines import SungLine
from model.studio.composing.decisions.melody import directions
from model.studio.composing.decisions.pitches import MelodyNote
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.tokens import NO_CHORD

TONES = ((0, 0, 3), (3, 1, 3))
SPEC = SectionSpec(SectionKind.VERSE, 2, lines=TONES, line_bars=(1, 1), words=("a", "b"))
LINES = [SungLine(0, 16, (0, 4, 8), 12), SungLine(16, 32, (16, 20, 24), 28)]
NOTES = [
    MelodyNote(step, NO_CHORD, tone)
    for line, tones in zip(LINES, TONES, strict=True)
    for step, tone in zip(line.onsets, tones, strict=True)
]


def test_a_line_that_is_taken_up_suits_the_tones_of_its_answer() -> None:
    alone = directions(SPEC, LINES, NOTES)
    assert alone[:2] == [0.0, 0.0]
    assert alone[3:] == [1.0, -1.0]
    shared = directions(replace(SPEC, takes_up=(None, 0)), LINES, NOTES)
    assert shared[0] > 0.5 > -0.5 > shared[1]
    assert shared[2:] == alone[2:]


def test_the_same_words_ask_for_nothing_twice() -> None:
    spec = replace(SPEC, lines=(TONES[1], TONES[1]), words=("a", "a"), takes_up=(None, 0))
    notes = [replace(note, tone=tone) for note, tone in zip(NOTES, TONES[1] * 2, strict=True)]
    assert directions(spec, LINES, notes)[:2] == [1.0, -1.0]

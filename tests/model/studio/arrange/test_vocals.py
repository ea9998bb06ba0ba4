from dataclasses import replace

import pytest

from model.song import SectionKind, Syllable
from model.studio.arrange.context import Turn
from model.studio.arrange.vocals import Words, harmony, vocal_parts
from model.studio.notation.score import Chord, Note, Quality, Score
from model.studio.style import Groove, Mode, Style
from model.studio.voice.performance.expression import Accent
from model.studio.voice.performance.manner import manner_of
from model.studio.voice.vocalist import Singer

C, G = Chord(0, Quality.MAJOR), Chord(7, Quality.MAJOR)
STYLE = Style("pop", Groove.POP, Mode.MAJOR, 120.0, 0.5, 6.0, 0.0, 0.4, 0.5, ())
SYLLABLES = (Syllable("你", "ni", 3, 2), Syllable("爱", "ai", 4, 4), Syllable("我", "wo", 3, 3))
MELODY = (
    Note(0, 4, 64, 0),
    Note(4, 2, 65, 1),
    Note(6, 2, 67),
    Note(8, 8, 72, 2),
    Note(24, 4, 72),
)
SCORE = Score(2, MELODY, (C,) * 4 + (G,) * 4)
LAG_SECONDS = manner_of("pop").lag_seconds
MAJOR_SCALE = {0, 2, 4, 5, 7, 9, 11}


def test_one_voice_sings_what_has_words() -> None:
    parts = vocal_parts(Words(SectionKind.VERSE, SYLLABLES), SCORE, STYLE, tonic=0)
    assert {singer: [note.pitch for note in part] for singer, part in parts.items()} == {Singer.LEAD: [64, 65, 67, 72]}


def test_a_melisma_has_no_word_of_its_own() -> None:
    lead = vocal_parts(Words(SectionKind.VERSE, SYLLABLES), SCORE, STYLE, tonic=0)[Singer.LEAD]
    assert [note.utterance is None for note in lead] == [False, False, True, False]
    assert [note.tone for note in lead] == [2, 4, 0, 3]


def test_times_are_those_of_the_tempo_and_its_swing() -> None:
    straight = vocal_parts(Words(SectionKind.VERSE, SYLLABLES), SCORE, STYLE, tonic=0)[Singer.LEAD]
    swinging = vocal_parts(Words(SectionKind.VERSE, SYLLABLES), SCORE, replace(STYLE, swing=0.3), tonic=0)[Singer.LEAD]
    assert [note.start for note in straight[1:]] == pytest.approx([0.5, 0.75, 1.0], abs=LAG_SECONDS)
    assert straight[2].start == 0.75
    assert swinging[2].start == pytest.approx(0.5 + 0.25 * 1.3)


def test_the_first_consonant_of_a_section_is_given_room() -> None:
    lead = vocal_parts(Words(SectionKind.VERSE, SYLLABLES), SCORE, STYLE, tonic=0)[Singer.LEAD]
    bare = vocal_parts(Words(SectionKind.VERSE, SYLLABLES[1:] * 2), SCORE, STYLE, tonic=0)[Singer.LEAD]
    assert 0.0 < lead[0].start <= 0.07
    assert 0.0 <= bare[0].start <= LAG_SECONDS


def test_each_line_falls_and_the_seed_changes_how_it_is_sung() -> None:
    accents = (Accent(0), Accent(0), Accent(0))
    words = Words(SectionKind.VERSE, SYLLABLES, accents)
    sung = [vocal_parts(words, SCORE, STYLE, tonic=0, seed=seed)[Singer.LEAD] for seed in (1, 1, 2)]
    assert sung[0] == sung[1] != sung[2]
    assert [note.ends_line for note in sung[0]] == [False, False, False, True]


def test_a_chorus_is_sung_louder_and_by_more() -> None:
    verse, chorus = (
        vocal_parts(Words(kind, SYLLABLES), SCORE, STYLE, tonic=0) for kind in (SectionKind.VERSE, SectionKind.CHORUS)
    )
    assert set(chorus) == {Singer.LEAD, Singer.BACKING, Singer.DOUBLE}
    assert chorus[Singer.LEAD][0].force > verse[Singer.LEAD][0].force > 0
    assert chorus[Singer.BACKING][0].force < chorus[Singer.LEAD][0].force
    assert [n.pitch for n in chorus[Singer.DOUBLE]] == [n.pitch for n in chorus[Singer.LEAD]]


def test_choruses_grow_from_the_first_to_the_last() -> None:
    first, middle, last = (
        vocal_parts(Words(SectionKind.CHORUS, SYLLABLES, turn=Turn(number, 3)), SCORE, STYLE, tonic=0)
        for number in range(3)
    )
    assert set(first) == {Singer.LEAD, Singer.BACKING}
    assert set(middle) == set(last) == {Singer.LEAD, Singer.BACKING, Singer.DOUBLE}
    forces = [parts[Singer.LEAD][0].force for parts in (first, middle, last)]
    assert forces == sorted(set(forces))


def test_without_words_nobody_sings() -> None:
    assert vocal_parts(Words(SectionKind.INST, ()), Score(1, (Note(0, 4, 60),), (C,) * 4), STYLE, tonic=0) == {}


def test_the_second_voice_keeps_thirds_and_sixths_of_the_key() -> None:
    melody = [Note(2 * i, 2, pitch, i) for i, pitch in enumerate((64, 65, 67, 69, 71, 72, 74, 76))]
    below = harmony(melody, Score(1, tuple(melody), (C,) * 4), 0, minor=False)
    gaps = [high.pitch - low.pitch for high, low in zip(melody, below, strict=True)]
    assert {low.pitch % 12 for low in below} <= MAJOR_SCALE
    assert all(3 <= gap <= 9 and gap != 6 for gap in gaps)
    assert sum(gap in (3, 4, 8, 9) for gap in gaps) >= 6
    assert [low.syllable for low in below] == [high.syllable for high in melody]

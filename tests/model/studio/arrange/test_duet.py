"""Tests of duets: two voices sing the melody of a section in turn."""

from model.song import LyricLine, SectionKind, Syllable, Voice
from model.studio.arrange.duet import Share, as_sung, other_semitones, share_of, whole_tune
from model.studio.arrange.vocals import Words, vocal_parts
from model.studio.notation.score import Chord, Note, Quality, Score
from model.studio.style import Groove, Mode, Style
from model.studio.voice.vocalist import Singer
from tests.support.table import table

STYLE = Style("pop", Groove.POP, Mode.MAJOR, 120.0, 0.5, 6.0, 0.0, 0.4, 0.5, ())
SYLLABLES = tuple(Syllable(text, "la", 1, 1) for text in "春夏秋")
MELODY = (Note(0, 4, 64, 0), Note(4, 4, 65, 1), Note(8, 2, 67), Note(10, 6, 62, 2))
SCORE = Score(1, MELODY, (Chord(0, Quality.MAJOR),) * 4)
SHARES = (Share.OWN, Share.OTHER, Share.BOTH)


@table(
    ("voices", "share"),
    [
        ((), Share.OWN),
        ((Voice.FEMALE,), Share.OWN),
        ((Voice.MALE,), Share.OTHER),
        ((Voice.MALE, Voice.FEMALE), Share.BOTH),
    ],
)
def test_a_line_is_sung_by_the_voices_of_the_plan(voices: tuple[Voice, ...], share: Share) -> None:
    assert share_of(LyricLine("春", SYLLABLES[:1], voices), Voice.FEMALE) is share


@table(("own", "semitones"), [(Voice.FEMALE, -12), (Voice.MALE, 12)])
def test_the_other_voice_sings_an_octave_away(own: Voice, semitones: int) -> None:
    assert other_semitones(own) == semitones


def parts(kind: SectionKind = SectionKind.VERSE) -> dict[Singer, list[float]]:
    vocals = vocal_parts(Words(kind, SYLLABLES, shares=SHARES, other_semitones=-12), SCORE, STYLE, tonic=0)
    return {singer: [note.pitch for note in notes] for singer, notes in vocals.items()}


def test_each_voice_sings_its_lines_and_melismas_follow_them() -> None:
    assert parts() == {Singer.LEAD: [64, 62], Singer.SECOND: [53, 55, 50]}


def test_in_a_chorus_those_behind_sing_all_lines() -> None:
    assert parts(SectionKind.CHORUS)[Singer.DOUBLE] == [64, 65, 67, 62]


def test_the_score_tells_what_is_sung_and_the_tune_comes_once() -> None:
    vocals = vocal_parts(Words(SectionKind.VERSE, SYLLABLES, shares=SHARES, other_semitones=-12), SCORE, STYLE, tonic=0)
    assert [note.pitch for note in as_sung(SCORE, SHARES, -12).melody] == [64, 53, 55, 62]
    assert [note.pitch for note in whole_tune(vocals)] == [64, 53, 55, 62]

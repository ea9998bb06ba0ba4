import pytest

from model.studio.notation.score import Note
from model.training.whole_songs.singing import LineEnding, line_endings, register, tone_moves

TONES = ((1, 4, 3, 5), (3, 1))
TUNE = (
    Note(0, 2, 67, 0),
    Note(2, 2, 69, 1),
    Note(4, 2, 60, 2),
    Note(6, 6, 62, 3),
    Note(16, 2, 60, 4),
    Note(18, 2, 58),
    Note(20, 4, 65, 5),
)


def test_moves_are_those_that_the_tones_of_a_line_decide() -> None:
    moves = list(tone_moves(TUNE, TONES))
    assert [(move.wished, move.rise) for move in moves] == [(1, 7)]


def test_a_melisma_leaves_from_its_last_pitch() -> None:
    held = (Note(0, 4, 72, 0), Note(4, 4, 60), Note(8, 4, 65, 1))
    assert [move.agrees for move in tone_moves(held, ((3, 1),))] == [True]


@pytest.mark.parametrize(("pitch", "agrees"), [(60, False), (59, False), (61, True)])
def test_a_move_agrees_where_it_goes_the_wished_way(pitch: int, agrees: bool) -> None:
    melody = (Note(0, 2, 60, 0), Note(2, 2, pitch, 1))
    assert [move.agrees for move in tone_moves(melody, ((3, 4),))] == [agrees]


def test_the_last_syllable_of_a_line_is_held_against_all_of_them() -> None:
    assert list(line_endings(TUNE, TONES)) == [LineEnding(6, 3.0), LineEnding(4, 4.0)]


def test_register_is_that_of_all_melodies() -> None:
    assert register([TUNE[:1], TUNE[2:3]]) == {"mean": 63.5, "lowest": 60, "highest": 67}

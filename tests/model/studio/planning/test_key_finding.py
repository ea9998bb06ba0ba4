"""Tests of the estimation of a melody's key."""

import pytest

from model.song import AnchorNote
from model.studio.notation.keys import parse_key
from model.studio.planning.key_finding import key_of_melody
from model.studio.style import Mode

MAJOR_TUNE = (60, 64, 67, 69, 67, 65, 64, 62, 60)
MINOR_TUNE = (69, 71, 72, 76, 74, 72, 71, 68, 69)


def tune(pitches: tuple[int, ...], up: int = 0) -> list[AnchorNote]:
    return [AnchorNote(pitch + up, 1.0) for pitch in pitches]


@pytest.mark.parametrize("up", range(12))
@pytest.mark.parametrize(("pitches", "home"), [(MAJOR_TUNE, "C major"), (MINOR_TUNE, "A minor")])
@pytest.mark.parametrize("expected", Mode)
def test_a_plain_tune_is_heard_in_its_key(up: int, pitches: tuple[int, ...], home: str, expected: Mode) -> None:
    key = key_of_melody(tune(pitches, up), expected)
    assert key is not None
    assert key.mode is parse_key(home).mode
    assert key.tonic == (parse_key(home).tonic + up) % 12


@pytest.mark.parametrize("expected", Mode)
def test_where_the_tune_leaves_it_open_the_mode_is_the_expected_one(expected: Mode) -> None:
    key = key_of_melody(tune((62, 64, 67, 69)), expected)
    assert key is not None
    assert key.mode is expected


def test_lengths_count_and_rests_do_not() -> None:
    notes = [AnchorNote(62, 4.0), AnchorNote(66, 2.0), AnchorNote(69, 2.0), AnchorNote(60, 0.25), AnchorNote(None, 8.0)]
    key = key_of_melody(notes, Mode.MAJOR)
    assert key is not None
    assert key.name == "D major"


@pytest.mark.parametrize("notes", [[AnchorNote(None, 4.0)], tune(tuple(range(60, 72)))])
def test_rests_and_all_twelve_tones_are_in_no_key(notes: list[AnchorNote]) -> None:
    assert key_of_melody(notes, Mode.MAJOR) is None

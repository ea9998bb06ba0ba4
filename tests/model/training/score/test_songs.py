from pathlib import Path

import numpy as np
import pytest

from model.studio.composing.conditions import UNKNOWN_POSITION, UNKNOWN_REGISTER, Style, TokenKind, register_index
from model.studio.composing.tokens import FIRST_PITCH, HOLD, LOWEST, REST
from model.training.score.songs import (
    Phrase,
    TrainingSong,
    bar_facts,
    home_transpose,
    load_songs,
    place_melody,
    save_songs,
)


def song(*phrases: Phrase, pitch: int = 66, name: str = "one") -> TrainingSong:
    """Return a training song with quarter notes of one pitch over one chord."""
    bars = sum(phrase.bars for phrase in phrases)
    melody = np.tile([FIRST_PITCH + pitch - LOWEST, HOLD, HOLD, REST], 4 * bars)
    return TrainingSong(name, Style.POP, True, 92.0, melody, np.ones(4 * bars, dtype=np.int64), phrases)


def test_songs_come_back_from_their_file(tmp_path: Path) -> None:
    first = song(Phrase(TokenKind.VERSE, 3), Phrase(TokenKind.CHORUS, 2))
    songs = [first, song(Phrase(TokenKind.UNKNOWN, 4), pitch=60, name="two")]
    save_songs(tmp_path / "new" / "songs.npz", songs)
    back = load_songs(tmp_path / "new" / "songs.npz")
    for before, after in zip(songs, back, strict=True):
        assert np.array_equal(before.melody, after.melody)
        assert np.array_equal(before.chords, after.chords)
        assert (before.name, before.style, before.minor) == (after.name, after.style, after.minor)
        assert (before.tempo_bpm, before.phrases) == (after.tempo_bpm, after.phrases)


@pytest.mark.parametrize(("tonic", "minor", "semitones"), [(0, False, 0), (2, False, -2), (9, True, 0), (11, False, 1)])
def test_keys_go_home_the_short_way(tonic: int, minor: bool, semitones: int) -> None:
    assert home_transpose(tonic, minor) == semitones


@pytest.mark.parametrize("minor", [False, True])
def test_every_key_goes_home(minor: bool) -> None:
    assert {(tonic + home_transpose(tonic, minor)) % 12 for tonic in range(12)} == {9 if minor else 0}


@pytest.mark.parametrize("pitch", [30, 54, 66, 90])
def test_a_melody_is_placed_by_octaves_near_the_middle(pitch: int) -> None:
    classes = place_melody([(pitch, 3), (None, 1)] * 40, 0, 10)
    placed = classes[0] - FIRST_PITCH + LOWEST
    assert placed % 12 == pitch % 12
    assert abs(placed - 66) <= 6
    assert classes[1:4].tolist() == [HOLD, HOLD, REST]
    assert len(classes) == 160


def test_a_melody_of_few_notes_is_refused() -> None:
    with pytest.raises(ValueError, match="too few notes"):
        place_melody([(60, 4)] * 39, 0, 10)


def test_bars_know_their_place_in_their_phrase() -> None:
    facts = bar_facts(song(Phrase(TokenKind.VERSE, 3), Phrase(TokenKind.CHORUS, 2)))
    assert facts.bar.tolist() == [0, 1, 2, 0, 1]
    assert facts.left.tolist() == [2, 1, 0, 1, 0]
    assert facts.kind.tolist() == [TokenKind.VERSE] * 3 + [TokenKind.CHORUS] * 2
    assert set(facts.density) == {4}
    assert set(facts.register) == {register_index(66)}


def test_bars_without_annotation_know_no_place() -> None:
    facts = bar_facts(song(Phrase(TokenKind.UNKNOWN, 11)))
    assert len(facts.kind) == 11
    assert set(facts.bar) == set(facts.left) == {UNKNOWN_POSITION}


def test_a_silent_phrase_has_no_register() -> None:
    silent = song(Phrase(TokenKind.VERSE, 2))
    silent.melody[:] = REST
    assert set(bar_facts(silent).register) == {UNKNOWN_REGISTER}

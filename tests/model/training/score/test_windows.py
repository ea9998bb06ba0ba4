import numpy as np
import pytest
import torch

from model.studio.composing.conditions import UNKNOWN_TEMPO, Hint, Style, TokenKind
from model.studio.composing.tokens import FIRST_PITCH
from model.training.score.songs import Phrase, TrainingSong, bar_facts
from model.training.score.windows import BATCH_BARS, Windows, collate, cut

BARS = 32


def song(style: Style = Style.POP) -> TrainingSong:
    melody = np.tile([FIRST_PITCH + 18, 1, FIRST_PITCH + 20, 0], 4 * BARS)
    chords = np.arange(4 * BARS) // 4 % 36 + 1
    phrases = tuple(Phrase(TokenKind.VERSE, 8) for _ in range(BARS // 8))
    return TrainingSong("one", style, False, 92.0, melody, chords, phrases)


def test_a_window_holds_its_bars_of_the_song() -> None:
    whole = song()
    window = cut(whole, bar_facts(whole), 3, 8)
    assert window.chords.tolist() == whole.chords[12:44].tolist()
    assert window.melody.reshape(-1).tolist() == whole.melody[48:176].tolist()
    assert window.hint[0].tolist() == [Hint.ONSET, Hint.HOLD, Hint.ONSET, Hint.REST]
    assert window.per_beat[::4, 0].tolist() == [3, 4, 5, 6, 7, 0, 1, 2]
    assert not window.known.any()


def test_the_tempo_of_standards_is_not_told() -> None:
    standard = song(Style.STANDARD)
    assert cut(standard, bar_facts(standard), 0, 8).per_song[1] == UNKNOWN_TEMPO


def test_batches_repeat_with_their_seed_and_differ_without() -> None:
    first, again, other = (Windows([song()], seed).batch(4, 8) for seed in (1, 1, 2))
    assert torch.equal(first.conditions.hint, again.conditions.hint)
    assert torch.equal(first.chords, again.chords)
    assert not torch.equal(first.chords, other.chords)


def test_a_batch_has_one_of_the_lengths_and_classes_that_are_its_known_classes() -> None:
    batch = Windows([song()], 0).batch(6)
    assert batch.chords.shape[0] == 6
    assert batch.chords.shape[1] in {4 * bars for bars in BATCH_BARS}
    assert torch.equal(batch.known.melody, batch.melody)
    assert set(batch.known.mask.flatten().tolist()) <= {0.0, 1.0}


def test_what_is_told_is_true_or_unknown() -> None:
    batch = Windows([song()], 3).batch(40, 8)
    told = batch.conditions.hint != Hint.UNKNOWN
    onset = batch.melody >= FIRST_PITCH
    assert told.any()
    assert not told.all()
    assert torch.equal((batch.conditions.hint == Hint.ONSET)[told], onset[told])
    assert {TokenKind.VERSE, TokenKind.UNKNOWN} == set(batch.conditions.kind.flatten().tolist())


def test_plain_windows_start_with_a_phrase_and_know_nothing() -> None:
    for window in Windows([song()], 5).plain(8, 8):
        assert window.per_beat[0, 0] == 0
        assert not window.known.any()


def test_windows_of_unequal_length_make_no_batch() -> None:
    whole = song()
    windows = [cut(whole, bar_facts(whole), 0, bars) for bars in (8, 12)]
    with pytest.raises(ValueError, match="same shape"):
        collate(windows)

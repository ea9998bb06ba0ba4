import numpy as np
import pytest

from model.studio.voice.bank import VoiceBank
from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.intonation import pitch_curve
from model.studio.voice.phrasing import SungNote, place
from model.studio.voice.utterance import Utterance

A = Utterance(None, "a")


def _cents(voices: VoiceBank, *notes: SungNote) -> np.ndarray:
    hertz = pitch_curve(place(notes, voices), round(notes[-1].end / FRAME_SECONDS), np.random.default_rng(0))
    return 1200 * np.log2(hertz / 440) + 6900


def _between(cents: np.ndarray, start: float, end: float) -> np.ndarray:
    return cents[round(start / FRAME_SECONDS) : round(end / FRAME_SECONDS)]


@pytest.mark.parametrize("tone", [0, 1, 2, 3, 4, 5])
def test_notes_are_in_tune(voices: VoiceBank, tone: int) -> None:
    notes = [SungNote(0.5 * i, 0.5 * (i + 1), pitch, A, tone) for i, pitch in enumerate((60, 64, 67, 62))]
    cents = _cents(voices, *notes)
    for note in notes:
        assert np.median(_between(cents, note.start, note.end)) == pytest.approx(100 * note.pitch, abs=15)


def test_the_voice_slides_between_notes_without_a_jump(voices: VoiceBank) -> None:
    cents = _cents(voices, SungNote(0.0, 0.5, 60, A), SungNote(0.5, 1.0, 72, A))
    assert np.abs(np.diff(_between(cents, 0.3, 0.8))).max() < 200
    assert _between(cents, 0.6, 0.7).mean() - _between(cents, 0.3, 0.4).mean() == pytest.approx(1200, abs=60)


def test_long_notes_shake_and_short_ones_do_not(voices: VoiceBank) -> None:
    long = _cents(voices, SungNote(0.0, 1.6, 60, A))
    short = _cents(voices, SungNote(0.0, 0.3, 60, A))
    swing = _between(long, 0.8, 1.5)
    crossings = np.count_nonzero(np.diff(np.sign(swing - swing.mean())))
    assert 15 < swing.max() - 6000 < 70
    assert crossings / 2 / 0.7 == pytest.approx(5.5, abs=1.0)
    assert np.ptp(_between(short, 0.2, 0.3)) < 20

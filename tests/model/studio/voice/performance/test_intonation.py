import numpy as np
import pytest

from model.studio.voice.bank import VoiceBank
from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.performance.intonation import pitch_curve
from model.studio.voice.performance.manner import PLAIN, Manner
from model.studio.voice.phrasing import SungNote, place
from model.studio.voice.utterance import Utterance

A = Utterance(None, "a")


STEADY = Manner(vibrato=1.0)


def _cents(voices: VoiceBank, *notes: SungNote, manner: Manner = PLAIN, seed: int = 0) -> np.ndarray:
    frames = round(notes[-1].end / FRAME_SECONDS)
    hertz = pitch_curve(place(notes, voices), frames, manner, np.random.default_rng(seed))
    return 1200 * np.log2(hertz / 440) + 6900


def _between(cents: np.ndarray, start: float, end: float) -> np.ndarray:
    return cents[round(start / FRAME_SECONDS) : round(end / FRAME_SECONDS)]


@pytest.mark.parametrize("tone", [0, 1, 2, 3, 4, 5])
def test_notes_are_in_tune_after_the_trace_of_their_tone(voices: VoiceBank, tone: int) -> None:
    notes = [SungNote(0.5 * i, 0.5 * (i + 1), pitch, A, tone) for i, pitch in enumerate((60, 64, 67, 62))]
    cents = _cents(voices, *notes)
    for note in notes:
        assert np.median(_between(cents, note.start + 0.17, note.end)) == pytest.approx(100 * note.pitch, abs=15)


def test_the_voice_slides_between_notes_without_a_jump(voices: VoiceBank) -> None:
    cents = _cents(voices, SungNote(0.0, 0.5, 60, A), SungNote(0.5, 1.0, 72, A))
    assert np.abs(np.diff(_between(cents, 0.3, 0.8))).max() < 200
    assert _between(cents, 0.6, 0.7).mean() - _between(cents, 0.3, 0.4).mean() == pytest.approx(1200, abs=60)


def test_long_notes_shake_late_and_short_ones_do_not(voices: VoiceBank) -> None:
    long = _cents(voices, SungNote(0.0, 1.6, 60, A), manner=STEADY)
    short = _cents(voices, SungNote(0.0, 0.3, 60, A), manner=STEADY)
    swing = _between(long, 0.9, 1.5)
    crossings = np.count_nonzero(np.diff(np.sign(_calm(swing) - swing.mean())))
    assert 20 < swing.max() - 6000 < 95
    assert crossings / 2 / 0.6 == pytest.approx(5.6, abs=1.5)
    assert np.ptp(_between(long, 0.1, 0.25)) < 0.5 * np.ptp(swing)
    assert np.ptp(_between(short, 0.2, 0.28)) < 35


def test_vibrato_is_never_twice_the_same_and_the_manner_tells_how_often(voices: VoiceBank) -> None:
    notes = [SungNote(1.2 * i, 1.2 * i + 1.0, 60, A) for i in range(30)]
    shares = {}
    extents: list[float] = []
    for chance in (0.0, 0.6, 1.0):
        cents = _cents(voices, *notes, manner=Manner(vibrato=chance))
        extents = [float(np.ptp(_calm(_between(cents, note.start + 0.6, note.end - 0.1)))) for note in notes]
        shares[chance] = np.mean(np.array(extents) > 35)
    assert shares[0.0] == 0.0
    assert 0.2 < shares[0.6] < 0.8 < shares[1.0]
    assert np.std(extents) > 5


def test_wide_intervals_glide_longer(voices: VoiceBank) -> None:
    def glide_frames(semitones: int) -> int:
        straight = Manner(vibrato=0.0)
        cents = _cents(voices, SungNote(0.0, 0.6, 60, A), SungNote(0.6, 1.2, 60 + semitones, A), manner=straight)
        inside = _between(cents, 0.45, 0.75)
        return int(np.count_nonzero((inside > 6000 + 15 * semitones) & (inside < 6000 + 85 * semitones)))

    assert glide_frames(12) > 1.3 * glide_frames(3)


def _calm(cents: np.ndarray) -> np.ndarray:
    """Return a pitch curve in cents, smoothed over seven frames, without the jitter from frame to frame."""
    return np.convolve(cents, np.ones(7) / 7, "same" if len(cents) < 14 else "valid")

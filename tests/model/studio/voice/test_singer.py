import numpy as np
import pytest

from model.studio.voice.bank import VoiceBank
from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.phrasing import SungNote
from model.studio.voice.singer import Timbre, hastened, sing
from model.studio.voice.synthesis import SAMPLE_RATE_HERTZ, Throat, VoiceFrames, VoiceSound
from model.studio.voice.utterance import Utterance
from tests.support.table import table

A, SA, MA = Utterance(None, "a"), Utterance("sa", "sa"), Utterance("ma", "ma")


def _frames(voices: VoiceBank, *notes: SungNote, seed: int = 3) -> VoiceFrames:
    return sing(notes, voices, Timbre(), notes[-1].end, seed)


def _sound(voices: VoiceBank, *notes: SungNote, seed: int = 3) -> np.ndarray:
    sound = VoiceSound(Throat(), _frames(voices, *notes, seed=seed), seed)
    return sound.render(0, sound.samples)


def _level_db(sound: np.ndarray, start: float, end: float) -> float:
    part = sound[round(start * SAMPLE_RATE_HERTZ) : round(end * SAMPLE_RATE_HERTZ)]
    return float(10 * np.log10(np.mean(part**2) + 1e-12))


@pytest.mark.parametrize("name", ["a", "ma", "sa", "ting", "xiong", "zhui"])
@pytest.mark.parametrize("pitch", [52, 64, 76])
def test_a_vowel_is_heard_at_a_singing_level(voices: VoiceBank, name: str, pitch: int) -> None:
    sound = _sound(voices, SungNote(0.5, 1.0, pitch, Utterance(name, name), 1, 1.0))
    assert -27 < _level_db(sound, 0.6, 0.9) < -13
    assert np.abs(sound).max() < 1.2


def test_the_pitch_is_that_of_the_note(voices: VoiceBank) -> None:
    sound = _sound(voices, SungNote(0.5, 1.5, 69, A))[36_000:60_000]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 480_000))
    peak = 300 * 10 + np.argmax(spectrum[300 * 10 : 600 * 10])
    assert 1200 * np.log2(peak / 10 / 440) == pytest.approx(0, abs=15)


def test_it_is_silent_before_and_after(voices: VoiceBank) -> None:
    sound = _sound(voices, SungNote(0.2, 0.6, 64, A))
    assert np.abs(sound[: round(0.15 * SAMPLE_RATE_HERTZ)]).max() == 0.0
    assert _level_db(sound, 0.7, 0.75) < -60


def test_a_hiss_stands_before_the_beat(voices: VoiceBank) -> None:
    sound = _sound(voices, SungNote(0.5, 1.0, 64, SA))
    noise, vowel = (np.abs(np.fft.rfft(sound[a : a + 2400])) for a in (21_000, 30_000))
    assert noise[200:].sum() > 2 * noise[:100].sum()
    assert vowel[200:].sum() < vowel[:100].sum()


def test_effort_is_heard(voices: VoiceBank) -> None:
    soft, loud = (_sound(voices, SungNote(0.5, 1.5, 64, A, 0, force)) for force in (0.2, 1.0))
    assert _level_db(loud, 0.8, 1.3) - _level_db(soft, 0.8, 1.3) > 5


def test_a_phrase_is_sung_without_a_gap(voices: VoiceBank) -> None:
    sound = _sound(voices, *(SungNote(0.5 + 0.4 * i, 0.9 + 0.4 * i, 60 + 2 * i, u) for i, u in enumerate((A, MA, A))))
    levels = [_level_db(sound, at, at + 0.02) for at in np.arange(0.6, 1.6, 0.02)]
    assert min(levels) > max(levels) - 24


def test_it_breathes_where_there_is_time(voices: VoiceBank) -> None:
    rested = _sound(voices, SungNote(0.2, 0.6, 64, A), SungNote(1.6, 2.0, 64, A))
    assert -75 < _level_db(rested, 1.3, 1.5) < -35


def test_the_same_seed_sings_the_same_and_another_does_not(voices: VoiceBank) -> None:
    notes = (SungNote(0.5, 1.5, 64, MA), SungNote(1.5, 2.5, 66, SA))
    assert np.array_equal(_sound(voices, *notes), _sound(voices, *notes))
    assert not np.array_equal(_sound(voices, *notes), _sound(voices, *notes, seed=4))


def test_without_notes_there_is_silence(voices: VoiceBank) -> None:
    sound = VoiceSound(Throat(), sing((), voices, Timbre(), 1.0, 0), 0)
    assert np.abs(sound.render(0, sound.samples)).max() == 0.0


def test_every_recorded_syllable_can_be_sung_on_any_length(voices: VoiceBank) -> None:
    for length in (0.06, 0.3):
        notes = [
            SungNote(0.5 + length * i, 0.5 + length * (i + 1), 60 + i % 7, Utterance(name, name), i % 6)
            for i, name in enumerate(sorted(voices.syllables))
        ]
        frames = _frames(voices, *notes)
        assert np.isfinite(frames.harmonic_db).all()
        assert len(frames.f0_hertz) * FRAME_SECONDS > notes[-1].end


def test_a_hastened_consonant_keeps_its_burst_its_end_and_its_power() -> None:
    sound = np.random.default_rng(0).standard_normal(7200).astype(np.float32)
    sound[:1200] *= 8
    short = hastened(sound, 3600)
    assert len(short) == 3600
    assert np.sqrt(np.mean(short[100:500] ** 2)) == pytest.approx(8, rel=0.3)
    assert np.sqrt(np.mean(short[1200:] ** 2)) == pytest.approx(1, rel=0.3)


@table("length", [1, 239, 240, 241, 7199])
def test_a_consonant_is_hastened_to_any_length(length: int) -> None:
    short = hastened(np.ones(7200, np.float32), length)
    assert short.shape == (length,)
    assert np.isfinite(short).all()

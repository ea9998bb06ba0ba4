from dataclasses import replace

import numpy as np
import pytest

from model.studio.sound.tones import ENDLESS, Brightness, Tone, ToneCache
from model.studio.sound.zones import SAMPLE_RATE_HERTZ, Envelope, Sweep, Zone
from tests.support.table import table

HELD = Envelope(0.0, 0.0, 0.0, 0.0, 0.0, 0.1)
PLUCKED = replace(HELD, decay_seconds=0.5, sustain_db=100.0)
PERIOD = 100
RATE_HERTZ = 24_000
SINE = np.sin(np.arange(20 * PERIOD) * 2 * np.pi / PERIOD).astype(np.float32)
LOOPED = Zone(0, 127, 0, 60.0, (10 * PERIOD, 20 * PERIOD), 0.0, 0.0, 0, HELD, 20_000.0, 0.0, None)
ONE_SHOT = replace(LOOPED, loop=None)


def _tone(zone: Zone = LOOPED, pitch: int = 60, brightness: Brightness = Brightness.LOUD) -> Tone:
    return Tone(SINE, RATE_HERTZ, zone, pitch, brightness)


def _hertz(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**20))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HERTZ / 2**20


@table(("pitch", "hertz"), [(48, 120.0), (60, 240.0), (67, 359.6), (72, 480.0)])
def test_a_tone_sounds_at_its_pitch(pitch: int, hertz: float) -> None:
    assert _hertz(_tone(pitch=pitch).read(0, 48_000)) == pytest.approx(hertz, rel=0.0006)


def test_a_loop_goes_on_without_a_step() -> None:
    sound = _tone(pitch=63).read(0, 60_000)
    assert _tone(pitch=63).length == ENDLESS
    assert np.abs(np.diff(sound[1_000:])).max() < 2 * np.pi * 290 / SAMPLE_RATE_HERTZ


def test_a_loop_repeats_itself_for_as_long_as_the_tone_is_held() -> None:
    sound = _tone(pitch=60).read(0, 60_000)
    assert np.allclose(sound[4_000:6_000], sound[58_000:60_000], atol=1e-6)


def test_reading_in_pieces_gives_the_same_samples() -> None:
    zone = replace(LOOPED, cutoff_hertz=900.0, sweep=Sweep(2400.0, 0.1, 0.1, 0.3, 0.2))
    whole, pieces = _tone(zone), _tone(zone)
    joined = np.concatenate([pieces.read(at, at + 1_234) for at in range(0, 24_680, 1_234)])
    assert np.array_equal(whole.read(0, 24_680), joined)


def test_a_one_shot_ends_softly_at_its_last_sample() -> None:
    tone = _tone(ONE_SHOT)
    sound = tone.read(0, 100_000)
    assert len(sound) == tone.length == pytest.approx(2 * len(SINE), abs=4)
    assert np.abs(sound[-20:]).max() < 0.1


def test_a_plucked_tone_falls_by_a_hundred_decibels_in_its_decay_time() -> None:
    sound = _tone(replace(LOOPED, envelope=PLUCKED)).read(0, 24_000)
    early, late = np.abs(sound[0:2_400]).max(), np.abs(sound[9_600:12_000]).max()
    assert 20 * np.log10(early / late) == pytest.approx(40, abs=2)


def test_soft_notes_are_darker() -> None:
    zone = replace(LOOPED, cutoff_hertz=1_000.0)
    soft, loud = (_tone(zone, 84, shade).read(0, 24_000) for shade in (Brightness.SOFT, Brightness.LOUD))
    assert np.std(soft) < 0.6 * np.std(loud)


def test_a_sweep_opens_the_filter() -> None:
    closed = replace(LOOPED, cutoff_hertz=60.0)
    opened = replace(closed, sweep=Sweep(4800.0, 0.0, 1.0, 1.0, 0.0))
    assert np.std(_tone(opened).read(0, 24_000)) > 5 * np.std(_tone(closed).read(0, 24_000))


def test_the_cache_shares_tones_and_forgets_the_oldest_above_its_limit() -> None:
    cache = ToneCache(limit_bytes=100_000)
    first = cache.get(LOOPED, 60, Brightness.LOUD, 0, _tone)
    assert cache.get(LOOPED, 60, Brightness.LOUD, 0, _tone) is first
    first.read(0, 40_000)
    cache.get(LOOPED, 61, Brightness.LOUD, 0, _tone)
    assert cache.get(LOOPED, 60, Brightness.LOUD, 0, _tone) is not first

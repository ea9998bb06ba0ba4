"""Tests of the synthesised instruments."""

import numpy as np

from model.studio.sound.bank import InstrumentBank
from model.studio.sound.oscillators import compute_instruments
from model.studio.sound.sampler import SampledNote, Sampler
from model.studio.style import DRUM_KITS, Instrument
from tests.support.table import table

KITS = sorted(DRUM_KITS - {Instrument.DRUM_KIT})
SECOND = 48_000


def strike(bank: InstrumentBank, kit: Instrument, key: int) -> np.ndarray:
    sampler = Sampler(bank, kit)
    sampler.start([SampledNote(0, 0, key, 120)])
    return sampler.render(0, SECOND)


def centroid_hertz(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound.sum(axis=0))) ** 2
    return float(np.average(np.fft.rfftfreq(sound.shape[1], 1 / SECOND), weights=power))


def test_samples_are_the_same_every_time_and_peak_at_a_finite_level() -> None:
    first, again = compute_instruments(3), compute_instruments.__wrapped__(3)
    assert all(np.array_equal(a, b) for a, b in zip(first.samples, again.samples, strict=True))
    assert all(0 < np.abs(sample).max() < 4 for sample in first.samples)


def test_zones_point_at_the_samples_behind_the_recorded_ones() -> None:
    computed = compute_instruments(100)
    used = {zone.sample for instrument in computed.instruments.values() for zone in instrument.zones}
    assert used == set(range(100, 100 + len(computed.samples)))


@table("kit", KITS)
def test_a_computed_kit_has_low_kicks_and_high_hats(bank: InstrumentBank, kit: Instrument) -> None:
    kick, snare, hat = (centroid_hertz(strike(bank, kit, key)) for key in (36, 38, 42))
    assert kick < 400 < snare < hat


@table("kit", KITS)
def test_every_piece_of_a_drum_pattern_is_in_the_computed_kits(bank: InstrumentBank, kit: Instrument) -> None:
    for key in (36, 37, 38, 39, 41, 42, 44, 45, 46, 47, 49, 50, 51, 54, 70, 81):
        level = np.sqrt((strike(bank, kit, key)[:, : SECOND // 10] ** 2).mean())
        assert 0.003 < level < 1.0


@table("pitch", [40, 65, 90])
def test_a_chip_wave_has_no_sound_between_its_harmonics(bank: InstrumentBank, pitch: int) -> None:
    sampler = Sampler(bank, Instrument.CHIP_SQUARE)
    sampler.start([SampledNote(0, 2 * SECOND, pitch, 127)])
    sound = sampler.render(0, 2 * SECOND).sum(axis=0)[SECOND:]
    power = np.abs(np.fft.rfft(sound * np.blackman(SECOND))) ** 2
    hertz = np.fft.rfftfreq(SECOND, 1 / SECOND)
    place = hertz / (440.0 * 2.0 ** ((pitch - 69) / 12.0))
    between = (np.abs(place - np.round(place)) > 0.3) & (hertz > 100)
    assert power[between].sum() < 2e-4 * power.sum()

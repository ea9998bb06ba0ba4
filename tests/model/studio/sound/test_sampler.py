import numpy as np
import pytest

from model.studio.sound.bank import InstrumentBank
from model.studio.sound.sampler import SampledNote, Sampler
from model.studio.style import DRUM_KITS, Instrument
from model.training.instruments.measures import cents_off, momentary_lufs
from tests.support.table import table

SECOND = 48_000
OPEN_HAT, CLOSED_HAT, SNARE = 46, 42, 38
MELODIC = [instrument for instrument in Instrument if instrument not in DRUM_KITS]
BASSES = (Instrument.ACOUSTIC_BASS, Instrument.FINGER_BASS, Instrument.SYNTH_BASS, Instrument.CHIP_BASS)


def _play(bank: InstrumentBank, instrument: Instrument, *notes: SampledNote, seconds: float = 2.0) -> np.ndarray:
    sampler = Sampler(bank, instrument)
    sampler.start(notes)
    return sampler.render(0, int(seconds * SECOND))


def _level(sound: np.ndarray, start: float, stop: float) -> float:
    return float(np.sqrt(np.square(sound[:, int(start * SECOND) : int(stop * SECOND)]).mean()))


@table("instrument", MELODIC)
def test_every_instrument_plays_in_tune(bank: InstrumentBank, instrument: Instrument) -> None:
    pitches = (31, 38, 43) if instrument in BASSES else (57, 64, 72)
    for pitch in pitches:
        sound = _play(bank, instrument, SampledNote(0, SECOND, pitch, 120), seconds=1.0)
        assert abs(cents_off(sound, pitch)) < 10


@table("instrument", MELODIC)
def test_instruments_are_about_equally_loud(bank: InstrumentBank, instrument: Instrument) -> None:
    pitches = (31, 38, 43) if instrument in BASSES else (57, 64, 72)
    notes = [_play(bank, instrument, SampledNote(0, SECOND, pitch, 127), seconds=1.0) for pitch in pitches]
    assert np.mean([momentary_lufs(note) for note in notes]) == pytest.approx(-20, abs=2)


def test_a_note_that_is_let_go_dies_away(bank: InstrumentBank) -> None:
    sound = _play(bank, Instrument.ORGAN, SampledNote(0, SECOND, 60, 100))
    assert _level(sound, 1.5, 2.0) < 0.001 * _level(sound, 0.5, 0.9)


def test_the_end_of_a_note_has_no_click(bank: InstrumentBank) -> None:
    sound = _play(bank, Instrument.FLUTE, SampledNote(0, SECOND, 72, 100))
    jumps = np.abs(np.diff(sound[0]))
    assert jumps[SECOND - 100 :].max() <= 1.2 * jumps[SECOND // 2 : SECOND - 100].max()
    assert sound[0, -1] == 0.0


def test_harder_is_louder(bank: InstrumentBank) -> None:
    soft, hard = (_play(bank, Instrument.PIANO, SampledNote(0, SECOND, 60, v)) for v in (50, 110))
    assert _level(hard, 0, 1) > 2 * _level(soft, 0, 1)


def test_a_closed_hat_silences_the_open_one(bank: InstrumentBank) -> None:
    ringing = SampledNote(0, 0, OPEN_HAT, 100)
    alone = _play(bank, Instrument.DRUM_KIT, ringing)
    choked = _play(bank, Instrument.DRUM_KIT, ringing, SampledNote(4_800, 0, CLOSED_HAT, 1))
    assert _level(choked, 0.2, 0.4) < 0.1 * _level(alone, 0.2, 0.4)


def test_a_snare_does_not_silence_the_open_hat(bank: InstrumentBank) -> None:
    hat, snare = SampledNote(0, 0, OPEN_HAT, 100), SampledNote(4_800, 0, SNARE, 90)
    both, apart = (
        _play(bank, Instrument.DRUM_KIT, hat, snare),
        _play(bank, Instrument.DRUM_KIT, hat) + _play(bank, Instrument.DRUM_KIT, snare),
    )
    assert np.allclose(both, apart, atol=1e-6)


def test_a_key_struck_again_lets_go_of_the_note_before(bank: InstrumentBank) -> None:
    first, again = SampledNote(0, 2 * SECOND, 60, 100), SampledNote(SECOND // 2, 2 * SECOND, 60, 100)
    both = _play(bank, Instrument.ORGAN, first, again)
    assert _level(both, 1.5, 2.0) == pytest.approx(_level(_play(bank, Instrument.ORGAN, again), 1.5, 2.0), rel=0.01)


def test_it_is_silent_once_everything_has_died_away(bank: InstrumentBank) -> None:
    sampler = Sampler(bank, Instrument.KOTO)
    silent = [sampler.is_silent]
    sampler.start([SampledNote(0, 4_800, 60, 100)])
    silent.append(sampler.is_silent)
    sampler.render(0, 10 * SECOND)
    assert [*silent, sampler.is_silent] == [True, False, True]


def _hits(bank: InstrumentBank, instrument: Instrument, pitch: int, *velocities: int) -> list[np.ndarray]:
    """Return the sound of one note for each velocity, played half a second apart: the first 9,600 samples of each
    note.
    """
    half = SECOND // 2
    notes = [SampledNote(place * half, place * half + 9_600, pitch, v) for place, v in enumerate(velocities)]
    sound = _play(bank, instrument, *notes, seconds=len(notes) / 2)[0]
    return [sound[place * half :][:9_600] for place in range(len(notes))]


@pytest.mark.parametrize(("instrument", "pitch"), [(Instrument.DRUM_KIT, SNARE), (Instrument.PIANO, 60)])
def test_no_two_hits_are_the_same(bank: InstrumentBank, instrument: Instrument, pitch: int) -> None:
    hits = _hits(bank, instrument, pitch, *[100] * 6)
    like = np.corrcoef(hits)[np.triu_indices(6, 1)]
    assert like.max() < 1 - 1e-6
    again = _hits(bank, instrument, pitch, *[100] * 6)
    assert np.array_equal(hits, again)


def test_harder_is_brighter_within_a_shade_and_beyond(bank: InstrumentBank) -> None:
    def highs(velocity: int) -> float:
        power = np.mean(
            [np.abs(np.fft.rfft(hit)) ** 2 for hit in _hits(bank, Instrument.PIANO, 60, *[velocity] * 6)], 0
        )
        return float(10 * np.log10(power[600:].sum() / power[:600].sum()))

    heard = [highs(velocity) for velocity in (45, 70, 95, 125)]
    assert heard == sorted(heard)
    assert heard[-1] - heard[-2] > 0.5

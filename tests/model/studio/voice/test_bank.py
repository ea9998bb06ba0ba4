import shutil
from pathlib import Path

import numpy as np
import pytest

from model.engine import EngineUnavailable
from model.studio.voice import bank as bank_module
from model.studio.voice.bank import VoiceBank, packed, unpacked
from model.studio.voice.envelope import BANDS, NOISE_HERTZ, band_hertz

SHIPPED = Path(bank_module.__file__).parent / "recordings"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "recordings"))


def test_every_take_has_a_vowel_to_hold(voices: VoiceBank) -> None:
    for take in (take for name in voices.syllables for take in voices.takes(name)):
        assert take.envelope.shape == (len(take.noise), BANDS)
        assert take.noise.shape[1] == len(NOISE_HERTZ)
        assert 0 <= take.nucleus <= take.hold[0] <= take.hold[1] < len(take.envelope)
        assert 0.0 <= take.noise.min() <= take.noise.max() <= 1.0


def test_consonants_are_where_speech_has_them(voices: VoiceBank) -> None:
    assert {len(voices.take(name).consonant) for name in ("ma", "na", "la", "a", "wo", "yi")} == {0}
    assert min(voices.take(name).nucleus for name in ("ma", "na", "la", "ren")) > 0
    assert voices.take("sa").nucleus == 0
    assert len(voices.take("sa").consonant) > len(voices.take("da").consonant) > 0


def test_most_syllables_have_several_takes_of_other_tones_and_pitches(voices: VoiceBank) -> None:
    several = [voices.takes(name) for name in voices.syllables if len(voices.takes(name)) > 1]
    assert len(several) > 0.9 * len(voices.syllables)
    assert all(len({take.tone for take in takes}) == len(takes) and takes[0].tone == 1 for takes in several)
    assert np.mean([takes[0].hertz > takes[1].hertz for takes in several]) > 0.9


def test_frames_are_packed_without_loss() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (50, BANDS + len(NOISE_HERTZ)), dtype=np.uint8)
    assert np.array_equal(unpacked(packed(frames)), frames)


def test_vowels_are_equally_loud(voices: VoiceBank) -> None:
    widths = np.gradient(band_hertz())
    levels = []
    for name in voices.syllables:
        take = voices.take(name)
        held = take.envelope[take.hold[0] : take.hold[1] + 1]
        levels.append(10 * np.log10((10 ** (held / 10)).mean(0) @ widths))
    assert np.percentile(levels, 95) - np.percentile(levels, 5) < 9.0


def test_an_open_vowel_differs_from_a_close_one(voices: VoiceBank) -> None:
    def first_resonance(name: str) -> float:
        take = voices.take(name)
        held = take.envelope[take.hold[0] : take.hold[1] + 1].mean(0)
        low = (band_hertz() > 250) & (band_hertz() < 1300)
        return float(band_hertz()[low][np.argmax(held[low])])

    assert first_resonance("a") > 1.5 * first_resonance("yi")


def test_the_vowel_is_held_rather_than_the_glide_before_it(voices: VoiceBank) -> None:
    low = (band_hertz() > 200) & (band_hertz() < 1100)
    openness = []
    for name in voices.syllables:
        if name.endswith(("ie", "ian", "uan", "iang", "uang", "iao", "uai")):
            for take in voices.takes(name):
                power = 10 ** (take.envelope[:, low] / 10)
                formant = np.convolve(power @ band_hertz()[low] / power.sum(1), np.ones(7) / 7, "same")
                vowel = formant[take.nucleus + 8 : take.nucleus + round(0.6 * (len(formant) - take.nucleus))]
                openness.append(formant[take.hold[0] : take.hold[1] + 1].mean() / vowel.max())
    assert np.mean(np.array(openness) > 0.85) > 0.95


@pytest.mark.parametrize("name", ["frames.zlib", "consonants.ogg", "voice.json"])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(EngineUnavailable, match=f"{name}.*restore"):
        VoiceBank.load(copied)


@pytest.mark.parametrize("name", ["frames.zlib", "consonants.ogg", "voice.json"])
def test_a_damaged_file_is_named(copied: Path, name: str) -> None:
    (copied / name).write_bytes(b"\x00" * 100)
    with pytest.raises(EngineUnavailable, match=name):
        VoiceBank.load(copied)

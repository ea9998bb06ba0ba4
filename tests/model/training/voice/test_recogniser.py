import numpy as np
import pytest
import torch

from model.studio.voice.bank import VoiceBank
from model.training.voice.recogniser import BANDS, Recogniser, features, train, understood
from model.training.voice.syllables import final_of
from tests.support.table import table

NAMES = ("ba", "shi", "xiong", "a")


def _spectra(count: int, seed: int) -> tuple[list[np.ndarray], list[str]]:
    """Return random spectra and their syllables; each syllable has one band that is loud at first, and another that is
    loud later.
    """
    generator = np.random.default_rng(seed)
    spectra, names = [], []
    for index in range(count):
        name = index % len(NAMES)
        sound = generator.normal(-2.0, 0.2, (int(generator.integers(30, 60)), BANDS)).astype(np.float32)
        sound[:10, 4 + 10 * name] += 2
        sound[10:, 44 - 10 * name] += 2
        spectra.append(sound)
        names.append(NAMES[name])
    return spectra, names


@table(
    ("syllable", "final"),
    [
        ("xiu", "iou"),
        ("yuan", "van"),
        ("juan", "van"),
        ("shi", "-i"),
        ("wo", "uo"),
        ("bo", "uo"),
        ("lv", "v"),
        ("nve", "ve"),
        ("xue", "ve"),
        ("wen", "uen"),
        ("lun", "uen"),
        ("ying", "ing"),
        ("er", "er"),
    ],
)
def test_finals_are_those_that_are_spoken(syllable: str, final: str) -> None:
    assert final_of(syllable) == final


def test_there_are_as_many_finals_as_mandarin_has() -> None:
    assert 35 <= len({final_of(syllable) for syllable in VoiceBank.load().syllables}) <= 41


def test_features_follow_the_sound() -> None:
    time = np.arange(16_000) / 16_000
    low, high = (features(np.sin(2 * np.pi * hertz * time).astype(np.float32)) for hertz in (300, 4000))
    assert low.shape[1] == BANDS
    assert low.shape[0] == pytest.approx(100, abs=5)
    assert low[50].argmax() < high[50].argmax()
    assert low.max() == 0.0


def test_it_learns_to_tell_sounds_apart_and_says_how_well() -> None:
    torch.manual_seed(0)
    model = Recogniser(NAMES)
    spectra, names = _spectra(256, 1)
    unheard, truth = _spectra(64, 2)
    before = understood(model.eval(), unheard, truth).syllable[0]
    train(model, spectra, names, epochs=12, seed=0)
    after = understood(model, unheard, truth)
    assert before < 0.8
    assert after.syllable[0] > 0.95
    assert after.syllable[1] == 1.0

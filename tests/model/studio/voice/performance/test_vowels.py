import numpy as np

from model.studio.voice.bank import Take, VoiceBank
from model.studio.voice.performance.vowels import unrest, vowel_path
from model.studio.voice.take_choice import TakeChooser
from tests.support.table import table


@table("name", ["tiao", "hao", "lai", "guang", "wei"])
def test_a_long_diphthong_is_one_syllable(name: str) -> None:
    take = VoiceBank.load().take(name)
    path = vowel_path(take, 300, np.random.default_rng(0))
    held = np.flatnonzero((path > take.hold[0] - 8) & (path < take.hold[1] + 8))
    assert len(path) == 300
    assert held[0] <= 16
    assert 300 - held[-1] <= 42
    assert path[0] == take.nucleus
    assert path[-1] == len(take.envelope) - 1


def test_a_held_vowel_moves_without_leaving_its_place(voices: VoiceBank) -> None:
    take = voices.take("ma")
    path = vowel_path(take, 200, np.random.default_rng(0), held=True)
    assert take.hold[0] - 6 <= path.min() < path.max() <= take.hold[1] + 6
    assert np.std(np.diff(path)) > 0.05


def test_unrest_is_slight_and_without_drift() -> None:
    spectrum, level = unrest(4000, np.random.default_rng(0))
    assert 0.3 < spectrum.std() < 2.0
    assert abs(spectrum.mean()) < 0.1
    assert level.std() < 0.5


def test_takes_change_when_a_syllable_returns(voices: VoiceBank) -> None:
    chooser = TakeChooser(voices)
    several = [name for name in sorted(voices.syllables) if len(voices.takes(name)) > 1]
    changed = [len({chooser.choose(name, 62, 60, 1, bound=False).tone for _ in range(3)}) > 1 for name in several]
    assert np.mean(changed) > 0.6


def test_takes_are_chosen_by_tone_and_pitch(voices: VoiceBank) -> None:
    names = [name for name in sorted(voices.syllables) if len(voices.takes(name)) > 2]

    def chosen(tone: int, pitch: float, frames: int = 60) -> list[Take]:
        return [TakeChooser(voices).choose(name, pitch, frames, tone, bound=False) for name in names]

    assert np.mean([take.hertz for take in chosen(0, 48)]) < np.mean([take.hertz for take in chosen(0, 76)])
    shares = [np.mean([take.tone == 2 for take in chosen(tone, 58)]) for tone in (1, 2)]
    assert shares[0] < shares[1]

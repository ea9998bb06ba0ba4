from pathlib import Path

import numpy as np
import pytest

from model.studio.voice.english_voice.units import OVERLAP_FRAMES
from model.studio.voice.envelope import BANDS
from model.training.voice.build_english_voice import lengthened
from model.training.voice.english_speech import Phrase, Spoken, decoded

WORD = ("l", "ah", "v")
TICKS = 50_000
"""Number of ticks (100 ns each) in a frame."""


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Write files in the format of hts_engine, and return their paths: 5 frames each of silence, l, ah, v and silence,
    each of these sounds 10 dB louder than the one before.
    """
    cepstra = np.zeros((25, 45), np.float32)
    cepstra[:, 0] = np.repeat(np.arange(5), 5) * 10 * np.log(10) / 20
    pitch = np.where(np.repeat([False, True, True, False, False], 5), 5.2, -1e10).astype(np.float32)
    names = ["pau", *WORD, "pau"]
    rows = [f"{5 * i * TICKS} {5 * (i + 1) * TICKS} x^x-{name}+x=x@1" for i, name in enumerate(names)]
    paths = (tmp_path / "a.mgc", tmp_path / "a.lf0", tmp_path / "a.dur")
    cepstra.tofile(paths[0])
    pitch.tofile(paths[1])
    paths[2].write_text("\n".join(rows))
    return paths


def test_a_word_is_found_in_what_was_spoken(written: tuple[Path, Path, Path]) -> None:
    spoken = decoded(*written, Phrase(WORD, "", ""))
    assert spoken.ends == (5, 10, 15)
    assert spoken.voiced.tolist() == [True] * 10 + [False] * 5
    assert np.allclose(spoken.envelope, np.repeat([10.0, 20.0, 30.0], 5)[:, None], atol=1e-3)


def test_another_word_is_refused(written: tuple[Path, Path, Path]) -> None:
    with pytest.raises(ValueError, match="the phones pau l ah v pau instead of s ah v"):
        decoded(*written, Phrase(("s", "ah", "v"), "", ""))


def test_a_short_vowel_is_lengthened_and_a_long_one_kept() -> None:
    frames = np.repeat(np.arange(30.0)[:, None], BANDS, axis=1)
    spoken = Spoken(frames, frames[:, 0] < 20, (10, 15, 30))
    longer = lengthened(spoken, 1)
    assert longer.ends == (10, 10 + 2 * OVERLAP_FRAMES, 25 + 2 * OVERLAP_FRAMES)
    assert longer.envelope[:, 0].tolist()[:11] == list(range(11))
    assert set(longer.envelope[10 : longer.ends[1], 0]) == set(range(10, 15))
    assert lengthened(longer, 1).ends == longer.ends

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from model.engine import EngineUnavailable
from model.song import Syllable, Voice
from model.studio.voice.bank import Take, VoiceBank
from model.studio.voice.english import PHONE_CODES, VOWELS
from model.studio.voice.english_voice import units
from model.studio.voice.english_voice.names import named
from model.studio.voice.envelope import BANDS, NOISE_HERTZ
from model.studio.voice.performance.vowels import vowel_path
from model.studio.voice.phrasing import SungNote, place
from model.studio.voice.pronouncing import utterance_of
from model.studio.voice.singer import sing
from model.studio.voice.vocalist import TIMBRES
from tests.support.table import table

CONSONANTS = sorted(set(PHONE_CODES) - VOWELS)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(units.FOLDER, tmp_path / "recordings"))


def _take(voices: VoiceBank, reading: str) -> Take:
    return voices.take(named(reading))


def _line(*readings: tuple[str, int], seconds: float = 0.5) -> list[SungNote]:
    return [
        SungNote(
            0.3 + i * seconds, 0.3 + (i + 1) * seconds, 64.0, utterance_of(Syllable("x", reading, tone, tone)), tone
        )
        for i, (reading, tone) in enumerate(readings)
    ]


def test_every_consonant_stands_before_and_after_every_vowel(voices: VoiceBank) -> None:
    for consonant in CONSONANTS:
        for vowel in VOWELS:
            take = _take(voices, f"{consonant} {vowel} {consonant}")
            assert take.envelope.shape == (len(take.noise), BANDS)
            assert take.noise.shape[1] == len(NOISE_HERTZ)
            assert take.ending is not None
            assert 0 < take.nucleus < take.hold[0] < take.hold[1] < take.ending < len(take.envelope)


@table(
    ("reading", "first", "last"),
    [
        ("s t r iy t", False, False),
        ("m uw n", True, True),
        ("l ah v", True, True),
        ("hh aw s", True, False),
        ("ay m", True, True),
    ],
)
def test_consonants_are_voiced_as_in_speech(voices: VoiceBank, reading: str, first: bool, last: bool) -> None:
    take = _take(voices, reading)
    assert (take.is_voiced(8), take.is_voiced(-6 if last else -3)) == (first, last)
    assert take.is_voiced(take.hold[0])


def test_consonants_that_no_word_has_together_follow_each_other(voices: VoiceBank) -> None:
    strange = _take(voices, "zh m v aa b zh th")
    assert strange.nucleus > _take(voices, "v aa").nucleus
    assert strange.ending is not None
    assert len(strange.envelope) - strange.ending > 20


def test_final_consonants_keep_their_pace_on_a_long_note(voices: VoiceBank) -> None:
    take = _take(voices, "s t r iy t")
    assert take.ending is not None
    path = vowel_path(take, 400, np.random.default_rng(0))
    coda = path[path >= take.ending]
    assert abs(len(coda) - (len(take.envelope) - take.ending)) <= 2
    assert vowel_path(take, 6, np.random.default_rng(0))[-1] == len(take.envelope) - 1


def test_a_final_consonant_is_heard_at_the_end_of_a_line(voices: VoiceBank) -> None:
    def level(reading: str) -> float:
        notes = _line((reading, 0))
        frames = sing(notes, voices, TIMBRES[Voice.FEMALE], notes[-1].end, seed=1)
        end = place(notes, voices)[0].stop
        return float(frames.noise_db[end - 12 : end, 40:].mean())

    assert level("hh aw s") > level("hh aw") + 20


def test_chinese_and_english_share_a_line(voices: VoiceBank) -> None:
    notes = _line(("wo", 3), ("l ah v", 0), ("ni", 3), ("s ow", 0), ("duo", 1))
    placed = place(notes, voices)
    assert all(before.end <= after.begin for before, after in pairwise(placed))
    frames = sing(notes, voices, TIMBRES[Voice.FEMALE], notes[-1].end, seed=1)
    assert np.isfinite(frames.harmonic_db).all()
    assert np.isfinite(frames.noise_db).all()
    loud = [frames.harmonic_db[p.vowel + 5 : p.vowel + 40].max(1).mean() for p in placed]
    assert max(loud) - min(loud) < 12


def test_chinese_needs_no_english_units(voices: VoiceBank, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> units.Units:
        raise AssertionError

    monkeypatch.setattr(units, "load", never)
    notes = _line(("wo", 3), ("ai", 4), ("ni", 3))
    assert sing(notes, voices, TIMBRES[Voice.FEMALE], notes[-1].end, seed=1).clips == ()


def test_frames_are_packed_without_loss() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (50, 70), dtype=np.uint8)
    assert np.array_equal(units.unpacked(units.packed(frames), 70), frames)


@table(
    ("name", "content", "message"),
    [
        (units.FRAMES_NAME, None, r"units.zlib cannot be read.*restore"),
        (units.FRAMES_NAME, b"x", r"does not match its checksum.*build_english_voice"),
        (units.TABLE_NAME, b"{}", r"units.json is damaged.*restore"),
    ],
)
def test_damaged_units_are_named(copied: Path, name: str, content: bytes | None, message: str) -> None:
    folder = Path(shutil.copytree(copied, copied.with_name(f"{name}-{content!r}")))
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(EngineUnavailable, match=message):
        units.load(folder)


def test_missing_units_are_found_before_the_first_request(copied: Path) -> None:
    units.check(copied)
    (copied / units.FRAMES_NAME).unlink()
    with pytest.raises(EngineUnavailable, match=r"units.zlib is missing.*restore"):
        units.check(copied)

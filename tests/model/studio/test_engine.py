"""Tests of whole songs: compares the sound of the vocal stem with the scores."""

import io
from functools import cache

import mido
import numpy as np
import pytest

from model.engine import Engine, SectionContext
from model.registry import load_engine
from model.song import SectionScore, SongParams, Stem, Voice
from model.studio.engine import StudioEngine
from tests.support.engine_songs import LYRICS, finish

RATE = 48_000


@cache
def loaded() -> Engine:
    return load_engine("studio", "cpu")


@cache
def song(
    voice: Voice, stems: frozenset[Stem], lyrics: str = LYRICS, seed: int = 5
) -> tuple[np.ndarray, tuple[SectionScore, ...]]:
    """Return the sound [2, samples] of a whole song with only the stems `stems`, and the scores of its sections."""
    engine = loaded()
    plan = engine.plan(SongParams("pop", lyrics, seed, 24.0, steps=10, stems=stems, voice=voice))
    context: SectionContext | None = None
    windows, scores = [], []
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        finish(engine, [state])
        scores.append(engine.score(state))
        windows += list(engine.render(state))
        context = engine.context(state)
    return np.concatenate(windows, axis=1), tuple(scores)


VOCAL = frozenset({Stem.VOCAL})


def _notes(scores: tuple[SectionScore, ...]) -> list[tuple[float, float, int]]:
    """Return for each sung syllable its start and end, in seconds from the start of the song, and the MIDI pitch of its
    first note.
    """
    sung = []
    for score in scores:
        file = mido.MidiFile(file=io.BytesIO(score.midi))
        pitches = [m.note for m in file.tracks[1] if m.type == "note_on"]
        words = [m.type for m in file.tracks[1] if m.type in ("lyrics", "note_on")]
        firsts = [pitch for pitch, had in zip(pitches, _with_words(words), strict=True) if had]
        sung += [(t.start_seconds, t.end_seconds, p) for t, p in zip(score.timings, firsts, strict=True)]
    return sung


def _with_words(events: list[str]) -> list[bool]:
    return [events[i - 1] == "lyrics" for i, event in enumerate(events) if event == "note_on"]


def _level_db(sound: np.ndarray, start: float, end: float) -> float:
    part = sound[:, round(start * RATE) : round(end * RATE)]
    return float(10 * np.log10(np.mean(part**2) + 1e-12))


def _cents_off(sound: np.ndarray, start: float, end: float, pitch: int) -> float:
    """Return the deviation, in cents, of a sung note from the MIDI pitch `pitch`, measured at the strongest of the
    first four harmonics of the sound from `start` to `end` (seconds).
    """
    part = sound.mean(0)[round(start * RATE) : round(end * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * RATE))
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    best = max(range(1, 5), key=lambda h: spectrum[round(8 * h * hertz * 0.98) : round(8 * h * hertz * 1.02)].max())
    low, high = round(8 * best * hertz * 0.94), round(8 * best * hertz * 1.06)
    return float(1200 * np.log2((low + np.argmax(spectrum[low:high])) / 8 / best / hertz))


@pytest.mark.parametrize("voice", list(Voice))
def test_every_syllable_is_heard_on_its_time_and_pitch(voice: Voice) -> None:
    sound, scores = song(voice, VOCAL)
    notes = _notes(scores)
    assert len(notes) == 30
    levels = [_level_db(sound, start + 0.04, min(end, start + 0.16)) for start, end, _ in notes]
    assert min(levels) > np.median(levels) - 12
    cents = [_cents_off(sound, start + 0.05, end, pitch) for start, end, pitch in notes if end - start > 0.2]
    assert len(cents) >= 10
    assert np.median(np.abs(cents)) < 15
    assert np.percentile(np.abs(cents), 90) < 50


def test_the_mans_voice_is_an_octave_lower() -> None:
    pitches = [[pitch for _, _, pitch in _notes(song(voice, VOCAL)[1])] for voice in (Voice.FEMALE, Voice.MALE)]
    assert [high - low for high, low in zip(*pitches, strict=True)] == [12] * 30


def test_a_line_of_the_other_voice_is_heard_in_its_octave() -> None:
    sound, scores = song(Voice.FEMALE, VOCAL, "女：春天醒来花就开\n男：脚步轻轻不怕失败")
    notes = _notes(scores)
    women, men = notes[:7], notes[7:15]
    assert max(pitch for _, _, pitch in men) < min(pitch for _, _, pitch in women) + 12
    assert np.mean([p for _, _, p in women]) - np.mean([p for _, _, p in men]) > 3
    for group in (women, men):
        cents = [_cents_off(sound, start + 0.05, end, pitch) for start, end, pitch in group if end - start > 0.2]
        assert np.median(np.abs(cents)) < 25


def test_without_words_the_lead_player_has_the_tune() -> None:
    tune, _ = song(Voice.FEMALE, VOCAL, "")
    rest, _ = song(Voice.FEMALE, frozenset(Stem) - VOCAL, "")
    assert _level_db(tune, 2.0, 20.0) > -45
    assert _level_db(rest, 2.0, 20.0) > -45


def test_the_voice_stands_above_the_band() -> None:
    medians = []
    for seed in (5, 6, 7):  # in a single song the levels may differ by a decibel
        vocal, scores = song(Voice.FEMALE, VOCAL, seed=seed)
        band, _ = song(Voice.FEMALE, frozenset(Stem) - VOCAL, seed=seed)
        above = [_level_db(vocal, start, end) - _level_db(band, start, end) for start, end, _ in _notes(scores)]
        medians.append(np.median(above))
    assert 0 < np.mean(medians) < 10


def test_the_engine_says_who_and_what_it_sings() -> None:
    info = loaded().info()
    assert isinstance(loaded(), StudioEngine)
    assert info.languages == ("zh", "en")
    assert info.voices == frozenset(Voice)


def test_the_engine_names_whose_voice_and_instruments_are_heard() -> None:
    info = loaded().info()
    assert "LicenseRef-CC-BY-SA" in info.license
    assert info.commercial_use_allowed
    for name in ("Chen Wang", "audio-cmn", "CC BY-SA", "Frank Wen"):
        assert name in info.attribution

"""Converts sung notes to voice frames (pitch, spectral envelope and noise every 5 ms), from which the synthesis makes
sound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.studio.voice.bank import Floats, Take, VoiceBank
from model.studio.voice.envelope import BANDS, NOISE_HERTZ, band_hertz
from model.studio.voice.performance.intonation import pitch_curve
from model.studio.voice.performance.loudness import FORCE_RANGE_DB, effort_db, shape_db
from model.studio.voice.performance.manner import PLAIN, Manner
from model.studio.voice.performance.vowels import unrest, vowel_path
from model.studio.voice.phrasing import Placed, SungNote, frame, place
from model.studio.voice.synthesis import FRAME_SAMPLES, Clip, VoiceFrames, split_noise

_SILENT_DB = -120.0
_TAIL_FRAMES = 24
_RELEASE_FRAMES = 18
_JOIN_FRAMES, _CLOSING_FRAMES = 5, 2
_JOIN_DIP_DB, _GLIDE_DIP_DB = 2.5, 0.0
_USUAL_EFFORT_DB = -5.0
_TILT_PER_DB, _TILT_PER_OCTAVE = 0.38, 1.5
_TILT_RANGE_DB = (0.0, 3.5)
"""Range of the spectral tilt in dB. Soft and low notes keep the timbre of the recordings, because words in a darker
timbre are hard to understand.
"""

_MIDDLE_HERTZ = 330.0
_CONSONANT_FORCE = 0.6
_CLIP_FADE = FRAME_SAMPLES * 2 // 3
_CODA_GAIN = 0.7
_MURMUR_FALL_DB = 8.0
_BREATH_DB = -30.0
_BREATH_FRAMES = 56
_BREATH_GAP_FRAMES = 84
_BREATH_VOWEL = "e"
_EVENING_DB = 24.0

_TILT = np.clip(np.log2(np.maximum(band_hertz(), 1.0) / 1000.0), -1.5, 3.0).astype(np.float32)
_LOUDNESS = (np.where(band_hertz() > 1500, 10**0.4, 1.0) * (band_hertz() > 80)).astype(np.float32)
_GRAIN = np.sin(np.pi * (np.arange(2 * FRAME_SAMPLES) + 0.5) / (2 * FRAME_SAMPLES)).astype(np.float32)
_EFFORT_TILT = np.clip(np.log2(np.maximum(band_hertz(), 1.0) / 600.0), -0.7, 3.2).astype(np.float32)

Path = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timbre:
    """Settings that turn the recorded voice into the voice of one singer.

    Attributes:
        formants: factor on the frequencies of all resonances; below 1 for a longer vocal tract.
        breathiness: factor on the share of noise.
        brightness_db: spectral tilt in dB per octave around 1 kHz.
        level_db: gain in dB on the level of the recordings.
    """

    formants: float = 1.0
    breathiness: float = 1.0
    brightness_db: float = 0.0
    level_db: float = 0.0


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Arrays of the voice frames of a section while they are being filled: spectral envelope, share of noise, and level
    in dB.
    """

    envelope: Floats
    noise: Floats
    gain_db: Floats

    @classmethod
    def blank(cls, frames: int) -> "_Canvas":
        return cls(
            np.full((frames, BANDS), -60.0, np.float32),
            np.full((frames, len(NOISE_HERTZ)), 0.5, np.float32),
            np.full(frames, _SILENT_DB, np.float32),
        )


def sing(
    notes: Sequence[SungNote],
    bank: VoiceBank,
    timbre: Timbre,
    seconds: float,
    seed: int | Sequence[int],
    manner: Manner = PLAIN,
) -> VoiceFrames:
    """Return the voice frames of a section of `seconds` seconds in which one singer sings the notes; without notes the
    frames are silent. `seed` varies breaths, vibrato and pitch drift.

    Raises:
        ValueError: the first note has no utterance.
        KeyError: the bank does not have a recording that an utterance names.
    """
    count = max(frame(seconds), max((frame(note.end) for note in notes), default=0)) + _TAIL_FRAMES
    canvas = _Canvas.blank(count)
    if not notes:
        silent = canvas.envelope + np.float32(_SILENT_DB)
        return VoiceFrames(np.full(count, 220.0), silent, silent)
    generator = np.random.default_rng(seed)
    placed = place(notes, bank)
    f0 = pitch_curve(placed, count, manner, generator)
    breath = bank.take(_BREATH_VOWEL)
    for before, syllable in pairwise([None, *placed]):
        assert syllable is not None
        _breathe(canvas, before, syllable, breath, generator)
        _voice(canvas, syllable, f0, generator)
        _murmur(canvas, syllable)
    for before, syllable in pairwise(placed):
        if syllable.bound_before and syllable.unvoiced_onset is None and _is_sonorous(before, syllable):
            frames = _JOIN_FRAMES if syllable.voiced_onset is None else _CLOSING_FRAMES
            _join(canvas, syllable.vowel - syllable.lead, frames, 0.0 if before.codas else _dip_db(syllable))
    clips = tuple(clip for syllable in placed for clip in _clips(syllable, timbre))
    fluctuation, shimmer = unrest(count, generator)
    level = (canvas.gain_db + shimmer)[:, None] + np.float32(timbre.level_db)
    sounding = canvas.envelope + fluctuation + level + np.float32(timbre.brightness_db + manner.tilt_db) * _TILT
    breathiness = np.float32(timbre.breathiness * manner.breathiness)
    harmonic, noise = split_noise(sounding, np.clip(canvas.noise * breathiness, 0.0, 1.0))
    return VoiceFrames(f0, harmonic, noise, clips)


def _voice(canvas: _Canvas, syllable: Placed, f0: Path, generator: np.random.Generator) -> None:
    """Write the frames of the voiced part of a syllable to the canvas: its voiced consonant, its vowel, and its final
    nasal or glide. `f0` is the fundamental frequency in hertz at every frame of the section.
    """
    take, onset = syllable.take, syllable.voiced_onset
    first, stop = syllable.vowel, min(syllable.stop, len(f0))
    path = vowel_path(take, stop - first, generator, held=syllable.held)
    _lay(canvas, first, take, path)
    lead = syllable.lead if onset is not None else 0
    if onset is not None and lead:
        _lay(canvas, first - lead, onset, np.linspace(0, onset.nucleus, lead, endpoint=False))
    effort = effort_db(syllable, stop - first, lead)
    hertz = float(f0[min(first + (stop - first) // 2, len(f0) - 1)])
    canvas.envelope[first - lead : stop] += _effort_tilt_db(effort, hertz)[:, None] * _EFFORT_TILT
    evening: float | Floats = _evening_db(take, hertz)
    if take.ending is not None:
        evening = evening * np.clip(1.0 - canvas.noise[first - lead : stop, 0], 0.0, 1.0)
    canvas.gain_db[first - lead : stop] = effort + shape_db(syllable, stop - first, lead) + evening


def _effort_tilt_db(effort: Floats, hertz: float) -> Floats:
    """Return the spectral tilt in dB per octave, [frames], by vocal effort and pitch: louder and higher notes have
    stronger high harmonics.
    """
    tilt = _TILT_PER_DB * (effort - _USUAL_EFFORT_DB) + _TILT_PER_OCTAVE * np.log2(hertz / _MIDDLE_HERTZ)
    return np.asarray(np.clip(tilt, *_TILT_RANGE_DB), np.float32)


def _murmur(canvas: _Canvas, syllable: Placed) -> None:
    """Write the frames of the voiced consonants at the end of a syllable (m, n, l, r) to the canvas; each consonant
    gets an equal share of the time.
    """
    share = syllable.ending // max(len(syllable.codas), 1)
    for index, take in enumerate(syllable.codas):
        first = syllable.stop + index * share
        if take.nucleus and share:
            _lay(canvas, first, take, np.linspace(0, 0.7 * take.nucleus, share))
            canvas.gain_db[first : first + share] = canvas.gain_db[first - 1] - np.linspace(0.0, _MURMUR_FALL_DB, share)


def _lay(canvas: _Canvas, first: int, take: Take, path: Path) -> None:
    low = path.astype(np.int64)
    high = np.minimum(low + 1, len(take.envelope) - 1)
    share = (path - low).astype(np.float32)[:, None]
    stop = first + len(path)
    canvas.envelope[first:stop] = take.envelope[low] * (1 - share) + take.envelope[high] * share
    canvas.noise[first:stop] = take.noise[low]


def _evening_db(take: Take, f0_hertz: float) -> float:
    """Return the gain in dB that makes a held vowel as loud at the pitch `f0_hertz` as at any other pitch. The
    harmonics of each pitch lie at other points of the spectral envelope, and without the gain their total power would
    differ.
    """
    envelope = take.envelope[(take.hold[0] + take.hold[1]) // 2]
    bands = band_hertz()
    harmonics = np.arange(f0_hertz, bands[-1], f0_hertz)
    powers = np.interp(harmonics, bands, envelope)
    weights = np.interp(harmonics, bands, _LOUDNESS)
    sounding = 10 * np.log10((10 ** (powers / 10) * weights).sum() * f0_hertz)
    usual = 10 * np.log10((10 ** (envelope / 10) * _LOUDNESS) @ np.gradient(bands))
    return float(np.clip(usual - sounding, -_EVENING_DB, _EVENING_DB))


def _is_sonorous(before: Placed, syllable: Placed) -> bool:
    """Return True if the last sound of the syllable `before` and the first sound of the next syllable are both
    voiced.
    """
    first = 0 if syllable.voiced_onset is not None else syllable.take.nucleus
    return before.take.is_voiced(-1) and (syllable.voiced_onset or syllable.take).is_voiced(first)


def _dip_db(syllable: Placed) -> float:
    """Return the decrease in level, in dB, before a syllable that begins voiced; it is largest before a vowel."""
    if syllable.voiced_onset is not None:
        return 0.0
    glides = syllable.take.hold[0] - syllable.take.nucleus > _JOIN_FRAMES + 5
    return _GLIDE_DIP_DB if glides else _JOIN_DIP_DB


def _join(canvas: _Canvas, border: int, frames: int, dip_db: float) -> None:
    """Blend the spectral envelopes of two connected syllables over `frames` frames on each side of their border, and
    lower the level at the border by `dip_db`.
    """
    first, stop = max(border - frames, 0), min(border + frames, len(canvas.gain_db) - 1)
    share = np.linspace(0, 1, stop - first, dtype=np.float32)[:, None]
    before, after = canvas.envelope[first].copy(), canvas.envelope[stop].copy()
    blend = before * (1 - share) + after * share
    weight = (1 - np.abs(np.linspace(-1, 1, stop - first, dtype=np.float32)))[:, None]
    canvas.envelope[first:stop] = canvas.envelope[first:stop] * (1 - weight) + blend * weight
    level = np.linspace(canvas.gain_db[first], canvas.gain_db[stop], stop - first)
    canvas.gain_db[first:stop] = level - dip_db * weight[:, 0]


def _breathe(
    canvas: _Canvas, before: Placed | None, syllable: Placed, breath: Take, generator: np.random.Generator
) -> None:
    """Write the frames of an audible breath before a syllable to the canvas, if the pause before the syllable is long
    enough. `before` is the previous syllable, `None` at the start of the section; `breath` is the recording whose
    spectrum the breath has.
    """
    stop = syllable.begin - 8
    free = stop - (before.end + _RELEASE_FRAMES if before else 0)
    if syllable.bound_before or free < _BREATH_GAP_FRAMES - 30:
        return
    length = min(_BREATH_FRAMES + round(12 * generator.random()), free)
    first = stop - length
    canvas.envelope[first:stop] = breath.envelope[breath.hold[0]] + 1.5 * _TILT
    canvas.noise[first:stop] = 1.0
    swell = 10 * np.log10(np.maximum(np.sin(np.pi * np.arange(length) / length) ** 1.5, 1e-4))
    canvas.gain_db[first:stop] = _BREATH_DB + swell + 3.0 * (generator.random() - 0.5)


def _clips(syllable: Placed, timbre: Timbre) -> list[Clip]:
    """Return the recorded unvoiced consonants of a syllable, before its vowel and after it, with their positions."""
    effort_db = _CONSONANT_FORCE * FORCE_RANGE_DB * (syllable.notes[0].force - 1.0)
    gain = 10 ** ((effort_db + timbre.level_db) / 20)
    clips = []
    if syllable.unvoiced_onset is not None and syllable.lead:
        sound = _resized(syllable.unvoiced_onset.consonant, timbre, syllable.lead * FRAME_SAMPLES)
        clips.append(Clip(syllable.vowel * FRAME_SAMPLES - len(sound), sound * np.float32(gain)))
    clips += _row(syllable.before, syllable.vowel - syllable.lead - syllable.cluster, syllable.cluster, timbre, gain)
    clips += _row(syllable.codas, syllable.stop, syllable.ending, timbre, _CODA_GAIN * gain)
    return clips


def _row(takes: Sequence[Take], first: int, frames: int, timbre: Timbre, gain: float) -> list[Clip]:
    """Return the clips of several recorded unvoiced consonants in sequence; each gets an equal share of the `frames`
    frames from frame `first` on. `gain` is a factor on the samples.
    """
    clips = []
    share = frames * FRAME_SAMPLES // max(len(takes), 1)
    for index, take in enumerate(takes):
        if len(take.consonant) and share:
            sound = _resized(take.consonant, timbre, share)
            stop = first * FRAME_SAMPLES + (index + 1) * share
            clips.append(Clip(stop - len(sound), sound * np.float32(gain)))
    return clips


def _resized(sound: Floats, timbre: Timbre, longest: int) -> Floats:
    """Return the sound of a consonant changed to the singer's vocal tract length, shortened to at most `longest`
    samples, and faded out.
    """
    if timbre.formants != 1.0:
        places = np.arange(0, len(sound) - 1, timbre.formants)
        sound = np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
    if len(sound) > longest:
        sound = hastened(sound, longest)
    fade = min(_CLIP_FADE, len(sound))
    return np.concatenate([sound[: len(sound) - fade], sound[len(sound) - fade :] * _fall(fade)])


def hastened(sound: Floats, length: int) -> Floats:
    """Return an unvoiced sound [samples] shortened to `length` samples by overlapping grains.

    Sine windows keep the power of noise. Cutting the sound instead would turn a "c" into a "t".
    """
    padded = np.pad(sound, (FRAME_SAMPLES, 2 * FRAME_SAMPLES))
    out = np.zeros(length + 3 * FRAME_SAMPLES, np.float32)
    for start in range(0, length + FRAME_SAMPLES, FRAME_SAMPLES):
        place = min(round(start * len(sound) / length), len(sound) + FRAME_SAMPLES)
        out[start : start + 2 * FRAME_SAMPLES] += padded[place : place + 2 * FRAME_SAMPLES] * _GRAIN
    return out[FRAME_SAMPLES : FRAME_SAMPLES + length]


def _fall(samples: int) -> Floats:
    """Return the gain of a fade-out over `samples` samples, half a cosine down to zero, for the end of a recorded
    consonant.
    """
    return (0.5 + 0.5 * np.cos(np.pi * (np.arange(samples) + 1) / samples)).astype(np.float32)

"""Derives notes of a wind instrument at other pitches from the recording of one note, by analysis and synthesis with
WORLD.

A recording that is played at another speed changes its attack, its vibrato and the colour of its breath as well as its
pitch. Here only the pitch is changed. M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech
synthesis system for real-time applications", IEICE Transactions E99-D (2016).
"""

import io
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyworld
import soundfile
from numpy.typing import NDArray

from model.training.instruments.ogg_pages import numbered

Mono: TypeAlias = NDArray[np.float64]

_FRAME_MS = 5.0
_REACH = 1.3
_SEAM_SECONDS = 0.03
_COMPRESSION = 0.6
_PEAK = 0.9


@dataclass(frozen=True, slots=True)
class LoopedSound:
    """A mono sound, and its loop as two indices: the first sample of the loop and the first sample after the loop."""

    sound: Mono
    rate_hertz: int
    loop: tuple[int, int]


def derived_key(recording: LoopedSound, root_pitch: float, pitch: float) -> LoopedSound:
    """Return the recording of a note at `root_pitch` as a note at `pitch`, both MIDI pitches. The result has the
    length, the course of loudness, the spectral envelope and the share of noise of the recording.

    The loop is made seamless: it gets a whole number of periods, which changes the pitch by at most a few cents, and
    its end is crossfaded with what precedes its start.
    """
    rate, root_hertz = recording.rate_hertz, 440.0 * 2.0 ** ((root_pitch - 69) / 12.0)
    f0, times = pyworld.harvest(recording.sound, rate, root_hertz / _REACH, root_hertz * _REACH, _FRAME_MS)
    f0 = pyworld.stonemask(recording.sound, np.where(f0 > 0, f0, root_hertz), times, rate)
    f0 = np.where(f0 > 0, f0, root_hertz)
    envelope = pyworld.cheaptrick(recording.sound, f0, times, rate)
    noise = pyworld.d4c(recording.sound, f0, times, rate)
    ratio = 2.0 ** ((pitch - root_pitch) / 12.0)
    start, end = recording.loop
    periods = float(np.interp(np.arange(start, end) / rate, times, f0 * ratio).sum()) / rate
    sound = pyworld.synthesize(f0 * ratio * round(periods) / periods, envelope, noise, rate, _FRAME_MS)
    return LoopedSound(_seamless(sound[:end], start, rate), rate, (start, end))


def _seamless(sound: Mono, start: int, rate_hertz: int) -> Mono:
    """Return a sound whose end fades into what precedes the start of its loop, the sample with the index `start`.
    `rate_hertz` is the sample rate.
    """
    count = min(start, round(_SEAM_SECONDS * rate_hertz))
    share = np.linspace(0.0, 1.0, count, endpoint=False)
    joined = sound.copy()
    joined[-count:] = (1.0 - share) * sound[-count:] + share * sound[start - count : start]
    return joined


def encoded(sound: Mono, rate_hertz: int) -> bytes:
    """Return a mono sound as an Ogg Vorbis stream, at a fixed peak level; the same versions of libsndfile and libvorbis
    give the same bytes.
    """
    stream = io.BytesIO()
    level = _PEAK / float(np.abs(sound).max())
    soundfile.write(stream, sound * level, rate_hertz, format="OGG", subtype="VORBIS", compression_level=_COMPRESSION)
    return numbered(stream.getvalue())

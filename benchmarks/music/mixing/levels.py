"""Measures the balance of a mix: octave levels, stereo width, loudness of sections, voice relative to band, true peak
after MP3.
"""

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.signal import welch

from benchmarks.music.levels import loudness
from benchmarks.music.made_song import RATE_HERTZ, Sound
from benchmarks.music.mixing.rendered import Song

OCTAVES_HERTZ = (63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
TILT_DB_PER_OCTAVE = -2.0
"""Slope of octave levels in best-selling recordings, from about 100 Hz (P. D. Pestana et al., AES 135, 2013)."""

_BLOCK_SECONDS = 3.0


def octave_levels_db(sound: Sound) -> NDArray[np.float64]:
    """Return the level of each octave of the mid signal, in dB."""
    hertz, power = welch(sound.mean(axis=0), RATE_HERTZ, nperseg=8192)
    bands = [power[(hertz >= f / 2**0.5) & (hertz < f * 2**0.5)].sum() for f in OCTAVES_HERTZ]
    levels: NDArray[np.float64] = 10.0 * np.log10(np.array(bands) + 1e-15)
    return levels


def off_tilt_db(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deviation of each octave level, in dB, from the best line with the slope `TILT_DB_PER_OCTAVE`."""
    above = levels - TILT_DB_PER_OCTAVE * np.arange(len(levels))
    middle = float(above.max() + above.min()) / 2
    centred: NDArray[np.float64] = above - middle
    return centred


def width_db(sound: Sound) -> float:
    """Return the level of the side signal relative to the mid signal, in dB."""
    middle, side = sound[0] + sound[1], sound[0] - sound[1]
    return float(10 * np.log10(np.mean(side**2) / np.mean(middle**2) + 1e-12))


def interludes_over_choruses(song: Song) -> float:
    """Return how many LU the instrumental sections inside a song are louder than its choruses."""
    sections = song.details["sections"]
    inner = [s for s in sections[1:-1] if not s["readings"]]
    choruses = [s for s in sections if s["kind"] == "chorus"]
    if not inner or not choruses:
        return float("nan")
    return _mean_loudness(song, inner) - _mean_loudness(song, choruses)


def _mean_loudness(song: Song, sections: list[dict[str, float]]) -> float:
    parts = [song.sound[:, round(s["start"] * RATE_HERTZ) :][:, : round(s["seconds"] * RATE_HERTZ)] for s in sections]
    return float(np.mean([loudness(part) for part in parts if part.shape[1] > RATE_HERTZ]))


def voice_over_band(voice: Sound, band: Sound) -> float:
    """Return how many LU the voice is louder than the band, in the blocks in which somebody sings."""
    size = round(_BLOCK_SECONDS * RATE_HERTZ)
    starts = range(0, voice.shape[1] - size, size)
    meter = pyloudnorm.Meter(RATE_HERTZ)
    sung = [s for s in starts if np.abs(voice[:, s : s + size]).mean() > 0.3 * np.abs(voice).mean()]
    pairs = [[float(meter.integrated_loudness(x[:, s : s + size].T)) for x in (voice, band)] for s in sung]
    return float(np.mean([v - b for v, b in pairs if np.isfinite(v) and np.isfinite(b)]))

"""Measures loudness and peak of a song as the service delivers it."""

import numpy as np
import pyloudnorm

from benchmarks.music.made_song import RATE_HERTZ, Sound
from server.audio.mastering.mastering import Mastering

TARGET_LUFS = -14.0


def mastered(sound: Sound) -> Sound:
    """Return the song after the service's mastering, before MP3."""
    master = Mastering(RATE_HERTZ, TARGET_LUFS)
    return np.concatenate([*(master.feed(part) for part in np.array_split(sound, 40, axis=1)), master.finish()], axis=1)


def loudness(sound: Sound) -> float:
    """Return the integrated loudness of a sound in LUFS."""
    return float(pyloudnorm.Meter(RATE_HERTZ).integrated_loudness(sound.T))

"""Predicts how people rate the quality of speech (DNSMOS: Reddy, Gopal and Cutler, 2022), with the package
speechmos.
"""

from collections.abc import Sequence

import numpy as np
from speechmos import dnsmos

from benchmarks.music.performance.recorded_song import RecordedSong

_RATE = 16_000


def figures(songs: Sequence[RecordedSong]) -> dict[str, float]:
    """Return the mean predicted ratings of the songs, 1 (bad) to 5 (excellent)."""
    scores = []
    for song in songs:
        sound = song.at(_RATE)
        scores.append(dnsmos.run(sound / max(float(np.abs(sound).max()), 1.0), sr=_RATE))
    return {
        "DNSMOS, overall": float(np.mean([score["ovrl_mos"] for score in scores])),
        "DNSMOS, signal": float(np.mean([score["sig_mos"] for score in scores])),
    }

"""Estimates the key of the caller's melody."""

from collections.abc import Sequence

import numpy as np

from model.song import AnchorNote
from model.studio.notation.keys import LOWEST_TRANSPOSE, Key
from model.studio.style import Mode

_PROFILES = {
    Mode.MAJOR: (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
    Mode.MINOR: (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
}
"""Weight of each degree in a key profile, from the tonic on (Temperley, 1999); with the profiles of Krumhansl and
Kessler (1982) the right key is found for fewer beginnings of pop songs.
"""

_EXPECTED_MODE = 0.05


def key_of_melody(notes: Sequence[AnchorNote], expected: Mode) -> Key | None:
    """Return the key whose profile correlates best with the total duration of each pitch class (Krumhansl and
    Schmuckler, 1990).

    If several keys fit about equally well, a key of the `expected` mode is preferred. The result is `None` if no key
    fits better than others, as for an empty melody.
    """
    lengths = np.zeros(12)
    for note in notes:
        if note.pitch is not None:
            lengths[note.pitch % 12] += note.length_beats
    if not np.ptp(lengths):
        return None
    keys = [Key(mode, LOWEST_TRANSPOSE + step) for mode in Mode for step in range(12)]

    def fitness(key: Key) -> float:
        profile = np.roll(_PROFILES[key.mode], key.tonic)
        return float(np.corrcoef(profile, lengths)[0, 1]) + _EXPECTED_MODE * (key.mode is expected)

    return max(keys, key=fitness)

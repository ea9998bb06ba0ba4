"""Tables of microtiming (the "pocket") of each groove: how many milliseconds early or late notes are played at each
step of the bar.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT
from model.studio.style import Groove

SPREAD_MS = 3.0
"""Standard deviation, in milliseconds, of a drummer's hits around the groove's microtiming."""

MOST_ON_BEATS_MS = 14.0
"""Largest deviation from the grid, in milliseconds, of a note on a beat."""


@dataclass(frozen=True, slots=True)
class Pocket:
    """Microtiming of a groove: the deviations from the grid in milliseconds, positive if late, of the four beats, the
    eighths between beats, and the other sixteenths.

    Steps between two beats also get a share of the deviation of the beat before them.
    """

    beats: tuple[float, float, float, float]
    eighths: float
    sixteenths: tuple[float, float]

    def at(self, step: int, steps_per_bar: int = STEPS_PER_BAR) -> float:
        """Return the delay in milliseconds (negative if early) with which a note at a step of the section is played.

        A bar of three beats uses the values of the first three beats.
        """
        beat, inside = divmod(step % steps_per_bar, STEPS_PER_BEAT)
        leaning = self.beats[beat]
        if inside == 0:
            return leaning
        if 2 * inside == STEPS_PER_BEAT:
            return self.eighths + _LEANING * leaning
        return self.sixteenths[2 * inside > STEPS_PER_BEAT] + _LEANING * leaning


_LEANING = 0.3

_POCKETS: Mapping[Groove, Pocket] = MappingProxyType(
    {
        Groove.POP: Pocket((0, 9, -4, 12), 1, (4, -3)),
        Groove.BALLAD: Pocket((2, 13, -3, 12), 4, (8, 9)),
        Groove.ROCK: Pocket((3, -9, 5, -11), -7, (-6, 2)),
        Groove.LOFI: Pocket((3, 14, -4, 10), 14, (18, 8)),
        Groove.FOLK: Pocket((0, 1, 10, -8), 4, (-7, 5)),
        Groove.FOUR_ON_THE_FLOOR: Pocket((-5, 8, -7, 9), 10, (-3, -7)),
        Groove.CINEMATIC: Pocket((0, -9, 9, 8), 6, (5, 0)),
        Groove.JAZZ: Pocket((-6, 12, -5, 1), 10, (3, 15)),
        Groove.NURSERY: Pocket((0, 9, 8, -9), -4, (7, 7)),
        Groove.AMBIENT: Pocket((12, -8, 13, -3), 4, (2, -7)),
        Groove.BOSSA: Pocket((0, -9, -6, 10), -7, (9, 4)),
        Groove.RNB: Pocket((12, 9, -4, 13), 14, (11, 14)),
        Groove.HIP_HOP: Pocket((-7, 12, 8, 13), -3, (12, -5)),
        Groove.MARCH: Pocket((0, -9, 2, 9), -3, (-7, 5)),
        Groove.GAME: Pocket((10, 8, -9, 4), -8, (0, -4)),
        Groove.REGGAE: Pocket((5, -10, 12, -4), 13, (2, 5)),
        Groove.BREAKBEAT: Pocket((-6, 11, -5, 1), -10, (9, -4)),
        Groove.GOSPEL: Pocket((5, 11, -8, 13), 8, (-5, 6)),
    }
)


def pocket(groove: Groove) -> Pocket:
    """Return the microtiming of a groove: its deviations from the grid in milliseconds."""
    return _POCKETS[groove]

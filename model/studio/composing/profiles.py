"""Table of genre profiles: how the melodies and chords of each genre differ from the average of all songs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Profile:
    """Preferences of a genre in melody and chords, as biases that are added to log odds.

    Attributes:
        beat: bias of a note on a beat.
        push: bias of a note on the second eighth of a beat.
        sixteenth: bias of a note on the second or fourth sixteenth of a beat.
        dotted: bias of a distance of a dotted eighth to the next note.
        pickups: factor on the odds that a line begins before its first bar.
        repeat: bias of repeating the pitch.
        leap: bias of intervals of a fourth and more.
        degrees: pairs of a pitch class, in C major / A minor, and the bias of that pitch class.
        colour: factor on the frequency of coloured chords (sevenths, suspensions ...).
        favours: pairs of a chord class and the bias of that chord in each half bar.
    """

    beat: float = 0.0
    push: float = 0.0
    sixteenth: float = 0.0
    dotted: float = 0.0
    pickups: float = 1.0
    repeat: float = 0.0
    leap: float = 0.0
    degrees: tuple[tuple[int, float], ...] = ()
    colour: float = 1.0
    favours: tuple[tuple[int, float], ...] = ()


_BLUE, _FA, _TI = 3, 5, 11
"""Pitch classes: the blue third, and the two degrees that pentatonic melodies leave out."""

USUAL = Profile()
"""The profile of a genre without preferences of its own."""


def _chords(**odds: float) -> tuple[tuple[int, float], ...]:
    """Return pairs of a chord class and its bias; the arguments are named by chords in C major / A minor, such as `C`,
    `Am`, `Bb`.
    """
    return tuple((_class(name), value) for name, value in odds.items())


def _class(name: str) -> int:
    minor = name.endswith("m")
    root = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]] - ("b" in name[1:])
    return 1 + 3 * (root % 12) + minor


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "pop": Profile(push=0.4, favours=_chords(F=0.1, Em=0.2)),
        "ballad": Profile(
            sixteenth=0.6, leap=-0.3, pickups=1.3, colour=1.3, degrees=((_FA, 0.4),), favours=_chords(Em=0.2, Dm=0.2)
        ),
        "rock": Profile(
            beat=0.9,
            sixteenth=-1.5,
            repeat=1.2,
            pickups=0.8,
            colour=0.3,
            degrees=((_TI, -1.0), (_TI - 1, 2.5)),
            favours=_chords(Bb=3.0, F=0.4, C=0.3, Dm=-0.6, Em=-0.4),
        ),
        "lofi": Profile(
            beat=-0.6, push=0.8, pickups=1.2, colour=7.0, degrees=((_TI, 0.8),), favours=_chords(Em=0.4, Dm=0.4, F=0.2)
        ),
        "folk": Profile(
            beat=0.7,
            sixteenth=-0.8,
            leap=0.5,
            colour=0.5,
            degrees=((_FA, -2.0), (_TI, -2.0)),
            favours=_chords(C=0.4, Am=0.3, E=-1.0, Em=-0.3),
        ),
        "guofeng": Profile(
            beat=0.3, sixteenth=0.3, leap=0.5, colour=0.4, favours=_chords(Am=0.25, Em=0.1, E=-1.0, A=-1.0)
        ),
        "dance": Profile(
            beat=-0.3,
            push=0.5,
            sixteenth=-0.3,
            dotted=1.8,
            repeat=1.4,
            pickups=0.7,
            colour=0.2,
            favours=_chords(F=0.5, Am=0.5, Dm=-0.4),
        ),
        "cinematic": Profile(
            beat=0.8, sixteenth=-2.0, leap=0.5, colour=0.6, favours=_chords(Am=0.2, F=0.3, Ab=1.6, Bb=1.2)
        ),
        "jazz": Profile(
            beat=-1.3,
            push=1.2,
            leap=0.3,
            pickups=1.3,
            colour=12.0,
            degrees=((_TI, 0.5), (_BLUE, 2.0)),
            favours=_chords(Dm=0.6, A=1.0, D=0.6, E=0.4),
        ),
        "nursery": Profile(
            beat=2.4,
            sixteenth=-3.0,
            pickups=0.5,
            leap=-0.5,
            colour=0.0,
            degrees=((_TI, -1.0),),
            favours=_chords(C=0.6, G=0.5, F=0.3, Em=-0.8, Am=-0.3, E=-1.5, A=-0.8),
        ),
        "ambient": Profile(beat=0.3, sixteenth=-1.5, colour=2.0, favours=_chords(F=0.3, Em=0.1)),
        "waltz": Profile(beat=0.3, sixteenth=-1.5, leap=0.4, colour=0.6, favours=_chords(C=0.2, G=0.2, Dm=0.2)),
        "bossa": Profile(
            beat=-0.6, push=0.9, sixteenth=-0.4, pickups=1.2, colour=10.0, favours=_chords(Dm=0.5, A=0.5, D=0.5)
        ),
        "rnb": Profile(sixteenth=1.2, push=0.2, pickups=1.3, colour=5.0, favours=_chords(Em=0.1, Dm=0.3, E=0.2)),
        "hip hop": Profile(sixteenth=1.8, repeat=1.6, leap=-0.6, colour=1.0, favours=_chords(Am=0.4, F=0.2)),
        "march": Profile(beat=1.0, leap=0.5, pickups=1.2, colour=0.3, favours=_chords(C=0.3, G=0.3, D=0.4)),
        "game": Profile(push=0.3, sixteenth=0.3, leap=0.4, colour=0.4, favours=_chords(F=0.2, G=0.2, Bb=0.8)),
    }
)
"""Profiles by the name of the genre; a genre that is not in the table has the profile `USUAL`."""


def profile_of(genre: str) -> Profile:
    """Return the melody and chord preferences of a genre, by its name. An unknown genre has no biases."""
    return PROFILES.get(genre, USUAL)

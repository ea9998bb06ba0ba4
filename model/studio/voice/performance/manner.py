"""Table of singing styles ("manners") by genre, with vibrato, breathiness, glides and other properties."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Manner:
    """Singing style of a genre.

    Attributes:
        effort_db: vocal effort relative to the usual one; louder singing is also brighter.
        tilt_db: change of the spectral tilt of the harmonics in dB per octave around 1 kHz; above 0 for a pressed
            voice.
        breathiness: factor on the share of noise; above 1 for a breathy voice.
        vibrato: probability that a long note has vibrato.
        vibrato_cents: usual amplitude of the vibrato, in cents.
        vibrato_hertz: usual rate of the vibrato, in hertz.
        glide: factor on the length of the glide from note to note.
        speech: factor on the pitch inflections by lexical tones.
        lag_seconds: largest delay of a syllable after its beat.
        fall_db: decrease in level from the first to the last syllable of a line.
    """

    effort_db: float = 0.0
    tilt_db: float = 0.0
    breathiness: float = 1.0
    vibrato: float = 0.6
    vibrato_cents: float = 46.0
    vibrato_hertz: float = 5.6
    glide: float = 1.0
    speech: float = 1.0
    lag_seconds: float = 0.02
    fall_db: float = 4.5


PLAIN = Manner()
BREATHY = Manner(-2.0, -2.2, 1.6, vibrato=0.4, vibrato_cents=36.0, vibrato_hertz=5.2, glide=1.2, lag_seconds=0.03)
TENDER = Manner(-1.0, -0.6, 1.2, vibrato=0.7, vibrato_hertz=5.3, glide=1.2, lag_seconds=0.028, fall_db=5.0)
BELTED = Manner(2.5, 2.2, 0.8, vibrato=0.6, vibrato_cents=56.0, vibrato_hertz=5.9, glide=0.8, lag_seconds=0.012)
BRIGHT = Manner(1.0, 2.7, 0.9, vibrato=0.45, glide=0.8, lag_seconds=0.012)
CONCERT = Manner(1.5, 0.6, 0.9, vibrato=0.8, vibrato_cents=60.0, vibrato_hertz=5.5, glide=1.2, fall_db=5.5)
CHILDLIKE = Manner(-0.5, -1.0, 1.1, vibrato=0.15, vibrato_cents=34.0, glide=0.7, lag_seconds=0.01, fall_db=4.0)
SPOKEN = Manner(0.5, 0.5, vibrato=0.1, vibrato_cents=34.0, glide=0.6, speech=1.8, lag_seconds=0.025, fall_db=5.0)

_BY_GENRE: Mapping[str, Manner] = MappingProxyType(
    {
        "pop": PLAIN,
        "ballad": TENDER,
        "rock": BELTED,
        "lofi": BREATHY,
        "folk": TENDER,
        "guofeng": CONCERT,
        "dance": BRIGHT,
        "cinematic": CONCERT,
        "jazz": BREATHY,
        "nursery": CHILDLIKE,
        "ambient": BREATHY,
        "bossa": BREATHY,
        "rnb": TENDER,
        "hip hop": SPOKEN,
        "march": BRIGHT,
        "waltz": CONCERT,
        "game": BRIGHT,
        "drum and bass": BRIGHT,
        "reggae": PLAIN,
        "gospel": CONCERT,
    }
)


def manner_of(genre: str) -> Manner:
    """Return the singing style of a genre, by its name in `Style.genre`. Raises KeyError for an unknown genre."""
    return _BY_GENRE[genre]

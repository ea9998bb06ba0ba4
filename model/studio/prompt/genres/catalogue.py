"""Table of the genres that a prompt may name."""

from model.studio.prompt.genres.concert import BOSSA, CINEMATIC, JAZZ, WALTZ
from model.studio.prompt.genres.electronic import AMBIENT, DANCE, DRUM_AND_BASS, GAME, LOFI
from model.studio.prompt.genres.popular import BALLAD, HIP_HOP, POP, RNB, ROCK
from model.studio.prompt.genres.roots import GOSPEL, REGGAE
from model.studio.prompt.genres.traditional import CHINESE, FOLK, MARCH, NURSERY

GENRES = (
    BALLAD,
    ROCK,
    LOFI,
    FOLK,
    CHINESE,
    DANCE,
    CINEMATIC,
    JAZZ,
    NURSERY,
    AMBIENT,
    BOSSA,
    RNB,
    HIP_HOP,
    MARCH,
    GAME,
    REGGAE,
    DRUM_AND_BASS,
    GOSPEL,
    WALTZ,
    POP,
)

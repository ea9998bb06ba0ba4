"""Plans key changes: the last chorus of a song may be in a higher key than the earlier ones."""

from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType

from model.song import SectionKind
from model.studio.planning.form.form import Block
from model.studio.style import Style

_SHARES: Mapping[str, float] = MappingProxyType(
    {
        "ballad": 0.7,
        "pop": 0.6,
        "cinematic": 0.6,
        "rock": 0.5,
        "march": 0.5,
        "nursery": 0.4,
        "waltz": 0.4,
        "folk": 0.35,
        "guofeng": 0.35,
        "rnb": 0.3,
        "dance": 0.3,
        "game": 0.3,
        "jazz": 0.2,
        "bossa": 0.15,
    }
)
"""Share of the songs of a genre whose last chorus is in a higher key; 0 for other genres."""

_FEW_PLAYERS = 5
"""Number of instruments below which a song changes key instead of adding instruments."""

_SEMITONES = (1, 2, 2)
_FEWEST_VERSES, _MANY_VERSES = 3, 4
_MANY_REFRAINS = 5
"""Number of refrains from which on the last refrain is always in a higher key."""


def lifts(blocks: Sequence[Block], style: Style, seed: int, *, anchored: bool) -> tuple[int, ...]:
    """Return for each section the number of semitones by which its key lies above the song's key: 0 before the last
    refrain, 0 to 2 from there on.

    The refrain is the chorus, or a verse that comes three times in a song without one. The key never changes if the
    caller gives a melody (`anchored`) or if there is only one refrain.
    """
    sung, many = _sung(blocks, SectionKind.CHORUS), _MANY_REFRAINS
    if not sung:
        many = _MANY_VERSES
        verses = _sung(blocks, SectionKind.VERSE)
        sung = verses if len(verses) >= _FEWEST_VERSES else []
    random = Random(f"{seed}/lift")
    certain = len(style.instruments) < _FEW_PLAYERS or len(sung) >= many
    share = 1.0 if certain else _SHARES.get(style.genre, 0.0)
    wanted = random.random() < share
    if anchored or len(sung) < 2 or not wanted:
        return (0,) * len(blocks)
    semitones = random.choice(_SEMITONES)
    return tuple(semitones if index >= sung[-1] else 0 for index in range(len(blocks)))


def _sung(blocks: Sequence[Block], kind: SectionKind) -> list[int]:
    """Return the indices of the sung sections of a kind, such as chorus; a section that continues the previous section
    is left out.
    """
    return [index for index, block in enumerate(blocks) if block.kind is kind and block.lines and block.piece == 0]

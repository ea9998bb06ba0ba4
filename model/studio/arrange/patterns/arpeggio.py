"""Tables of arpeggio patterns by groove and texture."""

from model.studio.arrange.dynamics import Texture
from model.studio.arrange.patterns.variants import Variants, pick, table
from model.studio.style import Groove

_FLOWING: tuple[Variants, Variants] = (
    (
        (("1-2-3-4-3-2-1-2-",),),
        (("1-3-2-4-3-2-3-2-",),),
    ),
    (
        (("1-2-3-4-5-4-3-2-",),),
        (("1-3-5-3-4-3-2-3-",),),
    ),
)
_RUSHING: tuple[Variants, Variants] = (
    (
        (("1-2-3-4-3-2-1-2-",),),
        (("1--2--3-4--3--2-",),),
    ),
    (
        (("1234321212343212",),),
        (("1353245312352431",),),
        (("1--3--5-4--3--2-",),),
    ),
)
_ARPEGGIO = table(
    dict.fromkeys(Groove, _FLOWING)
    | dict.fromkeys((Groove.FOUR_ON_THE_FLOOR, Groove.CINEMATIC, Groove.ROCK, Groove.GAME), _RUSHING)
)


_WALTZ: tuple[Variants, Variants] = (
    ((("1-2-3-4-3-2-",),), (("1-3-2-4-3-2-",),)),
    ((("1-2-3-5-4-3-",),), (("1-3-5-4-3-2-",),)),
)


def arpeggio_variants(groove: Groove, texture: Texture, *, in_three: bool = False) -> Variants:
    """Return the arpeggio patterns of a groove for a density of the accompaniment (`texture`); a section uses one of
    them.

    Digits in a pattern count chord tones from the lowest upwards. With `in_three` they are patterns of a waltz.
    """
    if in_three:
        return _WALTZ[texture is Texture.FULL]
    return pick(_ARPEGGIO, groove, texture)

"""Tables of guitar patterns by groove and texture."""

from model.studio.arrange.dynamics import Texture
from model.studio.arrange.patterns.variants import Variants, pick, table
from model.studio.style import Groove

_CALM_GUITAR: Variants = (
    (("L-1-2-3-2---1---",),),
    (("D-------d-------",),),
)
_STRUM: tuple[Variants, Variants] = (
    (
        (("L---2-3-L---2-3-",),),
        (("D-------D-----u-",),),
        (("D---d---D---d-u-",),),
    ),
    (
        (("D---D-u-..u-D-u-",),),
        (("D---D-u-D---D-uu",),),
        (("D-d-D-u-D-d-D-u-",),),
    ),
)
_PICK: tuple[Variants, Variants] = (
    (
        (("L---1-2-3-2-1---",),),
        (("L-1-2-3-F-1-2-3-",),),
    ),
    (
        (("L-2-3-2-F-2-3-2-",),),
        (("L-1-2-3-4-3-2-1-",),),
    ),
)
_GUITAR = table(
    {
        Groove.POP: _STRUM,
        Groove.BALLAD: (_PICK[0], _STRUM[1]),
        Groove.ROCK: (
            (
                (("P-P-P-P-P-P-P-P-",),),
                (("P-----P-P-----P-",),),
                (("P-------P-------",),),
            ),
            (
                (("P---P-P-P---P-P-",),),
                (("P-----P-P---P---",), ("P-----P-P-P-P-P-",)),
                (("P-P-P-P-P-P-P-P-",),),
            ),
        ),
        Groove.LOFI: (
            (
                (("D-------3-2-3---",),),
                (("..D---u-..d-----",),),
            ),
            (
                (("D-----u-3-2-D---",),),
                (("D---d-u-..u-d---",),),
            ),
        ),
        Groove.FOLK: (
            (
                (("L-3-F-2-L-3-F-2-",),),
                (("L-2-3-2-F-2-3-2-",),),
                (("D---d-u-..u-d-u-",),),
            ),
            (
                (("D---D-u-..u-D-u-",),),
                (("D-d-D-uuD-d-D-u-",),),
            ),
        ),
        Groove.FOUR_ON_THE_FLOOR: (
            (
                (("..d-..d-..d-..d-",),),
                (("D..D..D.D..D..D.",),),
            ),
            (
                (("D-uuD-uuD-uuD-uu",),),
                (("D..D..D..D..D.D.",),),
            ),
        ),
        Groove.CINEMATIC: _PICK,
        Groove.JAZZ: (
            (
                (("d-..D-..d-..D-..",),),
                (("d-..D-..d-..D-u.",),),
            ),
            (
                (("d-..D-..d-..D-..",),),
                (("D-..D-u.D-..D-..",),),
            ),
        ),
        Groove.NURSERY: (_PICK[0], _STRUM[0]),
        Groove.AMBIENT: _PICK,
        Groove.BOSSA: (
            (
                (("L-------F-------", "....U-....U-..U-"), ("L-------F-------", "..U---U-....U---")),
                (("L-------F-------", "U-....U-....U---"), ("L-------F-------", "..U-....U-....U-")),
            ),
            (
                (("L-----F-F-----L-", "U-..U---U-..U-U-"), ("L-----F-F-----L-", "..U-U---..U-U---")),
                (("L-------F-------", "U---..U-U---..U-"), ("L-------F-------", "..U---U-..U-U---")),
            ),
        ),
        Groove.RNB: (
            (
                (("L-----2---3-4-3-",), ("L-----2-------u-",)),
                (("..d-----..d-u---",),),
            ),
            (
                (("..d-u-----..d-u-",), ("..d-u-----3-2-3-",)),
                (("..d---u---..d-u-",),),
            ),
        ),
        Groove.HIP_HOP: (
            ((("L-----2---3-4-3-",), ("L-----2-------u-",)),),
            ((("..d---u---..d-u-",),),),
        ),
        Groove.MARCH: _STRUM,
        Groove.GAME: (_PICK[1], _STRUM[1]),
        Groove.REGGAE: (
            (
                (("..d...d...d...d.",),),
                (("....d---....d---",),),
            ),
            (
                (("..D...D...D...D.",),),
                (("..D..u....D..u..",),),
            ),
        ),
        Groove.BREAKBEAT: (_PICK[0], _PICK[1]),
        Groove.GOSPEL: (_PICK[0], _STRUM[1]),
    }
)


_CALM_WALTZ: Variants = ((("L-1-2-3-2-1-",),), (("D-----------",),))
_WALTZ: tuple[Variants, Variants] = (
    (
        (("L---u---u---",),),
        (("L-1-2-3-2-1-",),),
        (("L---d---d-u-",), ("F---d---d-u-",)),
    ),
    (
        (("D---D-u-D-u-",), ("L---D---D-u-",), ("D---D-u-D-u-",), ("F-----u-D-u-",)),
        (("L---D-u-D---",), ("F---D-u-D-u-",)),
    ),
)


def guitar_variants(groove: Groove, texture: Texture, *, in_three: bool = False) -> Variants:
    """Return the guitar patterns of a groove for a density of the accompaniment (`texture`); a section uses one of
    them. With `in_three` they are patterns of a waltz.
    """
    if in_three:
        return _CALM_WALTZ if texture is Texture.CALM else _WALTZ[texture is Texture.FULL]
    return _CALM_GUITAR if texture is Texture.CALM else pick(_GUITAR, groove, texture)

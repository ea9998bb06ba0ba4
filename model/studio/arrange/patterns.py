"""Accompaniment patterns as tabs, per groove and texture.

A variant is a cycle of bars, a bar is a stack of tabs. Marks: `A` the whole voicing, `U` all but its lowest voice,
`1` to `4` one voice from the bottom (`4`: the lowest an octave up), `9` the ninth among them, `L` the root below, `F`
the fifth above that root, `P` both with the octave, `D` a downstroke over all strings, `d` a light one over the low
strings, `u` an upstroke.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from model.studio.arrange.dynamics import Texture
from model.studio.style import Groove

Bar: TypeAlias = tuple[str, ...]
Variant: TypeAlias = tuple[Bar, ...]
Variants: TypeAlias = tuple[Variant, ...]
Table: TypeAlias = Mapping[Groove, tuple[Variants, Variants]]


def _table(rows: dict[Groove, tuple[Variants, Variants]]) -> Table:
    return MappingProxyType(rows)


_CALM_KEYS: Variants = (
    (("L-------L-------", "..1-2-3-4-------"), ("L-------L-------", "..1-2-3-2-------")),
    (("L-------L-------", "....A-------A---"),),
    (("A-------A-------", "L---------------"),),
)
_KEYS = _table(
    {
        Groove.POP: (
            (
                (("L-------L-------", "A---A---A---A---"),),
                (("L-------L-------", "..1-2-3-..1-2-3-"), ("L-------L-------", "..1-2-9-3-2-1-2-")),
                (("L-----L-L-------", "A-----A---A-----"), ("L-----L-L-------", "A-----A---A-A---")),
            ),
            (
                (("L-------L-----L-", "A-A-A-A-A-A-A-A-"),),
                (("L-----L-L-------", "A--U--A---A-A--U"), ("L-----L-L---L---", "A---A-A--UA-A---")),
                (("L---L---L---L---", "A-U-A-U-A-U-A-U-"),),
            ),
        ),
        Groove.BALLAD: (
            (
                (("L---------------", "..1-2-3-4-3-2-1-"), ("L---------------", "..1-2-9-3---2-1-")),
                (("L-------L-------", "..1-3-2-..1-3-2-"),),
                (("L---F-----------", "........9-2-3-1-"), ("L---F-----------", "....1-2-3-2-3---")),
            ),
            (
                (("L-------L-------", "A-1-2-3-A-1-9-3-"),),
                (("L---F---L---F---", "A---2-3-A---2-3-"),),
                (("L-------L-------", "A---U---A---U-2-"), ("L-------L-------", "A---U---A-U-A-U-")),
            ),
        ),
        Groove.ROCK: (
            (
                (("L-------L-------", "A-------A---A---"),),
                (("L-------L-------", "A---A---A---A---"),),
            ),
            (
                (("L---L---L---L---", "A-A-A-A-A-A-A-A-"),),
                (("L-----L-L-------", "A-----A-----A---"), ("L-----L-L-----L-", "A-----A---A-A-A-")),
            ),
        ),
        Groove.LOFI: (
            (
                (("L---------------", "A----A----A-----"), ("L---------------", "A-----A-----U---")),
                (("L-------L-------", "..A---A-..A-----"),),
                (("L---------------", "A-----2---A-U---"), ("L---------------", "A-----U-A-------")),
            ),
            (
                (("L-------L-------", "A----A-A--A--A--"),),
                (("L-------L-----L-", "A-----A---A-U---"), ("L-------L-------", "A---U-A---U-A---")),
            ),
        ),
        Groove.FOLK: (
            (
                (("L---F---L---F---", "..U-..U-..U-..U-"),),
                (("L-------F-------", "..1-2-3-..1-2-3-"),),
            ),
            (
                (("L---F---L---F---", "A-U-A-U-A-U-A-U-"),),
                (("L---L---F---L---", "A---U-U-A---U-U-"),),
            ),
        ),
        Groove.FOUR_ON_THE_FLOOR: (
            (
                (("A--A--A-A--A--A-",),),
                (("L---------------", "A-----A-----A---"), ("L---------------", "A-----A-----A-A-")),
                (("L-------L-------", "..A-..A-..A-..A-"),),
            ),
            (
                (("L-------L-------", "A--A--A--A--A-A-"),),
                (("L---L---L---L---", "..A-..A-..A-..AA"),),
                (("L-------L-------", "A--A--A-A--A-AA-"),),
            ),
        ),
        Groove.CINEMATIC: (
            (
                (("L---------------", "1-2-3-2-1-2-3-2-"),),
                (("L-------F-------", "..3-9-1-..3-9-1-"),),
            ),
            (
                (("L-------L-------", "A-2-3-2-A-2-3-2-"),),
                (("L---L---L---L---", "A-------A---A---"), ("L---L---L---L---", "A---A---A-A-A---")),
            ),
        ),
        Groove.JAZZ: (
            (
                (("A-----A-----U---",), ("..A-----A---A---",)),
                (("..A---A-----A---",), ("A-----A-----A---",)),
                (("A-----A-----A---",), ("A---A---A-----A-",)),
            ),
            (
                (("A---A-A---A-A---",), ("A-----A---A---A-",)),
                (("A-----A-A-----A-",), ("..A-A---..A-A---",)),
            ),
        ),
        Groove.NURSERY: (
            (
                (("L---....F---....", "....A---....A---"),),
                (("L-------F-------", "..1-2-3-..1-2-3-"),),
            ),
            (
                (("L---F---L---F---", "..A-..A-..A-..A-"),),
                (("L---F---L---F---", "A---U---A---U---"),),
            ),
        ),
        Groove.AMBIENT: (
            (
                (("L---------------", "..1---3---9-----"), ("L---------------", "..2---3---4-----")),
                (("L---------------", "A-------3---2---"),),
            ),
            (
                (("L---------------", "1-2-9-3-9-2-3-2-"),),
                (("L-------F-------", "A---3---A---2---"),),
            ),
        ),
        Groove.BOSSA: (
            (
                (("..A---A---..A---",), ("A---..A---..A---",)),
                (("A-----A---..A---",), ("..A---A---..A---",)),
            ),
            (
                (("A-..A---A-..A-A-",), ("..A-A---..A-A-..",)),
                (("A-----A---A-..A-",), ("..A-..A-A---A-A-",)),
            ),
        ),
        Groove.RNB: (
            (
                (("L---------------", "A------A----U---"), ("L---------------", "A------A--U-3---")),
                (("L--L------------", "..A------A----2-"), ("L--L------------", "..A------A--3-9-")),
            ),
            (
                (("L------L--L-----", "A--U---A--U--A--"), ("L------L--L-----", "A--U---A--U-3-9-")),
                (("L--L----..L-----", "..A--U---.A--A--"),),
            ),
        ),
        Groove.MARCH: (
            (
                (("L---....F---....", "....A-......A-.."),),
                (("L---....F---....", "....A-......A-A-"), ("L---....F---....", "....A-......A-..")),
            ),
            (
                (("..A-..A-..A-..A-",),),
                (("A-..A-A-A-..A-A-",), ("A-..A-A-A-A-A-..",)),
            ),
        ),
        Groove.GAME: (
            (
                (("1-2-3-4-1-2-3-4-",),),
                (("A-..A-..A-..A-..",), ("A-..A-..1-2-3-4-",)),
            ),
            (
                (("1234123412341234",),),
                (("A-.A-.A-A-.A-.A-",), ("A-.A-.A-1234321-",)),
            ),
        ),
    }
)

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
_GUITAR = _table(
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
                (("d---d---d---d---",),),
                (("..D---D-....D---",),),
            ),
            (
                (("D---D---D---D---",),),
                (("D---D-u-D---D---",),),
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
        Groove.MARCH: _STRUM,
        Groove.GAME: (_PICK[1], _STRUM[1]),
    }
)

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
_ARPEGGIO = _table(
    dict.fromkeys(Groove, _FLOWING)
    | dict.fromkeys((Groove.FOUR_ON_THE_FLOOR, Groove.CINEMATIC, Groove.ROCK, Groove.GAME), _RUSHING)
)


def keys_variants(groove: Groove, texture: Texture) -> Variants:
    """What a keyboard may play."""
    return _CALM_KEYS if texture is Texture.CALM else _pick(_KEYS, groove, texture)


def guitar_variants(groove: Groove, texture: Texture) -> Variants:
    """What a guitar may play."""
    return _CALM_GUITAR if texture is Texture.CALM else _pick(_GUITAR, groove, texture)


def arpeggio_variants(groove: Groove, texture: Texture) -> Variants:
    """What an arpeggio may play; its digits count chord tones upwards."""
    return _pick(_ARPEGGIO, groove, texture)


def _pick(table: Table, groove: Groove, texture: Texture) -> Variants:
    steady, full = table[groove]
    return full if texture is Texture.FULL else steady

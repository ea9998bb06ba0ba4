"""Tables of drum fills, which lead from one section to the next, written as tablature."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from model.studio.arrange.drums.kit import Patterns, Piece
from model.studio.style import Groove

_K, _S, _R = Piece.KICK, Piece.SNARE, Piece.RIM
_HI, _MI, _LO, _FL = Piece.HIGH_TOM, Piece.MID_TOM, Piece.LOW_TOM, Piece.FLOOR_TOM


class FillSize(Enum):
    """Length of a drum fill: the last beat of the bar (small), half of the bar (medium), or more (big)."""

    SMALL = "small"
    MEDIUM = "medium"
    BIG = "big"


_HARD_FILLS: Mapping[FillSize, Patterns] = MappingProxyType(
    {
        FillSize.SMALL: ({_S: "............x.xX"}, {_HI: "............x...", _LO: "..............xx"}),
        FillSize.MEDIUM: (
            {_S: "........x.xx....", _HI: "............xx..", _FL: "..............xX"},
            {_S: "........xoxoX.X."},
        ),
        FillSize.BIG: (
            {_S: "....x.xxx.......", _HI: ".........xx.....", _MI: "...........xx...", _FL: ".............xXX"},
            {_S: "....oooo........", _HI: "........xxxx....", _LO: "............XX..", _FL: "..............XX"},
            {_S: "....o.o.x.x.XXXX", _K: "....x...x...x..."},
        ),
    }
)
_SOFT_FILLS: Mapping[FillSize, Patterns] = MappingProxyType(
    {
        FillSize.SMALL: ({_R: "............o.o."}, {_LO: "............g.o."}),
        FillSize.MEDIUM: ({_MI: "........o.o.....", _FL: "............o.x."}, {_S: "........ggggoooo"}),
        FillSize.BIG: (
            {_HI: "........o.o.....", _LO: "............o.x.", _FL: "...............x"},
            {_S: "....ggggggoooooo", _FL: "............o.x."},
        ),
    }
)
_ROLLS: Mapping[FillSize, Patterns] = MappingProxyType(
    {
        FillSize.SMALL: ({_S: "............goxX"},),
        FillSize.MEDIUM: ({_S: "........ggooxxxX"}, {_S: "........o.oox.xX"}),
        FillSize.BIG: ({_S: "ggggggoooooxxxXX"}, {_S: "g.g.o.o.ooooxxXX"}),
    }
)
"""Snare rolls that grow louder up to the next section, as in dance music and marches."""
BUILD_UP: Patterns = (
    {_K: "x...x...x...x...", _S: "x...x...x.x.x.x."},
    {_K: "x.x.x.x.x.x.....", _S: "XXXXXXXXXXXX....", _FL: "........XXXX...."},
)
"""Drum patterns of the bars before a drop, one for each bar; the last beat before the drop is silent."""

_WALTZ_FILLS: Mapping[FillSize, Patterns] = MappingProxyType(
    {
        FillSize.SMALL: ({_S: "........o.ox"}, {_LO: "........o.o."}),
        FillSize.MEDIUM: ({_S: "....o.o.x.x."}, {_MI: "....o.o.....", _FL: "........x.x."}),
        FillSize.BIG: (
            {_S: "....oooo....", _HI: "........xx..", _FL: "..........xX"},
            {_S: "ggggooooxxxX"},
        ),
    }
)
_ROLLED_GROOVES = frozenset({Groove.FOUR_ON_THE_FLOOR, Groove.MARCH})
_SOFT_GROOVES = frozenset(
    {Groove.FOLK, Groove.NURSERY, Groove.AMBIENT, Groove.JAZZ, Groove.LOFI, Groove.BALLAD, Groove.BOSSA}
)


def fills(groove: Groove, size: FillSize, *, in_three: bool = False) -> Patterns:
    """Return the drum fills of a groove and size; one of them is played in the last bar of a section. With `in_three`
    they are fills of a waltz.
    """
    if in_three:
        return _WALTZ_FILLS[size]
    if groove in _ROLLED_GROOVES:
        return _ROLLS[size]
    return (_SOFT_FILLS if groove in _SOFT_GROOVES else _HARD_FILLS)[size]

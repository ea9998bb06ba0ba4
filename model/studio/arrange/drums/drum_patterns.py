"""Tables of drum patterns by groove and texture, as tablature of one bar or more."""

from collections.abc import Mapping
from types import MappingProxyType

from model.studio.arrange.drums.kit import Patterns, Piece
from model.studio.arrange.dynamics import Texture
from model.studio.style import Groove

_K, _S, _R, _C = Piece.KICK, Piece.SNARE, Piece.RIM, Piece.CLAP
_H, _O, _P, _Y = Piece.CLOSED_HAT, Piece.OPEN_HAT, Piece.PEDAL_HAT, Piece.RIDE
_T, _M, _A = Piece.TAMBOURINE, Piece.MARACAS, Piece.TRIANGLE
_FL = Piece.FLOOR_TOM

_EIGHTHS, _SIXTEENTHS = "x.o.x.o.x.o.x.o.", "xgogxgogxgogxgog"
_QUARTERS, _BACKBEAT, _HALF_TIME = "x...x...x...x...", "....x.......x...", "........x......."
_CLAVE, _TURNED_CLAVE = "x.....x.....x.......x.....x.....", "....x.....x.....x.....x.....x..."

_PATTERNS: Mapping[Groove, Mapping[Texture, Patterns]] = MappingProxyType(
    {
        Groove.POP: {
            Texture.CALM: ({_H: _QUARTERS}, {_H: _EIGHTHS, _K: "o..............."}),
            Texture.STEADY: (
                {_K: "x.......x.o.....", _S: _BACKBEAT, _H: _EIGHTHS},
                {_K: "x......ox.......", _S: _BACKBEAT, _H: _EIGHTHS},
                {_K: "x.....o.x.......", _S: _BACKBEAT, _H: "x.o.x.ogx.o.x.og"},
            ),
            Texture.FULL: (
                {_K: "X......xx.x.....", _S: "....X.......X...", _H: _EIGHTHS, _T: "..o...o...o...o."},
                {_K: "X.....x.x..x....", _S: "....X..g....X..g", _H: _EIGHTHS, _T: "..o...o...o...o."},
                {_K: "X...x.....x.....", _S: "....X.......X...", _H: _EIGHTHS, _T: "..o.o.o...o.o.o."},
            ),
        },
        Groove.BALLAD: {
            Texture.CALM: ({_H: "o...o...o...o..."}, {_H: "o...g...o...g..."}),
            Texture.STEADY: (
                {_K: "x.......o.......", _R: _BACKBEAT, _H: "x.g.o.g.x.g.o.g."},
                {_K: "x.........o.....", _R: _BACKBEAT, _H: "x.g.o.g.x.g.o.g."},
            ),
            Texture.FULL: (
                {_K: "x.....o.x.......", _S: _BACKBEAT, _H: _EIGHTHS, _T: _BACKBEAT},
                {_K: "x......ox.......", _S: _BACKBEAT, _H: _EIGHTHS, _T: _BACKBEAT},
            ),
        },
        Groove.ROCK: {
            Texture.CALM: ({_P: _QUARTERS, _K: "x.......x......."}, {_P: _QUARTERS, _FL: "x.......x......."}),
            Texture.STEADY: (
                {_K: "X.......x.x.....", _S: "....X.......X...", _H: "X.x.X.x.X.x.X.x."},
                {_K: "X..x....x.......", _S: "....X.......X..g", _H: "X.x.X.x.X.x.X.x."},
            ),
            Texture.FULL: (
                {_K: "X.....x.x.x.....", _S: "....X.......X...", _O: "X...x...X...x..."},
                {_K: "X.x.....x.x...x.", _S: "....X.......X...", _O: "X...x...X...x..."},
            ),
        },
        Groove.LOFI: {
            Texture.CALM: ({_H: "o.g.o.g.o.g.o.g."}, {_H: "o.g.o.g.o.g.o.gg"}),
            Texture.STEADY: (
                {_K: "x......o..x.....", _R: _BACKBEAT, _H: "o.x.o.x.o.x.o.xg"},
                {_K: "x.........x..o..", _R: "....x.......x..g", _H: "o.x.o.x.o.x.o.xg"},
            ),
            Texture.FULL: (
                {_K: "x......x..x.....", _S: "....x..g....x..g", _H: "x.x.x.xgx.x.x.x."},
                {_K: "x..o......xo....", _S: "....x.g.....x...", _H: "x.x.x.x.xgx.x.x."},
            ),
        },
        Groove.FOLK: {
            Texture.CALM: ({_M: "o.g.o.g.o.g.o.g."}, {_M: "o.g.g.g.o.g.g.g."}),
            Texture.STEADY: (
                {_K: "x.......x.......", _M: "o.x.o.x.o.x.o.x."},
                {_K: "x.....o.x.......", _M: "o.x.o.x.o.x.o.x."},
            ),
            Texture.FULL: (
                {_K: "x.....o.x.......", _T: _BACKBEAT, _M: "o.x.o.x.o.x.o.x."},
                {_K: "x.......x.o.....", _T: _BACKBEAT, _M: "oox.oox.oox.oox."},
            ),
        },
        Groove.FOUR_ON_THE_FLOOR: {
            Texture.CALM: ({_K: _QUARTERS}, {_K: _QUARTERS, _H: "..o...o...o...o."}),
            Texture.STEADY: (
                {_K: "X...X...X...X...", _C: _BACKBEAT, _H: "..x...x...x...x."},
                {_K: "X...X...X...X...", _C: _BACKBEAT, _H: "..x..gx...x..gx."},
            ),
            Texture.FULL: (
                {_K: "X...X...X...X...", _C: "....X.......X...", _O: "..x...x...x...x.", _H: "oo.ooo.ooo.ooo.o"},
                {_K: "X...X...X...X...", _C: "....X.......X..o", _O: "..x...x...x...x.", _H: "oo.ooo.ooo.ooo.o"},
            ),
        },
        Groove.CINEMATIC: {
            Texture.CALM: ({_FL: "o..............."}, {_FL: "o.......g......."}),
            Texture.STEADY: (
                {_FL: "x...o...x...o...", _K: "x..............."},
                {_FL: "x...o...x...o.o.", _K: "x..............."},
            ),
            Texture.FULL: (
                {_FL: "X...x.x.X...x.x.", _K: "X.......X.......", _S: "........o......."},
                {_FL: "X...x...X.x.x.x.", _K: "X.......X.......", _S: "........o......."},
            ),
        },
        Groove.JAZZ: {
            Texture.CALM: ({_Y: "o...x...o...x..."}, {_Y: "o...x...o...x.o."}),
            Texture.STEADY: (
                {_Y: "x...x.o.x...x.o.", _P: _BACKBEAT, _K: "g.......g......."},
                {_Y: "x...x.o.x...x.o.", _P: _BACKBEAT, _K: "g.......g.....g."},
            ),
            Texture.FULL: (
                {_Y: "x...X.x.x...X.x.", _P: _BACKBEAT, _K: "o...g...o...g...", _S: "......g.......g."},
                {_Y: "x...X.x.x...X.x.", _P: _BACKBEAT, _K: "o...g...o...g...", _S: "..g.......g...g."},
            ),
        },
        Groove.NURSERY: {
            Texture.CALM: ({_A: "o.......g......."}, {_A: "o..............."}),
            Texture.STEADY: (
                {_K: "x.......o.......", _M: "o.x.o.x.o.x.o.x."},
                {_K: "x.......x.......", _M: "o.x.o.x.o.x.oox."},
            ),
            Texture.FULL: (
                {_K: "x.......x.......", _T: _BACKBEAT, _M: "o.x.o.x.o.x.o.x."},
                {_K: "x...o...x...o...", _T: _BACKBEAT, _M: "o.x.o.x.o.x.o.x."},
            ),
        },
        Groove.AMBIENT: {
            Texture.CALM: ({_A: "g..............."}, {_M: "g...g...g...g..."}),
            Texture.STEADY: (
                {_K: "o...............", _M: "g...o...g...o..."},
                {_K: "o.......g.......", _A: "........g......."},
            ),
            Texture.FULL: (
                {_K: "o.......o.......", _M: "o.g.o.g.o.g.o.g.", _R: "............g..."},
                {_K: "o.........o.....", _Y: "o...o...o...o..."},
            ),
        },
        Groove.BOSSA: {
            Texture.CALM: ({_M: "o.g.o.g.o.g.o.g."}, {_R: _CLAVE, _M: "o.g.o.g.o.g.o.g."}),
            Texture.STEADY: (
                {_K: "x.....o.x.....o.", _R: _CLAVE, _M: "ogxgogxgogxgogxg"},
                {_K: "x.....o.x.....o.", _R: _TURNED_CLAVE, _M: "ogxgogxgogxgogxg"},
            ),
            Texture.FULL: (
                {_K: "x.....x.x.....x.", _R: _CLAVE, _M: "xgxgxgxgxgxgxgxg"},
                {_K: "x.....x.x.....x.", _R: _TURNED_CLAVE, _M: "xgxgxgxgxgxgxgxg"},
            ),
        },
        Groove.RNB: {
            Texture.CALM: ({_H: "o...o...o...o.g."}, {_K: "o...............", _H: "o...o...o...o.g."}),
            Texture.STEADY: (
                {_K: "x.........x..o..", _R: _BACKBEAT, _H: "x.o.x.ogx.o.x.o."},
                {_K: "x..o......x.....", _R: "....x.......x..g", _H: "x.o.x.o.x.o.x.og"},
            ),
            Texture.FULL: (
                {_K: "X..x......x..x..", _R: _BACKBEAT, _C: _BACKBEAT, _H: "x.oxx.o.x.oxx.oo"},
                {_K: "X......x..xx....X..x......x.....", _R: "....X.......X..g", _C: _BACKBEAT, _H: "x.oxx.o.x.oxx.oo"},
            ),
        },
        Groove.HIP_HOP: {
            Texture.CALM: ({_H: _EIGHTHS}, {_K: "x.........x.....", _H: _EIGHTHS}),
            Texture.STEADY: (
                {_K: "X..x......x.....", _S: "....X.......X...", _H: "x.o.x.o.x.o.x.oo"},
                {_K: "X.........xx....", _S: "....X.......X...", _H: "x.o.x.o.x.oox.o."},
            ),
            Texture.FULL: (
                {_K: "X..x......x..x..", _S: "....X.......X...", _C: "....x.......x...", _H: "x.o.x.oox.o.x.xx"},
                {_K: "X.x.......xx....", _S: "....X.......X...", _C: "....x.......x...", _H: "x.o.x.oox.xxx.o."},
            ),
        },
        Groove.MARCH: {
            Texture.CALM: ({_S: "o...g.g.o...g.g."}, {_K: "x.......x......."}),
            Texture.STEADY: (
                {_K: "x.......x.......", _S: "x...o.oox...o.g."},
                {_K: "x.......x.......", _S: "x.goo.o.x.goooooX.goo.o.x.oox..."},
            ),
            Texture.FULL: (
                {_K: "X.......X.......", _S: "x.ooX.oox.ooX.o.", _P: "....x.......x..."},
                {_K: "X...o...X...o...", _S: "X.goX.goX.ooxoxoX.goX.goXooox.x.", _P: "....x.......x..."},
            ),
        },
        Groove.GAME: {
            Texture.CALM: ({_H: _EIGHTHS}, {_K: "x.......x.......", _H: _EIGHTHS}),
            Texture.STEADY: (
                {_K: "x.......x.......", _S: _BACKBEAT, _H: "x.x.x.x.x.x.x.x."},
                {_K: "x.....x.x.......", _S: _BACKBEAT, _H: "x.x.x.x.x.x.x.x."},
            ),
            Texture.FULL: (
                {_K: "X..x..X.X..x....", _S: "....X.......X.xx", _H: "x.xxx.xxx.xxx.xx"},
                {_K: "X.....X.X...X...", _S: "....X.......X...", _H: "x.xxx.xxx.xxx.xx"},
            ),
        },
        Groove.REGGAE: {
            Texture.CALM: ({_H: "..o...o...o...o."}, {_R: _HALF_TIME, _H: "x.o.x.o.x.o.x.o."}),
            Texture.STEADY: (
                {_K: "........X.......", _R: "........X.......", _H: "x.o.x.o.x.o.x.og"},
                {_K: "........X.......", _R: "....g...X..g....", _H: "xgo.xgo.xgo.xgo."},
            ),
            Texture.FULL: (
                {_K: "x...x...X...x...", _R: "........X.......", _H: "x.o.x.ogx.o.x.o.", _O: "..............o."},
                {_K: "x...x...x...x...", _S: "........X......g", _H: "x.ogx.ogx.ogx.og"},
            ),
        },
        Groove.BREAKBEAT: {
            Texture.CALM: ({_H: "x.o.x.o.x.o.x.o."}, {_K: "x.........x.....", _H: _EIGHTHS}),
            Texture.STEADY: (
                {_K: "X.........X.....", _S: "....X.......X...", _H: "x.o.x.o.x.o.x.o."},
                {_K: "X.........X.....", _S: "....X..g.g..X...", _H: "x.x.x.x.x.x.x.x."},
            ),
            Texture.FULL: (
                {_K: "X.........X.....", _S: "....X..g.g..X..g", _Y: "x.x.x.x.x.x.x.x.", _H: "..o...o...o...o."},
                {_K: "X.X.......X.....X.........X.X...", _S: "....X..g.g..X.......X..g.x..X..x", _H: _SIXTEENTHS},
            ),
        },
        Groove.GOSPEL: {
            Texture.CALM: ({_T: "....o.......o..."}, {_H: "o...o...o...o..."}),
            Texture.STEADY: (
                {_K: "x.......x.o.....", _C: "....o.......o...", _T: "..o.x.o...o.x.o."},
                {_K: "x.....o.x.......", _S: "....x.......x...", _H: "x.o.x.o.x.o.x.o."},
            ),
            Texture.FULL: (
                {_K: "X.....x.x.x.....", _S: "....X.......X..g", _C: "....X.......X...", _T: "o.x.o.x.o.x.o.x."},
                {_K: "X.x...x.x...x...", _C: "....X.......X...", _Y: "x.o.x.o.x.o.x.o.", _T: "....x.......x..."},
            ),
        },
    }
)


_SECOND_AND_THIRD = "....o...o..."
_GENTLE_WALTZ: Mapping[Texture, Patterns] = MappingProxyType(
    {
        Texture.CALM: ({_A: "o..........."}, {_M: "o...g...g..."}),
        Texture.STEADY: (
            {_K: "x...........", _P: _SECOND_AND_THIRD},
            {_K: "o...........", _R: _SECOND_AND_THIRD, _H: "x...o...o..."},
            {_K: "x...........o...........", _Y: "x...o.g.o..."},
        ),
        Texture.FULL: (
            {_K: "x...........", _S: _SECOND_AND_THIRD, _Y: "x...x.o.x..."},
            {_K: "x...........x.........o.", _S: _SECOND_AND_THIRD, _H: "x.o.x.o.x.o.", _T: _SECOND_AND_THIRD},
        ),
    }
)
_DRIVEN_WALTZ: Mapping[Texture, Patterns] = MappingProxyType(
    {
        Texture.CALM: ({_H: "o...o...o..."}, {_H: "x.o.x.o.x.o.", _K: "o..........."}),
        Texture.STEADY: (
            {_K: "x...........", _S: "........x...", _H: "x.o.x.o.x.o."},
            {_K: "x...........x.....o.....", _R: "....x...x...", _H: "x.o.x.o.x.o."},
        ),
        Texture.FULL: (
            {_K: "X.........o.", _S: "....X...x...", _H: "x.x.x.x.x.x.", _T: "..o...o...o."},
            {_K: "X.....x.....", _S: "........X...", _O: "x...x...x..."},
        ),
    }
)
_DRIVEN = frozenset(
    {Groove.POP, Groove.ROCK, Groove.FOUR_ON_THE_FLOOR, Groove.LOFI, Groove.RNB, Groove.HIP_HOP, Groove.GAME}
)


def drum_patterns(groove: Groove, texture: Texture, *, in_three: bool = False) -> Patterns:
    """Return the drum patterns of a groove for a density of the accompaniment (`texture`); a section uses one of them.
    With `in_three` they are patterns of a waltz.
    """
    if in_three:
        return (_DRIVEN_WALTZ if groove in _DRIVEN else _GENTLE_WALTZ)[texture]
    return _PATTERNS[groove][texture]

"""Composes the drum part: one pattern for each kind of section, varied from bar to bar, with a cymbal crash at the
start and a fill at the end.
"""

from model.song import SectionKind
from model.studio.arrange.context import ArrangementContext
from model.studio.arrange.drums.drum_patterns import drum_patterns
from model.studio.arrange.drums.fills import BUILD_UP, FillSize, fills
from model.studio.arrange.drums.kit import STROKE_WEIGHTS, Pattern, Piece
from model.studio.arrange.dynamics import Texture, drops, in_breakdown, texture
from model.studio.arrange.tablature import Stroke, hits
from model.studio.style import Groove, Track

_PHRASE_BARS = 4
_THROUGH_FILLS = (Piece.KICK, Piece.MARACAS, Piece.RIDE)
_HATS = (Piece.CLOSED_HAT, Piece.OPEN_HAT, Piece.PEDAL_HAT)
_GHOSTED = frozenset({Groove.POP, Groove.ROCK, Groove.LOFI, Groove.BALLAD, Groove.JAZZ, Groove.RNB, Groove.GOSPEL})
_CRASHED = frozenset({SectionKind.CHORUS, SectionKind.INST, SectionKind.BRIDGE})
_OUTER = frozenset({SectionKind.INTRO, SectionKind.OUTRO})
_WITHOUT_CYMBALS = frozenset({Groove.NURSERY, Groove.AMBIENT})
_UNCRASHED = _WITHOUT_CYMBALS | {Groove.JAZZ, Groove.BOSSA, Groove.FOLK, Groove.LOFI, Groove.RNB}
_LOOPED = frozenset(
    {Groove.FOUR_ON_THE_FLOOR, Groove.LOFI, Groove.HIP_HOP, Groove.GAME, Groove.REGGAE, Groove.BREAKBEAT}
)
"""Grooves built on a drum loop, which begins with the song and plays to its end."""

_FRAMED = frozenset({Groove.BALLAD, Groove.CINEMATIC})
"""Grooves whose songs begin and end without drums."""

_GHOST_STEPS = (7, 9, 15)
_OPEN_HAT_STEPS = 2
_LIVELY_ENERGY, _GENTLE_ENERGY = 0.5, 0.3
_ROLL_FLOOR = 0.6
_SIZES = (FillSize.SMALL, FillSize.MEDIUM, FillSize.BIG)


def drums(context: ArrangementContext) -> list[Stroke]:
    """Return the drum part of a section; pitches are General MIDI percussion keys. The last bar of a song has a single
    hit of kick drum and cymbal.
    """
    strokes = [stroke for bar in range(context.groove_bars) for stroke in _bar(context, bar)]
    return strokes + _start_hit(context) + _closing_hit(context)


def fill_size(context: ArrangementContext) -> FillSize | None:
    """Return the size of the drum fill at the end of the section: large before a chorus; `None` for no fill, in an
    outro or at the end of a song.
    """
    if context.following is None or context.kind is SectionKind.OUTRO:
        return None
    rank = {SectionKind.CHORUS: 2, SectionKind.INST: 1, SectionKind.BRIDGE: 1}.get(context.following, 0)
    return _SIZES[max(0, rank - (context.style.energy < _GENTLE_ENERGY))]


def kick_steps(context: ArrangementContext) -> frozenset[int]:
    """Return the steps of a bar at which the section's drum pattern has the kick drum; empty if the style has no
    drums.
    """
    if context.player(Track.DRUMS) is None:
        return frozenset()
    kick = _pattern(context, texture(context)).get(Piece.KICK)
    return frozenset(hit.start for hit in hits(kick[: context.bar_steps])) if kick else frozenset()


def _pattern(context: ArrangementContext, busy: Texture) -> Pattern:
    return context.choice(f"drums {busy.value}", drum_patterns(context.style.groove, busy, in_three=context.in_three))


def _bar_texture(context: ArrangementContext, bar: int) -> Texture | None:
    second_half = 2 * bar >= context.groove_bars
    if context.kind in _OUTER and context.style.groove in _LOOPED | _FRAMED:
        return Texture.STEADY if context.style.groove in _LOOPED else None
    if context.kind is SectionKind.INTRO:
        return Texture.CALM if second_half else None
    if context.kind is SectionKind.BRIDGE:
        return Texture.STEADY if second_half else Texture.CALM
    if context.kind is SectionKind.OUTRO:
        return Texture.CALM if second_half else Texture.STEADY
    if in_breakdown(context) and not second_half:
        return Texture.CALM
    return texture(context)


def _bar(context: ArrangementContext, bar: int) -> list[Stroke]:
    if drops(context) and bar >= context.groove_bars - len(BUILD_UP):
        return _build_up(context, bar)
    busy = _bar_texture(context, bar)
    size = fill_size(context) if bar == context.groove_bars - 1 else None
    strokes: list[Stroke] = []
    if busy is not None:
        strokes = _varied(context, bar, busy, _strokes(context, _pattern(context, busy), bar))
    if size is not None:
        options = fills(context.style.groove, size, in_three=context.in_three)
        strokes = _with_fill(strokes, _strokes(context, context.turned("fill", options), 0))
    return [Stroke(s.start + bar * context.bar_steps, s.length, s.pitch, s.weight) for s in strokes]


def _build_up(context: ArrangementContext, bar: int) -> list[Stroke]:
    """Return the drum hits in bar `bar` of a section that builds up to a drop (a chorus that enters after a short
    silence): a part of a roll over the last bars, which grows louder from its first bar to its last.
    """
    first = context.groove_bars - len(BUILD_UP)
    start, steps = bar * context.bar_steps, len(BUILD_UP) * context.bar_steps
    pattern = {piece: tab[-context.bar_steps :] for piece, tab in BUILD_UP[bar - first].items()}
    return [
        Stroke(
            s.start + start,
            s.length,
            s.pitch,
            s.weight * (_ROLL_FLOOR + (1 - _ROLL_FLOOR) * ((bar - first) * context.bar_steps + s.start) / steps),
        )
        for s in _strokes(context, pattern, 0)
    ]


def _strokes(context: ArrangementContext, pattern: Pattern, bar: int) -> list[Stroke]:
    """Return the drum hits of bar `bar` of a pattern, in steps from the start of the bar; each drum's tablature repeats
    after its own number of bars.
    """
    return [
        Stroke(hit.start, 1, int(piece), STROKE_WEIGHTS[hit.mark])
        for piece, tab in pattern.items()
        for hit in hits(_bar_of(tab, bar, context.bar_steps))
    ]


def _bar_of(tab: str, bar: int, steps: int) -> str:
    start = bar * steps % len(tab)
    return tab[start : start + steps]


def _varied(context: ArrangementContext, bar: int, busy: Texture, strokes: list[Stroke]) -> list[Stroke]:
    """Return the drum hits of a bar with small variations: ghost notes, an early kick, an open hi-hat at the end of a
    phrase. Bars whose density `busy` is calm are not varied.
    """
    if busy is Texture.CALM:
        return strokes
    chance = context.random("drums", bar, context.turn.number)
    if context.style.groove in _GHOSTED and not context.in_three and chance.random() < 0.2 + 0.4 * context.style.energy:
        strokes = _added(strokes, Piece.SNARE, chance.choice(_GHOST_STEPS), "g")
    pushed = context.style.groove is not Groove.JAZZ and not context.in_three
    if context.style.energy > _GENTLE_ENERGY and chance.random() < 0.25 and pushed:
        strokes = _added(strokes, Piece.KICK, chance.choice((10, 14)), "o")
    phrase_ends = bar % _PHRASE_BARS == _PHRASE_BARS - 1
    if phrase_ends and context.style.energy > _GENTLE_ENERGY and any(s.pitch == Piece.CLOSED_HAT for s in strokes):
        opened = context.bar_steps - _OPEN_HAT_STEPS
        kept = [s for s in strokes if not (s.pitch in _HATS and s.start >= opened)]
        strokes = _added(kept, Piece.OPEN_HAT, opened, "x")
    return strokes


def _added(strokes: list[Stroke], piece: Piece, step: int, mark: str) -> list[Stroke]:
    if any(s.start == step and s.pitch == piece for s in strokes):
        return strokes
    return [*strokes, Stroke(step, 1, int(piece), STROKE_WEIGHTS[mark])]


def _with_fill(strokes: list[Stroke], fill: list[Stroke]) -> list[Stroke]:
    """Return the drum hits of a bar with a fill: the pattern `strokes` up to the start of the fill, then the fill,
    together with the kick drum, maracas and ride cymbal of the pattern, which play on.
    """
    begins = min(s.start for s in fill)
    filled = {(s.start, s.pitch) for s in fill}
    kept = [s for s in strokes if s.start < begins or s.pitch in _THROUGH_FILLS]
    return [s for s in kept if (s.start, s.pitch) not in filled] + fill


def _start_hit(context: ArrangementContext) -> list[Stroke]:
    if context.kind not in _CRASHED or context.style.groove in _UNCRASHED or context.groove_bars == 0:
        return []
    soft = context.kind is SectionKind.BRIDGE or context.style.energy < _LIVELY_ENERGY
    return [Stroke(0, 1, int(Piece.CRASH), 0.8 if soft else 1.0)]


def _closing_hit(context: ArrangementContext) -> list[Stroke]:
    if not context.ends_song:
        return []
    start = context.groove_bars * context.bar_steps
    cymbal = Piece.TRIANGLE if context.style.groove in _WITHOUT_CYMBALS else Piece.CRASH
    return [Stroke(start, 1, int(Piece.KICK), 0.9), Stroke(start, 1, int(cymbal), 0.75)]

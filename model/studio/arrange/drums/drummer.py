"""The drummer: one pattern per section kind, varied bar by bar, with crashes at starts and fills at ends."""

from model.song import SectionKind
from model.studio.arrange.drums.drum_patterns import drum_patterns
from model.studio.arrange.drums.fills import FillSize, fills
from model.studio.arrange.drums.kit import STROKE_WEIGHTS, Pattern, Piece
from model.studio.arrange.dynamics import Texture, texture
from model.studio.arrange.scene import Scene
from model.studio.arrange.tabs import Stroke, hits
from model.studio.notation.score import STEPS_PER_BAR
from model.studio.style import Groove, Track

_PHRASE_BARS = 4
_SILENT = "." * STEPS_PER_BAR
_THROUGH_FILLS = (Piece.KICK, Piece.MARACAS, Piece.RIDE)
_HATS = (Piece.CLOSED_HAT, Piece.OPEN_HAT, Piece.PEDAL_HAT)
_GHOSTED = frozenset({Groove.POP, Groove.ROCK, Groove.LOFI, Groove.BALLAD, Groove.JAZZ, Groove.RNB})
_CRASHED = frozenset({SectionKind.CHORUS, SectionKind.INST, SectionKind.BRIDGE})
_UNCRASHED = frozenset({Groove.NURSERY, Groove.AMBIENT})
_GHOST_STEPS = (7, 9, 15)
_OPEN_HAT_STEP = 14
_LIVELY_ENERGY, _GENTLE_ENERGY = 0.5, 0.3
_SIZES = (FillSize.SMALL, FillSize.MEDIUM, FillSize.BIG)


def drums(scene: Scene) -> list[Stroke]:
    """The drum part; pitches are General MIDI percussion keys. A song's last bar holds one hit alone."""
    strokes = [stroke for bar in range(scene.groove_bars) for stroke in _bar(scene, bar)]
    return strokes + _start_hit(scene) + _closing_hit(scene)


def fill_size(scene: Scene) -> FillSize | None:
    """The fill that leads out of the section: big into a chorus, none at the end of a song."""
    if scene.following is None or scene.kind is SectionKind.OUTRO:
        return None
    rank = {SectionKind.CHORUS: 2, SectionKind.INST: 1, SectionKind.BRIDGE: 1}.get(scene.following, 0)
    return _SIZES[max(0, rank - (scene.style.energy < _GENTLE_ENERGY))]


def kick_steps(scene: Scene) -> frozenset[int]:
    """Steps of the bar on which the section's pattern has the kick; empty where nobody drums."""
    if scene.player(Track.DRUMS) is None:
        return frozenset()
    return frozenset(hit.start for hit in hits(_bar_of(_pattern(scene, texture(scene)).get(Piece.KICK, _SILENT), 0)))


def _pattern(scene: Scene, busy: Texture) -> Pattern:
    return scene.choice(f"drums {busy.value}", drum_patterns(scene.style.groove, busy))


def _bar_texture(scene: Scene, bar: int) -> Texture | None:
    second_half = 2 * bar >= scene.groove_bars
    if scene.kind is SectionKind.INTRO:
        return Texture.CALM if second_half else None
    if scene.kind is SectionKind.BRIDGE:
        return Texture.STEADY if second_half else Texture.CALM
    if scene.kind is SectionKind.OUTRO:
        return Texture.CALM if second_half else Texture.STEADY
    return texture(scene)


def _bar(scene: Scene, bar: int) -> list[Stroke]:
    busy = _bar_texture(scene, bar)
    size = fill_size(scene) if bar == scene.groove_bars - 1 else None
    strokes: list[Stroke] = []
    if busy is not None:
        strokes = _varied(scene, bar, busy, _strokes(_pattern(scene, busy), bar))
    if size is not None:
        strokes = _with_fill(strokes, _strokes(scene.choice("fill", fills(scene.style.groove, size)), 0))
    return [Stroke(s.start + bar * STEPS_PER_BAR, s.length, s.pitch, s.weight) for s in strokes]


def _strokes(pattern: Pattern, bar: int) -> list[Stroke]:
    """Bar `bar` of a pattern; its tabs repeat each after its own number of bars."""
    return [
        Stroke(hit.start, 1, int(piece), STROKE_WEIGHTS[hit.mark])
        for piece, tab in pattern.items()
        for hit in hits(_bar_of(tab, bar))
    ]


def _bar_of(tab: str, bar: int) -> str:
    start = bar * STEPS_PER_BAR % len(tab)
    return tab[start : start + STEPS_PER_BAR]


def _varied(scene: Scene, bar: int, busy: Texture, strokes: list[Stroke]) -> list[Stroke]:
    """The bar with what a drummer adds in passing: ghost notes, a pushed kick, an open hat where a phrase ends."""
    if busy is Texture.CALM:
        return strokes
    chance = scene.random("drums", bar)
    if scene.style.groove in _GHOSTED and chance.random() < 0.2 + 0.4 * scene.style.energy:
        strokes = _added(strokes, Piece.SNARE, chance.choice(_GHOST_STEPS), "g")
    if scene.style.energy > _GENTLE_ENERGY and chance.random() < 0.25 and scene.style.groove is not Groove.JAZZ:
        strokes = _added(strokes, Piece.KICK, chance.choice((10, 14)), "o")
    phrase_ends = bar % _PHRASE_BARS == _PHRASE_BARS - 1
    if phrase_ends and scene.style.energy > _GENTLE_ENERGY and any(s.pitch == Piece.CLOSED_HAT for s in strokes):
        kept = [s for s in strokes if not (s.pitch in _HATS and s.start >= _OPEN_HAT_STEP)]
        strokes = _added(kept, Piece.OPEN_HAT, _OPEN_HAT_STEP, "x")
    return strokes


def _added(strokes: list[Stroke], piece: Piece, step: int, mark: str) -> list[Stroke]:
    if any(s.start == step and s.pitch == piece for s in strokes):
        return strokes
    return [*strokes, Stroke(step, 1, int(piece), STROKE_WEIGHTS[mark])]


def _with_fill(strokes: list[Stroke], fill: list[Stroke]) -> list[Stroke]:
    """The bar up to the fill, then the fill over what goes on beneath it."""
    begins = min(s.start for s in fill)
    filled = {(s.start, s.pitch) for s in fill}
    kept = [s for s in strokes if s.start < begins or s.pitch in _THROUGH_FILLS]
    return [s for s in kept if (s.start, s.pitch) not in filled] + fill


def _start_hit(scene: Scene) -> list[Stroke]:
    if scene.kind not in _CRASHED or scene.style.groove in _UNCRASHED or scene.groove_bars == 0:
        return []
    soft = scene.kind is SectionKind.BRIDGE or scene.style.energy < _LIVELY_ENERGY
    return [Stroke(0, 1, int(Piece.CRASH), 0.7 if soft else 1.0)]


def _closing_hit(scene: Scene) -> list[Stroke]:
    if not scene.ends_song:
        return []
    start = scene.groove_bars * STEPS_PER_BAR
    cymbal = Piece.TRIANGLE if scene.style.groove in _UNCRASHED else Piece.CRASH
    return [Stroke(start, 1, int(Piece.KICK), 0.9), Stroke(start, 1, int(cymbal), 0.75)]

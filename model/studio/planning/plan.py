"""Plans a song: parameters in, sections with bars, lines, key, tempo and style out."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import TypeAlias

from model.engine import EngineInfo
from model.shared.languages import language_among
from model.song import AnchorNote, InvalidParams, SectionKind, SectionPlan, SongParams, SongPlan, Stem, Violation, Voice
from model.studio.info import SAMPLE_RATE_HERTZ
from model.studio.lyrics.sections import LyricSection, parse_lyrics
from model.studio.notation.keys import Key, parse_key
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT
from model.studio.planning.anchor import spread_anchor
from model.studio.planning.checks import check_params
from model.studio.planning.form import Block
from model.studio.planning.key_finding import tune_key
from model.studio.planning.layout import comfortable_bars, fewest_bars, lay_out
from model.studio.prompt.understanding import FASTEST_BPM, SLOWEST_BPM, Understanding, understand
from model.studio.style import Mode, Style

TEMPO_SLACK = 0.04
"""How far, as a share, the engine bends its own tempo so that whole bars fill the asked duration."""

RAPPED_GENRE = "hip hop"
"""Its words keep their quickest pace however much time there is."""

Lengths: TypeAlias = Callable[[float, float], Iterable[tuple[int, float]]]
"""From a duration in seconds and a tempo to the bars and tempi that could fill it, best first."""

_HOME_TRANSPOSES = (-3, -2, -1, 0, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class StudioSection:
    """What the studio knows of a section beyond its `SectionPlan`.

    `line_bars` holds the bars of each line, in order from the section's start; the rest is played. `anchor` is the
    part of the caller's melody that falls into this section, from its start.
    """

    bars: int
    line_bars: tuple[int, ...] = ()
    anchor: tuple[AnchorNote, ...] = ()


@dataclass(frozen=True, slots=True)
class StudioDetail:
    """What the studio puts into `SongPlan.detail`.

    Attributes:
        style: how the song sounds; its tempo is the song's.
        transpose: semitones, -5 to 6, from C major or A minor to the sounding key.
        minor: whether the mode is minor.
        stems: what the caller wants to hear.
        vocal_level_db: how much louder than usual the caller wants the lead line, -24 to 12.
        sections: parallel to the plan's sections.
    """

    style: Style
    transpose: int
    minor: bool
    stems: frozenset[Stem]
    vocal_level_db: float
    sections: tuple[StudioSection, ...]

    @property
    def key(self) -> Key:
        """The sounding key."""
        return Key(Mode.MINOR if self.minor else Mode.MAJOR, self.transpose)


def detail_of(plan: SongPlan) -> StudioDetail:
    """The studio engine's own part of a plan; raises TypeError for a plan of another engine."""
    if not isinstance(plan.detail, StudioDetail):
        raise TypeError("this plan was not made by the studio engine. This is a bug.")
    return plan.detail


def plan_song(params: SongParams, info: EngineInfo) -> SongPlan:
    """Lay out a song; pure, and the same for the same parameters.

    A key that neither field nor prompt names is that of the anchor, if there is one.

    Where neither field nor prompt gives a tempo in numbers, whole bars fill the asked duration exactly; with a given
    tempo the song is less than a bar longer or shorter, and never longer than the engine makes. The
    first section has at most four bars.

    Raises:
        InvalidParams: a parameter is out of range, the lyrics cannot be read or do not fit the duration.
    """
    check_params(params, info, (SLOWEST_BPM, FASTEST_BPM))
    asked_key = parse_key(params.key) if params.key is not None else None
    lyrics = parse_lyrics(params.lyrics, language=_language(params, info))
    random = Random(params.seed)
    understanding = understand(params.prompt, random)
    named_key = asked_key or understanding.key
    heard_key = None if named_key else tune_key(params.anchor, understanding.style.mode)
    key = named_key or heard_key or _home(understanding.style, random)
    bars, tempo_bpm = _length(params, info, lyrics.sections, understanding)
    blocks = lay_out(lyrics.sections, bars, _bar_seconds(tempo_bpm), rapped=understanding.style.genre == RAPPED_GENRE)
    return SongPlan(
        engine=info.name,
        seed=params.seed,
        steps=params.steps if params.steps is not None else info.default_steps,
        guidance_scale=params.guidance_scale if params.guidance_scale is not None else info.default_guidance_scale,
        duration_seconds=_seconds(bars, tempo_bpm),
        sections=tuple(_section_plans(blocks, tempo_bpm)),
        key=key.name,
        tempo_bpm=tempo_bpm,
        notes=lyrics.notes + understanding.notes + _key_notes(heard_key),
        voice=_voice(params, understanding.style) if any(block.lines for block in blocks) else None,
        engine_samples=samples_of(bars, tempo_bpm),
        detail=_detail(params, understanding.style, key, tempo_bpm, blocks),
    )


def samples_of(bars: int, tempo_bpm: float) -> int:
    """Samples per channel in the first `bars` bars of a song, to the nearest one."""
    return round(bars * STEPS_PER_BAR * SAMPLE_RATE_HERTZ * 60.0 / tempo_bpm / STEPS_PER_BEAT)


def _key_notes(heard: Key | None) -> tuple[str, ...]:
    return (f"anchor: heard in {heard.name}",) if heard else ()


def _home(style: Style, random: Random) -> Key:
    """A key of the style's mode: any of the usual ones, or of their lower or upper part where the register asks."""
    count = len(_HOME_TRANSPOSES)
    centre = (count - 1) * (1 + style.register) / 2
    reach = (count - 1) * (1 - abs(style.register)) / 2
    near = [key for place, key in enumerate(_HOME_TRANSPOSES) if abs(place - centre) <= reach + 1]
    return Key(style.mode, random.choice(near))


def _language(params: SongParams, info: EngineInfo) -> str | None:
    return None if params.language is None else language_among(params.language, info.languages)


def _voice(params: SongParams, style: Style) -> Voice:
    return params.voice or style.voice or Voice.FEMALE


def _seconds(bars: int, tempo_bpm: float) -> float:
    return bars * BEATS_PER_BAR * 60.0 / tempo_bpm


def _bar_seconds(tempo_bpm: float) -> float:
    return _seconds(1, tempo_bpm)


def _length(
    params: SongParams, info: EngineInfo, sections: Sequence[LyricSection], understanding: Understanding
) -> tuple[int, float]:
    """Bars and tempo of the song."""
    tempo_bpm = params.tempo_bpm or understanding.style.tempo_bpm
    longest = info.duration_seconds[1]
    fixed = params.tempo_bpm is not None or understanding.tempo_named
    lengths = partial(_fixed_lengths, longest=longest) if fixed else _free_lengths
    if params.duration_seconds is None:
        rapped = understanding.style.genre == RAPPED_GENRE
        bars = comfortable_bars(sections, _bar_seconds(tempo_bpm), rapped=rapped)
        if _seconds(bars, tempo_bpm) <= longest:
            return bars, tempo_bpm
    asked = params.duration_seconds or longest
    fitting = _fitting(asked, tempo_bpm, lengths, sections)
    if fitting is None:
        raise InvalidParams(_too_short(asked, tempo_bpm, lengths, sections, longest))
    return fitting


def _fitting(
    duration_seconds: float, tempo_bpm: float, lengths: Lengths, sections: Sequence[LyricSection]
) -> tuple[int, float] | None:
    """The best bars and tempo for the duration that hold the lyrics, or `None`."""
    for bars, bent_bpm in lengths(duration_seconds, tempo_bpm):
        if fewest_bars(sections, _bar_seconds(bent_bpm)) <= bars:
            return bars, bent_bpm
    return None


def _fixed_lengths(duration_seconds: float, tempo_bpm: float, longest: float) -> Iterator[tuple[int, float]]:
    """The whole bars on either side of the duration, the nearer first, and none beyond the `longest` in seconds."""
    wished = duration_seconds / _bar_seconds(tempo_bpm)
    for bars in sorted({math.floor(wished), math.ceil(wished)}, key=lambda bars: abs(bars - wished)):
        if _seconds(bars, tempo_bpm) <= longest:
            yield bars, tempo_bpm


def _free_lengths(duration_seconds: float, tempo_bpm: float) -> list[tuple[int, float]]:
    """Bars and exact tempi, those within the slack first and among them multiples of four, then of two."""
    wished = duration_seconds / _bar_seconds(tempo_bpm)
    slack = wished * TEMPO_SLACK
    nearby = range(max(2, math.floor(wished - slack)), math.ceil(wished + slack) + 2)
    lengths = [(bars, 60.0 * BEATS_PER_BAR * bars / duration_seconds) for bars in nearby]
    possible = [(bars, bpm) for bars, bpm in lengths if SLOWEST_BPM <= bpm <= FASTEST_BPM]

    def strain(length: tuple[int, float]) -> tuple[bool, float, float]:
        bend = abs(length[0] - wished)
        grid = -math.gcd(length[0], 4) if bend <= slack else 0
        return (bend > slack, grid, bend)

    return sorted(possible, key=strain)[: max(1, math.ceil(2 * slack) + 1)]


def _too_short(
    asked: float, tempo_bpm: float, lengths: Lengths, sections: Sequence[LyricSection], longest: float
) -> Violation:
    """The violation that names the shortest duration in whole seconds that holds the lyrics."""
    seconds = math.floor(asked) + 1
    while seconds <= longest and _fitting(seconds, tempo_bpm, lengths, sections) is None:
        needed = _seconds(fewest_bars(sections, _bar_seconds(tempo_bpm * (1 + TEMPO_SLACK))), tempo_bpm)
        seconds = max(seconds + 1, math.floor(needed * (1 - TEMPO_SLACK)))
    if seconds > longest:
        return Violation("lyrics", f"these lyrics need about {seconds} s, and at most {longest:g} s can be made")
    return Violation("duration_seconds", f"these lyrics need at least {seconds} s, not {asked:g} s")


def _section_plans(blocks: Sequence[Block], tempo_bpm: float) -> Iterator[SectionPlan]:
    first_bar = 0
    for index, (block, label) in enumerate(zip(blocks, _labels(blocks), strict=True)):
        yield SectionPlan(
            index=index,
            kind=block.kind,
            label=label,
            start_seconds=_seconds(first_bar, tempo_bpm),
            duration_seconds=_seconds(block.bars, tempo_bpm),
            bars=block.bars,
            lines=block.lines,
        )
        first_bar += block.bars


def _labels(blocks: Sequence[Block]) -> Iterator[str]:
    """Name each block by kind, counted from the second: "verse", "verse (continued)", "verse 2"."""
    counts: dict[SectionKind, int] = {}
    for block in blocks:
        if block.piece == 0:
            counts[block.kind] = counts.get(block.kind, 0) + 1
        count = counts[block.kind]
        name = block.kind.value if count == 1 else f"{block.kind.value} {count}"
        yield f"{name} (continued)" if block.piece else name


def _detail(params: SongParams, style: Style, key: Key, tempo_bpm: float, blocks: Sequence[Block]) -> StudioDetail:
    anchors = spread_anchor(params.anchor, blocks)
    sections = tuple(
        StudioSection(block.bars, block.line_bars, anchor) for block, anchor in zip(blocks, anchors, strict=True)
    )
    return StudioDetail(
        style=replace(style, mode=key.mode, tempo_bpm=tempo_bpm),
        transpose=key.transpose,
        minor=key.mode is Mode.MINOR,
        stems=params.stems,
        vocal_level_db=params.vocal_level_db,
        sections=sections,
    )

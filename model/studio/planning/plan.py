"""Plans a song: computes its sections with their bars and lines, its key, tempo and style from the parameters of a
request.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from model.engine import EngineInfo
from model.shared.languages import language_among
from model.song import AnchorNote, SectionKind, SectionPlan, SongParams, SongPlan, Voice
from model.studio.info import SAMPLE_RATE_HERTZ
from model.studio.lyrics.sections import Lyrics, parse_lyrics
from model.studio.notation.keys import Key, parse_key
from model.studio.planning.anchor import Fitted, Spread, fit_anchor, spread_anchor
from model.studio.planning.checks import check_params
from model.studio.planning.form.form import Block
from model.studio.planning.form.layout import lay_out
from model.studio.planning.form.length import Length, bars_together, seconds_of
from model.studio.planning.key_finding import key_of_melody
from model.studio.planning.lifts import lifts
from model.studio.planning.song_length import RAPPED_GENRE, song_length
from model.studio.planning.studio_detail import StudioDetail, StudioSection
from model.studio.planning.ways import shared_by_voices, way_notes
from model.studio.prompt.parsing import ParsedPrompt, parse_prompt
from model.studio.prompt.tempo import FASTEST_BPM, SLOWEST_BPM
from model.studio.style import Mode, Style

CONTINUED = "(continued)"
"""Suffix of the name of a section that continues the previous one."""

_ROOM_BARS = 4
"""Number of bars added to a song for the caller's melody, more than an introduction can grow by."""

_HOME_TRANSPOSES = (-3, -2, -1, 0, 2, 3, 4)


def plan_song(params: SongParams, info: EngineInfo) -> SongPlan:
    """Return the plan of a song for the parameters of a request; the same parameters always give the same plan.

    If neither the key field nor the prompt names a key, the song is in the key of the anchor (the caller's melody), if
    there is one. If neither names a tempo, the song has the tempo of the anchor's MIDI file, if that tempo is in range.
    An anchor that is too long is cut. Without a requested duration the song is as long as words and anchor need.

    If no tempo is given in numbers, whole bars fill the requested duration exactly. With a given tempo the song is up
    to one bar (two in a waltz) longer or shorter, and never longer than the longest song of the engine. The first
    section has at most four bars, in a waltz eight.

    Raises:
        InvalidParams: a parameter is out of range, the lyrics cannot be read or do not fit the duration.
    """
    check_params(params, info, (SLOWEST_BPM, FASTEST_BPM))
    requested = _read(params, info)
    music = _laid_out(params, info, requested)
    if music.spread.beats_left and params.duration_seconds is None:
        more = math.ceil(music.spread.beats_left / music.beats_per_bar) + _ROOM_BARS
        seconds = music.seconds + seconds_of(more, music.tempo_bpm, music.beats_per_bar)
        return plan_song(replace(params, duration_seconds=min(seconds, info.duration_seconds[1])), info)
    return _plan_of(params, info, requested, music)


@dataclass(frozen=True, slots=True)
class _Requested:
    """The content of a request: `parsed` is the style that the prompt asks for, `given` are the lyrics as the caller
    gave them, `lyrics` those with their lines assigned to singers. `anchor` is the caller's melody, shortened to fit a
    song. `key` is the key of the song; `melody_key` is the key of the caller's melody, or `None` if the request names a
    key or the melody has no clear one.
    """

    parsed: ParsedPrompt
    given: Lyrics
    lyrics: Lyrics
    anchor: Fitted
    key: Key
    melody_key: Key | None


@dataclass(frozen=True, slots=True)
class _Music:
    """A song laid out in bars: `lyrics` as they are sung, the sections (blocks), and the caller's melody divided among
    them. `tempo_notes` are remarks for the caller on the tempo.
    """

    lyrics: Lyrics
    bars: int
    tempo_bpm: float
    beats_per_bar: int
    tempo_notes: tuple[str, ...]
    blocks: tuple[Block, ...]
    spread: Spread

    @property
    def seconds(self) -> float:
        """Length of the song in seconds."""
        return seconds_of(self.bars, self.tempo_bpm, self.beats_per_bar)


def _read(params: SongParams, info: EngineInfo) -> _Requested:
    """Return the content of a request. Raises InvalidParams if the key or the lyrics cannot be read."""
    asked_key = parse_key(params.key) if params.key is not None else None
    random = Random(params.seed)
    parsed = parse_prompt(params.prompt, random)
    voice = params.voice or parsed.style.voice
    given = parse_lyrics(params.lyrics, voice, language=_language(params, info))
    anchor = fit_anchor(params.anchor, parsed.style.beats_per_bar)
    named_key = asked_key or parsed.key
    melody_key = None if named_key else key_of_melody(anchor.notes, parsed.style.mode)
    key = named_key or melody_key or _home(parsed.style, random)
    return _Requested(parsed, given, shared_by_voices(given, parsed.style.ways), anchor, key, melody_key)


def _laid_out(params: SongParams, info: EngineInfo, requested: _Requested) -> _Music:
    """Return the song laid out in bars. Raises InvalidParams if the words do not fit the duration."""
    style = requested.parsed.style
    lyrics, length, tempo_notes = song_length(params, info, requested.lyrics, requested.parsed)
    blocks = _blocks(lyrics, length, style)
    spread = spread_anchor(requested.anchor.notes, blocks, style.beats_per_bar)
    bars = length.bars * bars_together(style.beats_per_bar)
    return _Music(lyrics, bars, length.tempo_bpm, style.beats_per_bar, tempo_notes, blocks, spread)


def _plan_of(params: SongParams, info: EngineInfo, requested: _Requested, music: _Music) -> SongPlan:
    """Build the plan of a song from its request and from `music`, the song laid out in bars."""
    detail = _detail(params, requested.parsed.style, requested.key, music.tempo_bpm, music.blocks, music.spread.parts)
    return SongPlan(
        engine=info.name,
        seed=params.seed,
        steps=params.steps if params.steps is not None else info.default_steps,
        guidance_scale=params.guidance_scale if params.guidance_scale is not None else info.default_guidance_scale,
        duration_seconds=music.seconds,
        sections=tuple(_section_plans(music.blocks, music.tempo_bpm, music.beats_per_bar)),
        key=requested.key.name,
        tempo_bpm=music.tempo_bpm,
        notes=_notes(params, requested, music, detail),
        voice=(music.lyrics.voice or Voice.FEMALE) if any(block.lines for block in music.blocks) else None,
        engine_samples=samples_of(music.bars, music.tempo_bpm, music.beats_per_bar),
        detail=detail,
    )


def _notes(params: SongParams, requested: _Requested, music: _Music, detail: StudioDetail) -> tuple[str, ...]:
    """Return the remarks for the caller on lyrics, prompt, anchor, tempo and key."""
    kinds = {block.kind for block in music.blocks}
    return (
        *(*music.lyrics.notes, *requested.parsed.notes, *way_notes(detail.style, requested.given, kinds)),
        *((f"anchor: the melody is in {requested.melody_key.name}",) if requested.melody_key else ()),
        *params.anchor_remarks,
        *(*requested.anchor.remarks, *music.spread.remarks, *music.tempo_notes),
        *_lift_notes(detail, tuple(_labels(music.blocks))),
    )


def samples_of(bars: int, tempo_bpm: float, beats_per_bar: int) -> int:
    """Return the number of samples per channel in the first `bars` bars of a song, rounded."""
    return round(bars * beats_per_bar * SAMPLE_RATE_HERTZ * 60.0 / tempo_bpm)


def _blocks(lyrics: Lyrics, length: Length, style: Style) -> tuple[Block, ...]:
    """Return the sections (blocks) of a song with their lengths in bars of the song's metre. The layout counts two bars
    of a waltz as one; the lengths returned count both.
    """
    together = bars_together(style.beats_per_bar)
    bar_seconds = seconds_of(together, length.tempo_bpm, style.beats_per_bar)
    rapped = style.genre == RAPPED_GENRE
    laid = lay_out(lyrics.sections, length.bars, bar_seconds, rapped=rapped, doubled=together > 1)
    return tuple(
        replace(block, bars=together * block.bars, line_bars=tuple(together * bars for bars in block.line_bars))
        for block in laid
    )


def _lift_notes(detail: StudioDetail, labels: Sequence[str]) -> tuple[str, ...]:
    lifted = next((index for index, section in enumerate(detail.sections) if section.lift), None)
    return (
        ()
        if lifted is None
        else (f"key: {labels[lifted]} and what follows it are in {detail.section_key(lifted).name}",)
    )


def _home(style: Style, random: Random) -> Key:
    """Draw the key of the song at random in the style's mode; a low or high register restricts it to lower or higher
    keys.
    """
    count = len(_HOME_TRANSPOSES)
    centre = (count - 1) * (1 + style.register) / 2
    reach = (count - 1) * (1 - abs(style.register)) / 2
    near = [key for place, key in enumerate(_HOME_TRANSPOSES) if abs(place - centre) <= reach + 1]
    return Key(style.mode, random.choice(near))


def _language(params: SongParams, info: EngineInfo) -> str | None:
    return None if params.language is None else language_among(params.language, info.languages)


def _section_plans(blocks: Sequence[Block], tempo_bpm: float, beats_per_bar: int) -> Iterator[SectionPlan]:
    first_bar = 0
    for index, (block, label) in enumerate(zip(blocks, _labels(blocks), strict=True)):
        yield SectionPlan(
            index=index,
            kind=block.kind,
            label=label,
            start_seconds=seconds_of(first_bar, tempo_bpm, beats_per_bar),
            duration_seconds=seconds_of(block.bars, tempo_bpm, beats_per_bar),
            bars=block.bars,
            lines=block.lines,
        )
        first_bar += block.bars


def _labels(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the name of each section: "verse", "verse (continued)", "verse 2". The second and later sections of a kind
    are numbered.
    """
    counts: dict[SectionKind, int] = {}
    for block in blocks:
        if block.piece == 0:
            counts[block.kind] = counts.get(block.kind, 0) + 1
        count = counts[block.kind]
        name = block.kind.value if count == 1 else f"{block.kind.value} {count}"
        yield f"{name} {CONTINUED}" if block.piece else name


def _detail(
    params: SongParams,
    style: Style,
    key: Key,
    tempo_bpm: float,
    blocks: Sequence[Block],
    anchors: Sequence[tuple[AnchorNote, ...]],
) -> StudioDetail:
    raised = lifts(blocks, style, params.seed, anchored=bool(params.anchor))
    sections = tuple(
        StudioSection(block.bars, block.line_bars, anchor, lift)
        for block, anchor, lift in zip(blocks, anchors, raised, strict=True)
    )
    return StudioDetail(
        style=replace(style, mode=key.mode, tempo_bpm=tempo_bpm),
        transpose=key.transpose,
        minor=key.mode is Mode.MINOR,
        stems=params.stems,
        vocal_level_db=params.vocal_level_db,
        sections=sections,
    )

"""Plans a song: computes its sections with their bars and lines, its key, tempo and style from the parameters of a
request.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from model.engine import EngineInfo
from model.shared.languages import language_among
from model.song import AnchorNote, InvalidParams, SectionKind, SectionPlan, SongParams, SongPlan, Stem, Voice
from model.studio.info import SAMPLE_RATE_HERTZ
from model.studio.lyrics.sections import Lyrics, parse_lyrics
from model.studio.notation.keys import Key, parse_key
from model.studio.planning.anchor import fit_anchor, spread_anchor
from model.studio.planning.checks import check_params
from model.studio.planning.form.form import Block
from model.studio.planning.form.layout import lay_out
from model.studio.planning.form.length import (
    Length,
    Tempo,
    TooManyWords,
    bars_together,
    choose_length,
    seconds_of,
    too_many_words,
)
from model.studio.planning.key_finding import key_of_melody
from model.studio.planning.lifts import lifts
from model.studio.planning.short_lines import with_short_lines_together
from model.studio.planning.ways import shared_by_voices, way_notes
from model.studio.prompt.parsing import ParsedPrompt, parse_prompt
from model.studio.prompt.tempo import FASTEST_BPM, SLOWEST_BPM
from model.studio.style import Mode, Style

RAPPED_GENRE = "hip hop"
"""Genre whose words are always sung as fast as possible."""

CONTINUED = "(continued)"
"""Suffix of the name of a section that continues the previous one."""

_ROOM_BARS = 4
"""Number of bars added to a song for the caller's melody, more than an introduction can grow by."""

_HOME_TRANSPOSES = (-3, -2, -1, 0, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class StudioSection:
    """Details of a section beyond its `SectionPlan`.

    `line_bars` holds the bars of each line, in order from the section's start; bars after them are instrumental.
    `anchor` is the part of the caller's melody that falls into this section, from its start. `lift` counts the
    semitones by which the section lies above the song's key.
    """

    bars: int
    line_bars: tuple[int, ...] = ()
    anchor: tuple[AnchorNote, ...] = ()
    lift: int = 0


@dataclass(frozen=True, slots=True)
class StudioDetail:
    """The studio engine's part of a song's plan, in `SongPlan.detail`.

    Attributes:
        style: musical style of the song, with the song's own tempo.
        transpose: semitones, -5 to 6, from C major or A minor to the sounding key.
        minor: True if the mode is minor.
        stems: the stems that the caller wants to hear.
        vocal_level_db: how much louder than usual the caller wants the lead line, -24 to 12.
        sections: one entry for each section of the plan.
    """

    style: Style
    transpose: int
    minor: bool
    stems: frozenset[Stem]
    vocal_level_db: float
    sections: tuple[StudioSection, ...]

    @property
    def key(self) -> Key:
        """The key of the song; sections after a key change are in a higher key."""
        return Key(Mode.MINOR if self.minor else Mode.MAJOR, self.transpose)

    def section_key(self, index: int) -> Key:
        """Return the key of section `index`, with the section's key change applied."""
        return Key(self.key.mode, self.transpose + self.sections[index].lift)

    @property
    def highest_lift(self) -> int:
        """Number of semitones by which the section in the highest key lies above the song's key."""
        return max(section.lift for section in self.sections)


def detail_of(plan: SongPlan) -> StudioDetail:
    """Return the studio engine's part of a plan; raises TypeError for a plan of another engine."""
    if not isinstance(plan.detail, StudioDetail):
        raise TypeError("the plan was not made by the studio engine. This is a bug: please report it")
    return plan.detail


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
    asked_key = parse_key(params.key) if params.key is not None else None
    random = Random(params.seed)
    parsed = parse_prompt(params.prompt, random)
    voice = params.voice or parsed.style.voice
    given = parse_lyrics(params.lyrics, voice, language=_language(params, info))
    lyrics = shared_by_voices(given, parsed.style.ways)
    named_key = asked_key or parsed.key
    beats_per_bar = parsed.style.beats_per_bar
    anchor = fit_anchor(params.anchor, beats_per_bar)
    heard_key = None if named_key else key_of_melody(anchor.notes, parsed.style.mode)
    key = named_key or heard_key or _home(parsed.style, random)
    lyrics, length, tempo_notes = _length_at_file_tempo(params, info, lyrics, parsed)
    bars, tempo_bpm = length.bars * bars_together(beats_per_bar), length.tempo_bpm
    blocks = _blocks(lyrics, length, parsed.style)
    spread = spread_anchor(anchor.notes, blocks, beats_per_bar)
    song_seconds = seconds_of(bars, tempo_bpm, beats_per_bar)
    if spread.beats_left and params.duration_seconds is None:
        more = math.ceil(spread.beats_left / beats_per_bar) + _ROOM_BARS
        seconds = song_seconds + seconds_of(more, tempo_bpm, beats_per_bar)
        return plan_song(replace(params, duration_seconds=min(seconds, info.duration_seconds[1])), info)
    detail = _detail(params, parsed.style, key, tempo_bpm, blocks, spread.parts)
    return SongPlan(
        engine=info.name,
        seed=params.seed,
        steps=params.steps if params.steps is not None else info.default_steps,
        guidance_scale=params.guidance_scale if params.guidance_scale is not None else info.default_guidance_scale,
        duration_seconds=song_seconds,
        sections=tuple(_section_plans(blocks, tempo_bpm, beats_per_bar)),
        key=key.name,
        tempo_bpm=tempo_bpm,
        notes=(
            *(*lyrics.notes, *parsed.notes, *way_notes(detail.style, given, {block.kind for block in blocks})),
            *((f"anchor: heard in {heard_key.name}",) if heard_key else ()),
            *params.anchor_remarks,
            *(*anchor.remarks, *spread.remarks, *tempo_notes, *_lift_notes(detail, tuple(_labels(blocks)))),
        ),
        voice=(lyrics.voice or Voice.FEMALE) if any(block.lines for block in blocks) else None,
        engine_samples=samples_of(bars, tempo_bpm, beats_per_bar),
        detail=detail,
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


def _length_at_file_tempo(
    params: SongParams, info: EngineInfo, lyrics: Lyrics, parsed: ParsedPrompt
) -> tuple[Lyrics, Length, tuple[str, ...]]:
    """Return the lyrics, the length and tempo of the song, and remarks for the caller.

    The tempo is that of the anchor's MIDI file if the request names no tempo and the words fit at the file's tempo;
    otherwise it is the tempo that `_length` chooses. The remarks say which of the two is used.
    """
    bpm = params.anchor_tempo_bpm
    if bpm is None:
        return *_length(params, info, lyrics, parsed), ()
    told = f"anchor: its file's tempo of {bpm:.4g} BPM"
    if params.tempo_bpm is not None or parsed.tempo_named:
        reason = "another is asked for"
    elif not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        reason = f"it is beyond {SLOWEST_BPM:g} to {FASTEST_BPM:g}"
    else:
        with suppress(InvalidParams):
            return *_length(replace(params, tempo_bpm=bpm), info, lyrics, parsed), (f"{told} is kept",)
        reason = "the words do not fit at it"
    return *_length(params, info, lyrics, parsed), (f"{told} is not kept, since {reason}",)


def _length(params: SongParams, info: EngineInfo, lyrics: Lyrics, parsed: ParsedPrompt) -> tuple[Lyrics, Length]:
    """Return the lyrics, and the length and tempo of the song; short lines of the lyrics are joined if all lines do not
    fit into the longest song.
    """
    fixed = params.tempo_bpm is not None or parsed.tempo_named
    beats = parsed.style.beats_per_bar * bars_together(parsed.style.beats_per_bar)
    tempo = Tempo(params.tempo_bpm or parsed.style.tempo_bpm, parsed.tempo_range_bpm, fixed, beats)
    rapped = parsed.style.genre == RAPPED_GENRE
    choose = partial(choose_length, params.duration_seconds, tempo, longest=info.duration_seconds[1], rapped=rapped)
    for attempt in _attempts(lyrics):
        with suppress(TooManyWords):
            return attempt, choose(attempt.sections)
    raise InvalidParams(too_many_words(lyrics.sections, tempo, info.duration_seconds[1]))


def _attempts(lyrics: Lyrics) -> Iterator[Lyrics]:
    """Yield the lyrics as written, then the lyrics with short lines joined."""
    yield lyrics
    note = "lyrics: short lines are sung together, since there are too many for one song"
    yield replace(lyrics, sections=with_short_lines_together(lyrics.sections), notes=(*lyrics.notes, note))


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

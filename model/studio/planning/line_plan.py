"""Plans the lines of a section: which line repeats an earlier one, when each line starts, its pitch height, and the
stress of its words.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from model.song import LyricLine, SectionKind, SongPlan
from model.studio.composing.decisions.lines import breath_steps
from model.studio.composing.profiles import profile_of
from model.studio.lyrics.stress import stresses
from model.studio.notation.score import STEPS_PER_BEAT
from model.studio.notation.stress import Stress
from model.studio.planning.title import title_line
from model.studio.style import Style

_FORMS = {
    2: ((None, 0),),
    3: ((None, 0, None), (None, None, 0)),
    4: ((None, 0, None, 0), (None, None, 0, 1), (None, 0, 0, None)),
}
"""Forms of a group of lines, by its number of lines: for each line the index of the earlier line whose melody it
repeats (A A' B A', A B A' B', A A' A'' B).
"""

_FORM_WEIGHTS = {2: (1,), 3: (1, 1), 4: (4, 8, 1)}
_GROUP = 4
_ALIKE = 0.65
"""Smallest ratio of the syllable numbers of two lines, the fewer to the more, with which one line repeats the other's
melody.
"""

_OPENINGS = {0: 0.4, 2: 0.25, 4: 0.2, 6: 0.15}
_ENTRIES = {0: 0.1, -1: 0.05, -2: 0.32, -4: 0.32, -6: 0.12, 2: 0.05, 4: 0.02, 6: 0.02}
"""Shares of the starts of lines, in steps from the bar line: of a section's first line (`_OPENINGS`) and of later
lines.

Together these shares are about those of POP909, where 43 % of lines start before their bar. A first line has no pickup,
because the section before it is already composed; nor has the title line, because instruments quote it. Later lines
have more pickups instead.
"""

_SYLLABLE_SECONDS, _SYLLABLE_STEPS = 0.17, 1.1
_CLOSE_STEPS = 2
_CLIMAX_PLACE = 0.55
_RISE, _FALL = (-3.0, 3.0), -1.5


@dataclass(frozen=True, slots=True)
class LinePlan:
    """Plan of the lines of one section, with one value per line; see `SectionSpec` for each field."""

    words: tuple[str, ...] = ()
    takes_up: tuple[int | None, ...] = ()
    entries: tuple[int, ...] = ()
    stresses: tuple[tuple[Stress, ...], ...] = ()
    heights: tuple[float, ...] = ()
    climax: int | None = None
    rooms: tuple[int, ...] = ()

    def part(self, first: int, count: int) -> "LinePlan":
        """Return the plan of `count` lines, beginning with line `first`."""
        own, cut = range(first, first + count), slice(first, first + count)
        places = [place if place in own else None for place in (*self.takes_up[cut], self.climax)]
        *takes_up, climax = [None if place is None else place - first for place in places]
        return LinePlan(
            self.words[cut],
            tuple(takes_up),
            self.entries[cut],
            self.stresses[cut],
            self.heights[cut],
            climax,
            self.rooms[cut],
        )


def words_of(line: LyricLine) -> str:
    """Return a hash of the readings and tones of a line's syllables; lines with the same words have the same hash."""
    said = " ".join(f"{syllable.reading}{syllable.sung_tone}" for syllable in line.syllables)
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def line_plan(
    plan: SongPlan, index: int, line_bars: Mapping[int, Sequence[int]], style: Style, *, free: bool
) -> LinePlan:
    """Return the plan of the lines of section `index` of a song.

    `line_bars` maps the index of each section to the number of bars of each of its lines. If `free` is True, a line may
    begin before or after the first beat of its bars; otherwise, as under a melody from the caller, each line begins on
    that beat.
    """
    section, bar_steps = plan.sections[index], style.beats_per_bar * STEPS_PER_BEAT
    if not section.lines:
        return LinePlan()
    takes_up = answers(section.lines, line_bars[index], Random(f"{plan.seed}/{section.kind}/form"))
    entries = _entries(plan, index, line_bars, style) if free else (0,) * len(section.lines)
    climax = _climax(section.lines)
    return LinePlan(
        tuple(map(words_of, section.lines)),
        takes_up,
        entries,
        tuple(map(stresses, section.lines)),
        tuple(_height(line, climax, len(section.lines)) for line in range(len(section.lines))),
        climax,
        _rooms(section.lines, [bars * bar_steps for bars in line_bars[index]], entries),
    )


def _rooms(lines: Sequence[LyricLine], spans: Sequence[int], entries: Sequence[int]) -> tuple[int, ...]:
    """Return the number of steps (sixteenth notes) from the start of each line to the start of the next one.

    All lines with the same words get the smallest number among them. `spans` holds the steps of each line's bars,
    `entries` the step of each line's first note, counted from the start of its first bar.
    """
    later = (*entries, 0)[1:]
    steps = [span - entry + min(after, 0) for span, entry, after in zip(spans, entries, later, strict=True)]
    words = [words_of(line) for line in lines]
    return tuple(min(room for room, other in zip(steps, words, strict=True) if other == own) for own in words)


def answers(lines: Sequence[LyricLine], bars: Sequence[int], random: Random) -> tuple[int | None, ...]:
    """Return for each line the index of the earlier line whose melody it repeats or varies; `None` for a new melody.

    The two lines are about equally long; a line with the words of an earlier line repeats the first such line. `bars`
    holds the number of bars of each line.
    """
    found: list[int | None] = []
    for first in range(0, len(lines), _GROUP):
        size = min(_GROUP, len(lines) - first)
        form = random.choices(_FORMS[size], _FORM_WEIGHTS[size])[0] if size > 1 else (None,)
        for place, source in enumerate(form):
            line = first + place
            wished = [line - _GROUP] if first else []
            wished += [first + source] if source is not None else []
            alike = (one for one in wished if _alike(lines, bars, one, line))
            twins = (one for one in range(line) if words_of(lines[one]) == words_of(lines[line]))
            found.append(next(twins, next(alike, None)))
    return tuple(found)


def _alike(lines: Sequence[LyricLine], bars: Sequence[int], one: int, other: int) -> bool:
    shorter, longer = sorted((len(lines[one].syllables), len(lines[other].syllables)))
    return bars[one] == bars[other] and shorter >= _ALIKE * longer


def _climax(lines: Sequence[LyricLine]) -> int | None:
    """Return the index of the line with the highest melody, a little after the middle of the section; if an earlier
    line has the same words, the index of the first such line.
    """
    if not lines:
        return None
    words = words_of(lines[int(_CLIMAX_PLACE * len(lines))])
    return next(line for line in range(len(lines)) if words_of(lines[line]) == words)


def _height(line: int, climax: int | None, lines: int) -> float:
    """Return the number of semitones by which line `line` of `lines` lies above the middle of the section's range.

    Lines rise up to the climax and fall a little after it.
    """
    if climax is None or lines < 2:
        return 0.0
    if line > climax:
        return _FALL
    low, high = _RISE
    return low + (high - low) * line / max(climax, 1)


def _entries(plan: SongPlan, index: int, line_bars: Mapping[int, Sequence[int]], style: Style) -> tuple[int, ...]:
    """Return for each line the step (sixteenth note) of its first note, counted from the start of its first bar; a
    negative step is a pickup.

    A line with the same words as a line of an earlier section of this kind starts at the same step as that line.
    """
    kind, known = plan.sections[index].kind, dict[str, int]()
    opening = {words_of(section.lines[0]) for section in plan.sections if section.kind is kind and section.lines}
    title = title_line(plan.sections) if kind is SectionKind.CHORUS else None
    opening |= {words_of(title)} if title else set()
    entries: tuple[int, ...] = ()
    for section in plan.sections[: index + 1]:
        if section.kind is kind and section.lines:
            entries = _section_entries(plan, section.lines, line_bars[section.index], style, kind, known, opening)
            for line, entry in zip(section.lines, entries, strict=True):
                known.setdefault(words_of(line), entry)
    return entries


def _section_entries(
    plan: SongPlan,
    lines: Sequence[LyricLine],
    bars: Sequence[int],
    style: Style,
    kind: SectionKind,
    known: Mapping[str, int],
    opening: set[str],
) -> tuple[int, ...]:
    assert plan.tempo_bpm is not None
    takes_up = answers(lines, bars, Random(f"{plan.seed}/{kind}/form"))
    spans = [count * style.beats_per_bar * STEPS_PER_BEAT for count in bars]
    entries: list[int] = []
    for number, line in enumerate(lines):
        source, words = takes_up[number], words_of(line)
        wished = known.get(words)
        twin = source is not None and words_of(lines[source]) == words
        if wished is None and source is not None and (twin or source > 0):
            wished = entries[source]
        options = _allowed(lines, spans, entries, number, plan.tempo_bpm, first=number == 0 or words in opening)
        if wished is None:
            wished = _drawn(options, style.genre, Random(f"{plan.seed}/{kind}/entry {source or number}"))
        entries.append(wished if wished in options else 0)
    return tuple(entries)


def _allowed(
    lines: Sequence[LyricLine],
    spans: Sequence[int],
    entries: Sequence[int],
    number: int,
    tempo_bpm: float,
    *,
    first: bool,
) -> Mapping[int, float]:
    """Return the steps, counted from the start of the line's first bar, at which line `number` may start, with their
    probability weights; step 0 is always one of them.

    Each of these steps leaves enough time for the line and for the line before it. `spans` holds the steps of each
    line's bars, `entries` the start of each line before this one. `first` selects the weights of lines that open a
    section.
    """

    def room(line: int, steps: int) -> bool:
        needed = len(lines[line].syllables) * max(_SYLLABLE_SECONDS * tempo_bpm / 15.0, _SYLLABLE_STEPS)
        return steps >= needed + _CLOSE_STEPS + breath_steps(tempo_bpm)

    options = {0: (_OPENINGS if first else _ENTRIES)[0]}
    for entry, share in (_OPENINGS if first else _ENTRIES).items():
        before = number == 0 or room(number - 1, spans[number - 1] - entries[number - 1] + entry)
        if (entry > 0 or before) and (entry < 0 or room(number, spans[number] - entry)):
            options[entry] = share
    return options


def _drawn(options: Mapping[int, float], genre: str, random: Random) -> int:
    pickups = profile_of(genre).pickups
    weights = [share * (pickups if entry < 0 else 1.0) for entry, share in options.items()]
    return random.choices(list(options), weights)[0]

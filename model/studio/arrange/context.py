"""Gathers the data about a section that all tracks of the arrangement use: its chords, its key, and where its melody
sounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from model.song import SectionKind
from model.studio.arrange.tablature import metric_weight
from model.studio.notation.score import STEPS_PER_BEAT, Chord, Quality, Score
from model.studio.style import Instrument, Mode, Style, Track

_SCALES = {Mode.MAJOR: (0, 2, 4, 5, 7, 9, 11), Mode.MINOR: (0, 2, 3, 5, 7, 8, 10)}
_TONIC_QUALITY = {Mode.MAJOR: Quality.MAJOR, Mode.MINOR: Quality.MINOR}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """A time span with one chord inside one bar; `start` and `end` in steps (sixteenth notes) of the section."""

    start: int
    end: int
    chord: Chord


@dataclass(frozen=True, slots=True)
class Turn:
    """Position of a section among the sections of its kind in the song: `number` sections of the kind come before it,
    `count` is the number of all sections of the kind.
    """

    number: int = 0
    count: int = 1

    @property
    def opens(self) -> bool:
        """True if the section is the first of several sections of its kind."""
        return self.number == 0 and self.count > 1

    @property
    def closes(self) -> bool:
        """True if the section is the last of several sections of its kind."""
        return 0 < self.number == self.count - 1


ONCE = Turn()


@dataclass(frozen=True, slots=True)
class Breath:
    """A range of steps (sixteenth notes) in which the melody has a rest or only holds a note."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ArrangementContext:
    """Data about one section that the arrangement of all its tracks uses.

    `seed` determines the choice of patterns in the song; `sung` is True if the melody has words. `played` is the number
    of sections before this one, `following` the kind of the next section, `None` at the end of the song. `tonic` is the
    pitch class of the key's tonic, `spans` are the chords with their steps, `lead` holds the melody pitch of each step
    (`None` in rests), `turn` is the position of the section among those of its kind.
    """

    score: Score
    kind: SectionKind
    style: Style
    following: SectionKind | None
    seed: int
    sung: bool
    played: int
    tonic: int
    spans: tuple[Span, ...]
    lead: tuple[int | None, ...]
    turn: Turn = ONCE

    @property
    def ends_song(self) -> bool:
        """True if this section is the last one of the song."""
        return self.following is None

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes of the key's scale (natural minor in a minor key)."""
        return _scale(self.tonic, self.style.mode)

    @property
    def step_seconds(self) -> float:
        """Length of a step (a sixteenth note) in seconds."""
        return 60.0 / self.style.tempo_bpm / STEPS_PER_BEAT

    @property
    def bar_steps(self) -> int:
        """Length of a bar in steps (sixteenth notes)."""
        return self.score.steps_per_bar

    @property
    def in_three(self) -> bool:
        """True in a waltz, whose bars have three beats."""
        return self.score.beats_per_bar % 2 == 1

    def weight_at(self, step: int) -> float:
        """Return the velocity factor of a step by its metric position in the bar; see `metric_weight`."""
        return metric_weight(step, self.bar_steps)

    @property
    def groove_bars(self) -> int:
        """Number of bars that are played in the groove: all bars of the section, except the last bar of the song."""
        return self.score.bars - 1 if self.ends_song else self.score.bars

    def player(self, track: Track) -> Instrument | None:
        """Return the instrument that plays `track`; `None` if the track is silent."""
        return self.style.instrument(track)

    def span_at(self, step: int) -> int:
        """Return the index of the chord span (a stretch with one chord) that contains `step`."""
        return next(i for i, span in enumerate(self.spans) if step < span.end)

    def lowest_lead(self, start: int, end: int) -> int | None:
        """Return the lowest melody pitch in the steps [start, end); `None` if the melody rests there."""
        return min((p for p in self.lead[start:end] if p is not None), default=None)

    def random(self, *topic: object) -> Random:
        """Return a random generator for the decision named `topic`; all sections of the same kind in the song get the
        same seed for it.
        """
        return Random("/".join(map(str, (self.seed, self.kind, *topic))))

    def choice(self, topic: str, options: Sequence[T]) -> T:
        """Choose one of the options at random for the decision named `topic`; all sections of the same kind in the song
        get the same option.
        """
        return self.random(topic).choice(options)

    def turned(self, topic: str, options: Sequence[T]) -> T:
        """Choose one of the options in turn for the decision named `topic`: each section gets the option after that of
        the previous section of its kind.
        """
        return options[(self.random(topic).randrange(len(options)) + self.turn.number) % len(options)]


def make_context(
    score: Score,
    kind: SectionKind,
    style: Style,
    *,
    following: SectionKind | None,
    seed: int,
    sung: bool,
    played: int,
    tonic: int | None,
    turn: Turn = ONCE,
) -> ArrangementContext:
    """Build the context of a section from its score.

    `tonic` is the pitch class of the tonic in the previous section, `None` for the first section; every other parameter
    is the field of `ArrangementContext` with its name. In the last section of a song, the last bar has only one chord.
    """
    tonic = find_tonic(score, style.mode, tonic)
    if following is None:
        score = _with_final_chord(score, tonic, style.mode)
    return ArrangementContext(
        score, kind, style, following, seed, sung, played, tonic, spans_of(score), lead_line(score), turn
    )


def spans_of(score: Score) -> tuple[Span, ...]:
    """Return the chords of a score as spans of steps; a new span begins at every chord change and at every bar line."""
    spans: list[Span] = []
    for beat, chord in enumerate(score.chords):
        start = beat * STEPS_PER_BEAT
        if spans and beat % score.beats_per_bar and spans[-1].chord == chord:
            spans[-1] = replace(spans[-1], end=start + STEPS_PER_BEAT)
        else:
            spans.append(Span(start, start + STEPS_PER_BEAT, chord))
    return tuple(spans)


def lead_line(score: Score) -> tuple[int | None, ...]:
    """Return the melody pitch that sounds at every step of a section; `None` in rests."""
    line: list[int | None] = [None] * score.steps
    for note in score.melody:
        for step in range(note.start, min(note.end, score.steps)):
            line[step] = note.pitch
    return tuple(line)


def breaths(score: Score, *, at_least: int, settle: int = 4) -> tuple[Breath, ...]:
    """Return the pauses of the melody that last at least `at_least` steps (sixteenth notes). A held note counts as a
    pause after its first `settle` steps.
    """
    found: list[Breath] = []
    free = 0
    for start, busy_until in [(n.start, min(n.end, n.start + settle)) for n in score.melody] + [(score.steps, 0)]:
        if start - free >= at_least:
            found.append(Breath(free, start))
        free = busy_until
    return tuple(found)


def find_tonic(score: Score, mode: Mode, expected: int | None = None) -> int:
    """Return the pitch class (0 to 11) of the tonic of a score: the one whose scale contains the largest part of the
    melody and of the chord tones. Roots of chords in the score and the pitch class `expected` are preferred.
    """
    weights = [0.0] * 12
    for chord in score.chords:
        for pitch_class in chord.pitch_classes:
            weights[pitch_class] += 1.0
    for note in score.melody:
        weights[note.pitch % 12] += note.length / STEPS_PER_BEAT
    roots = [chord.root for chord in score.chords]

    def fitness(tonic: int) -> float:
        inside = sum(weights[pitch_class] for pitch_class in _scale(tonic, mode))
        home = 0.3 * roots.count(tonic) + 0.5 * (roots[-1] == tonic)
        return inside + home + (0.2 * sum(weights) if tonic == expected else 0.0)

    return max(range(12), key=fitness)


def _scale(tonic: int, mode: Mode) -> frozenset[int]:
    return frozenset((tonic + interval) % 12 for interval in _SCALES[mode])


def _with_final_chord(score: Score, tonic: int, mode: Mode) -> Score:
    held = (_final_chord(score, tonic, mode),) * score.beats_per_bar
    return replace(score, chords=score.chords[: (score.bars - 1) * score.beats_per_bar] + held)


def _final_chord(score: Score, tonic: int, mode: Mode) -> Chord:
    written, home = score.chords[-1], Chord(tonic, _TONIC_QUALITY[mode])
    sounding = {n.pitch % 12 for n in score.melody[-1:] if n.end > score.steps - score.steps_per_bar}
    agrees = sounding <= set(home.pitch_classes)
    return home if agrees and written.root != tonic else written

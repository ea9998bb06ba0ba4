"""Converts scores of the studio engine and of POP909 to one data type for measuring."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.song import LyricLine, SongParams, SongPlan
from model.studio.composing.denoiser import Memory, ScoreDenoiser
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.tokens import NO_CHORD, chord_of
from model.studio.info import INFO
from model.studio.lyrics.stress import stresses
from model.studio.notation.arrangement import TrackNote
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT
from model.studio.notation.stress import Stress
from model.studio.planning.plan import plan_song
from model.studio.planning.section_spec import section_seed, section_spec
from model.studio.section import ComposedSection, DraftState
from model.studio.style import Track
from model.training.score.pop909 import PITCH_NAMES, parse_song, read_archive
from model.training.score.songs import home_transpose

Chord = tuple[int, int] | None
"""Root in C major / A minor, 0 to 11, and quality; `None` is silence."""


@dataclass(frozen=True, slots=True)
class Tone:
    """One note of a melody: start (from the start of the song) and length in steps of a quarter of a beat, MIDI pitch,
    and True if a syllable begins on it.
    """

    start: int
    length: int
    pitch: int
    sung: bool = True

    @property
    def end(self) -> int:
        """Step (quarter of a beat, counted from the start of the song) at which the note ends."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Line:
    """A sung line: its words, lexical tones, stresses and notes, and the step (quarter of a beat, counted from the
    start of the song) at which its first bar begins.
    """

    text: str
    tones: tuple[int, ...]
    first: int
    notes: tuple[Tone, ...]
    stresses: tuple[Stress, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a measured song: kind, label, first step and length in steps (quarters of a beat), transposition
    from C major or A minor, and lines.
    """

    kind: str
    label: str
    first: int
    steps: int
    transpose: int
    lines: tuple[Line, ...] = ()
    tracks: Mapping[Track, tuple[TrackNote, ...]] | None = None
    beats_per_bar: int = BEATS_PER_BAR

    @property
    def bar_steps(self) -> int:
        """Length of a bar in steps, quarters of a beat."""
        return self.beats_per_bar * STEPS_PER_BEAT

    @property
    def bars(self) -> int:
        """Length of the section in bars."""
        return self.steps // self.bar_steps


@dataclass(frozen=True, slots=True)
class Piece:
    """A measured song: its melody, its chords by beat in C major or A minor, and its sections. A chord is a root, 0 (C)
    to 11, with a quality, or `None` for silence.

    `coloured` is the share of its beats with a chord of more than three notes.
    """

    name: str
    style: str
    minor: bool
    tempo_bpm: float
    tune: tuple[Tone, ...]
    chords: tuple[Chord, ...]
    sections: tuple[Section, ...]
    coloured: float = 0.0

    def notes(self, section: Section) -> list[Tone]:
        """Return the notes that begin in a section."""
        return [note for note in self.tune if section.first <= note.start < section.first + section.steps]

    @property
    def step_seconds(self) -> float:
        """Length in seconds of one step, a quarter of a beat."""
        return 15.0 / self.tempo_bpm


def compose(denoiser: ScoreDenoiser, plan: SongPlan) -> list[tuple[SectionSpec, ComposedSection]]:
    """Compose every section of a song as the engine does."""
    memory, arranger, out = Memory(), None, []
    for index in range(len(plan.sections)):
        spec = section_spec(plan, index)
        draft = denoiser.begin(
            spec,
            memory,
            seed=section_seed(plan.seed, index),
            steps=plan.denoising_steps,
            guidance_scale=plan.guidance_scale,
        )
        while draft.step < draft.steps:
            denoiser.denoise([draft])
        composed = DraftState(plan, index, draft, arranger, None, denoiser).composed  # type: ignore[arg-type]
        memory, arranger = composed.memory, composed.arranger
        out.append((spec, composed))
    return out


def write_piece(denoiser: ScoreDenoiser, style: str, params: SongParams, name: str) -> Piece:
    """Plan and compose one song in the style `style`, and return it for measuring under the name `name`."""
    plan = plan_song(params, INFO)
    first, tune, chords, sections, coloured = 0, [], [], [], []
    for section, (spec, composed) in zip(plan.sections, compose(denoiser, plan), strict=True):
        score = composed.score
        notes = [Tone(first + n.start, n.length, n.pitch, n.syllable is not None) for n in score.melody]
        lines = tuple(_lines(section.lines, spec, composed, first)) if section.lines else ()
        chords += [((chord.root - spec.transpose) % 12, int(chord.quality)) for chord in score.chords]
        coloured += [getattr(chord, "coloured", False) for chord in score.chords]
        if section.lines:
            tune += notes
        label, steps = section.label, score.steps
        sections.append(
            Section(
                section.kind.value,
                label,
                first,
                steps,
                spec.transpose,
                lines,
                composed.arrangement.tracks,
                spec.beats_per_bar,
            )
        )
        first += steps
    minor, bpm = section_spec(plan, 0).minor, plan.tempo_bpm or 0.0
    share = sum(coloured) / len(coloured)
    return Piece(name, style, minor, bpm, tuple(tune), tuple(chords), tuple(sections), share)


def _lines(lyrics: Sequence[LyricLine], spec: SectionSpec, composed: ComposedSection, first: int) -> Iterator[Line]:
    counted = 0
    bars = itertools.accumulate(spec.line_bars, initial=0)
    for line, tones, bar in zip(lyrics, spec.lines, bars, strict=False):
        own = range(counted, counted + len(tones))
        counted += len(tones)
        notes, inside = [], False
        for note in composed.score.melody:
            inside = note.syllable in own if note.syllable is not None else inside
            if inside:
                notes.append(Tone(first + note.start, note.length, note.pitch, note.syllable is not None))
        yield Line(line.text, tones, first + bar * spec.steps_per_bar, tuple(notes), stresses(line))


def pop909(archive: Path) -> Iterator[Piece]:
    """Yield the songs of POP909 whose annotations are consistent; the sections are the sung phrases of the
    annotations.
    """
    for name, files in read_archive(archive):
        try:
            song = parse_song(name, files)
        except (ValueError, KeyError):
            continue
        tonic, _, mode = files["analyzed_key.txt"].split()[0].partition(":")
        minor = mode.startswith("min")
        up = home_transpose(PITCH_NAMES[tonic], minor)
        tune, now = [], 0
        for pitch, length in (map(int, row.split()) for row in files["melody.txt"].splitlines() if row.strip()):
            if pitch:
                tune.append(Tone(now, length, pitch + up))
            now += length
        sections, first = [], 0
        for label, bars in re.findall(r"([A-Za-z])(\d+)", files["human_label1.txt"]):
            steps = int(bars) * STEPS_PER_BAR
            if label.isupper() and label != "X":
                sections.append(Section("phrase", label, first, steps, 0))
            first += steps
        chords = tuple(_home(int(index)) for index in song.chords)
        names = [row.split() for row in files["finalized_chord.txt"].splitlines() if row.strip()]
        beats = [(int(row[-1]), _is_coloured(row[0])) for row in names]
        share = sum(count for count, rich in beats if rich) / max(sum(count for count, _ in beats), 1)
        yield Piece(name, "pop909", minor, song.tempo_bpm, tuple(tune), chords, tuple(sections), share)


def _home(index: int) -> Chord:
    if index == NO_CHORD:
        return None
    chord = chord_of(index)
    return chord.root, int(chord.quality)


def _is_coloured(name: str) -> bool:
    return any(mark in name for mark in ("7", "9", "6", "sus", "/"))


def changes(piece: Piece) -> list[tuple[int, int]]:
    """Return the chords of a song in order; of consecutive equal chords only the first, and none for beats without a
    chord.
    """
    return [chord for chord, _ in itertools.groupby(piece.chords) if chord is not None]


def bars_of(piece: Piece, section: Section) -> list[dict[int, int]]:
    """Return, for each bar of a section, the MIDI pitches of the notes by the step (quarter of a beat, from the start
    of the bar) at which they begin.
    """
    bars: list[dict[int, int]] = [{} for _ in range(section.bars)]
    for note in piece.notes(section):
        bar, step = divmod(note.start - section.first, section.bar_steps)
        bars[bar][step] = note.pitch
    return bars

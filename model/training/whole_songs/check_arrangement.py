"""Compares the arranger with the arrangements of POP909 for the same melodies and chords.

Usage: python -m model.training.whole_songs.check_arrangement POP909 [--songs 40] [--groove pop]

The argument is the folder of the collection; `--songs` is the number of songs to read, `--groove` the groove in which
the arranger plays. POP909 (Wang et al., 2020) has a melody track and an accompaniment (tracks PIANO and BRIDGE) for
every song, with files of beats and chords. Every song is cut into pieces of eight bars, which are arranged as verses
and choruses. The program prints the same statistics (see `Figures`) for POP909's accompaniments and for those of the
arranger.
"""

import argparse
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice, pairwise
from pathlib import Path

import mido
import numpy as np

from model.song import SectionKind
from model.studio.arrange.arranger import ArrangerState, arrange
from model.studio.arrange.context import lead_line
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT, Chord, Note, Quality, Score
from model.studio.style import Groove, Instrument, Mode, Style, Track
from model.training.score.pop909 import PITCH_NAMES

_PIECE_BARS = 8
_PITCHED = frozenset(Track) - {Track.LEAD, Track.DRUMS}
_BAND = (
    (Track.LEAD, Instrument.FLUTE),
    (Track.KEYS, Instrument.PIANO),
    (Track.PAD, Instrument.STRINGS),
    (Track.BASS, Instrument.FINGER_BASS),
    (Track.ORNAMENT, Instrument.HARP),
)


@dataclass(frozen=True, slots=True)
class Played:
    """One note of an accompaniment as played, with times in steps (sixteenth notes)."""

    start: float
    end: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Song:
    """A song of POP909 on a grid of sixteenths: its score, its accompaniment as played, and the mean velocity of its
    melody.
    """

    score: Score
    accompaniment: tuple[Played, ...]
    lead_velocity: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Statistics of an accompaniment, by which arrangements are compared.

    Attributes:
        below_lead_semitones: mean distance from the accompaniment's mean pitch of a beat up to the melody.
        above_lead_share: share of accompaniment notes that start above a sounding melody note.
        onsets_per_bar: mean number of steps (sixteenths) of a bar on which a note starts.
        notes_per_bar: mean number of notes that start in a bar.
        root_in_bass_share: share of chord changes whose lowest note in the first half beat is the root.
        chord_tone_share: share of notes that belong to the triad at their start.
        velocity_below_lead: mean melody velocity minus mean accompaniment velocity.
    """

    below_lead_semitones: float
    above_lead_share: float
    onsets_per_bar: float
    notes_per_bar: float
    root_in_bass_share: float
    chord_tone_share: float
    velocity_below_lead: float


def read_song(folder: Path) -> Song:
    """Read the folder of one POP909 song and return the song.

    Raises:
        ValueError: the song has no downbeat, no melody or fewer than eight bars.
    """
    beats = np.loadtxt(folder / "beat_midi.txt")
    downbeats = np.flatnonzero(beats[:, 2])
    if not len(downbeats):
        raise ValueError(f"the song {folder.name} has no downbeat, so it is left out")
    times = beats[downbeats[0] :, 0]
    bars = (len(times) - 1) // BEATS_PER_BAR
    tracks = {name: _on_grid(notes, times) for name, notes in _tracks(folder / f"{folder.name}.mid").items()}
    melody = _monophonic(tracks["MELODY"], bars)
    if bars < _PIECE_BARS or not melody:
        raise ValueError(f"the song {folder.name} has fewer than {_PIECE_BARS} bars or no melody, so it is left out")
    score = Score(bars, melody, _chords(folder / "chord_midi.txt", times[: bars * BEATS_PER_BAR]))
    around = tuple(n for name in ("PIANO", "BRIDGE") for n in tracks[name] if 0 <= n.start < score.steps)
    return Song(score, around, float(np.mean([n.velocity for n in tracks["MELODY"]])))


def figures(song: Song) -> Figures:
    """Return the statistics of an accompaniment in relation to its melody and chords."""
    notes, lead = song.accompaniment, lead_line(song.score)
    under = [(n, p) for n in notes if (p := lead[int(n.start)]) is not None]
    tones = [n.pitch % 12 in song.score.chords[int(n.start) // STEPS_PER_BEAT].pitch_classes for n in notes]
    return Figures(
        below_lead_semitones=_distance_per_beat(under),
        above_lead_share=float(np.mean([n.pitch > p for n, p in under])),
        onsets_per_bar=len({round(n.start) for n in notes}) / song.score.bars,
        notes_per_bar=len(notes) / song.score.bars,
        root_in_bass_share=float(np.mean(list(_roots_in_bass(song)))),
        chord_tone_share=float(np.mean(tones)),
        velocity_below_lead=song.lead_velocity - float(np.mean([n.velocity for n in notes])),
    )


def arranged(score: Score, style: Style, seed: int) -> Iterator[Song]:
    """Yield the eight-bar pieces of a score with the accompaniment that the arranger makes for them, as verses and
    choruses in turn.
    """
    arranger: ArrangerState | None = None
    for index, piece in enumerate(_pieces(score)):
        kind = (SectionKind.VERSE, SectionKind.CHORUS)[index % 2]
        following = (SectionKind.CHORUS, SectionKind.VERSE)[index % 2]
        music, arranger = arrange(piece, kind, style, previous=arranger, following=following, seed=seed, sung=True)
        played = [n for track, part in music.tracks.items() if track in _PITCHED for n in part]
        notes = tuple(Played(round(n.start), n.start + n.length, n.pitch, n.velocity) for n in played)
        lead = [n.velocity for n in music.tracks.get(Track.LEAD, ())]
        if lead:
            inside = tuple(n for n in notes if n.start < piece.steps)
            yield Song(piece, inside, float(np.mean(lead)))


def _pieces(score: Score) -> Iterator[Score]:
    for first in range(0, score.bars - _PIECE_BARS + 1, _PIECE_BARS):
        low, high = first * STEPS_PER_BAR, (first + _PIECE_BARS) * STEPS_PER_BAR
        inside = (n for n in score.melody if low <= n.start < high)
        melody = tuple(Note(n.start - low, min(n.end, high) - n.start, n.pitch) for n in inside)
        yield Score(_PIECE_BARS, melody, score.chords[low // STEPS_PER_BEAT : high // STEPS_PER_BEAT])


def _tracks(path: Path) -> dict[str, list[Played]]:
    """Return the notes of a MIDI file by the name of their track, with times in seconds."""
    midi = mido.MidiFile(path)
    tempo = next(m.tempo for track in midi.tracks for m in track if m.type == "set_tempo")
    seconds_per_tick = mido.tick2second(1, midi.ticks_per_beat, tempo)
    return {track.name: list(_notes(track, seconds_per_tick)) for track in midi.tracks}


def _notes(track: mido.MidiTrack, seconds_per_tick: float) -> Iterator[Played]:
    now, held = 0.0, dict[int, tuple[float, int]]()
    for message in track:
        now += message.time * seconds_per_tick
        if message.type not in ("note_on", "note_off"):
            continue
        if message.note in held:
            start, velocity = held.pop(message.note)
            yield Played(start, now, message.note, velocity)
        if message.type == "note_on" and message.velocity:
            held[message.note] = (now, message.velocity)


def _on_grid(notes: Sequence[Played], beat_seconds: np.ndarray) -> list[Played]:
    """Return the notes with times in steps (sixteenths) of the beat grid instead of seconds; start times are rounded to
    whole steps.
    """
    steps = np.arange(len(beat_seconds)) * STEPS_PER_BEAT

    def step(seconds: float) -> float:
        return float(np.interp(seconds, beat_seconds, steps, left=-1.0, right=float(steps[-1]) + STEPS_PER_BEAT))

    placed = [Played(round(step(n.start)), step(n.end), n.pitch, n.velocity) for n in notes]
    return sorted((n for n in placed if n.start >= 0), key=lambda n: n.start)


def _monophonic(notes: Sequence[Played], bars: int) -> tuple[Note, ...]:
    by_start = {int(n.start): n for n in notes if n.start < bars * STEPS_PER_BAR}
    starts = [*sorted(by_start), bars * STEPS_PER_BAR]
    lengths = [min(max(1, round(by_start[a].end) - a), b - a) for a, b in pairwise(starts)]
    return tuple(Note(a, n, by_start[a].pitch) for a, n in zip(starts, lengths, strict=False))


def _chords(path: Path, beat_seconds: np.ndarray) -> tuple[Chord, ...]:
    """Return the chord in the middle of every beat; for a beat without a chord, the chord of the previous beat."""
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    named = [(float(start), _chord(name)) for start, _, name in rows if not name.startswith("N")]
    starts = [start for start, _ in named]
    middles = beat_seconds + np.diff(beat_seconds, append=beat_seconds[-1] + 0.5) / 2
    return tuple(named[max(0, bisect_right(starts, middle) - 1)][1] for middle in middles)


def _chord(name: str) -> Chord:
    root, _, kind = name.partition(":")
    minor, diminished = kind.startswith("min"), kind.startswith(("dim", "hdim"))
    quality = Quality.MINOR if minor else Quality.DIMINISHED if diminished else Quality.MAJOR
    return Chord(PITCH_NAMES[root.partition("/")[0]], quality)


def _distance_per_beat(under: Sequence[tuple[Played, int]]) -> float:
    beats: dict[int, list[int]] = {}
    for note, lead in under:
        beats.setdefault(int(note.start) // STEPS_PER_BEAT, []).append(lead - note.pitch)
    return float(np.mean([np.mean(gaps) for gaps in beats.values()]))


def _roots_in_bass(song: Song) -> Iterator[bool]:
    for beat, chord in enumerate(song.score.chords):
        if beat and chord == song.score.chords[beat - 1]:
            continue
        start = beat * STEPS_PER_BEAT
        struck = [n.pitch for n in song.accompaniment if start <= n.start <= start + 1]
        if struck:
            yield min(struck) % 12 == chord.root


def _summary(title: str, measured: Sequence[Figures]) -> str:
    lines = [f"{title} ({len(measured)} pieces; mean and standard deviation over them)"]
    for field in fields(Figures):
        values = [getattr(figure, field.name) for figure in measured]
        lines.append(f"  {field.name:22} {np.mean(values):7.2f} {np.std(values):6.2f}")
    return "\n".join(lines)


def main() -> None:
    """Command line: print mean and standard deviation of all `Figures` of POP909's accompaniments, and of the
    arranger's accompaniments for the same songs.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of POP909, with one folder for each song")
    parser.add_argument("--songs", type=int, default=40, help="number of songs to read")
    parser.add_argument(
        "--groove", type=Groove, choices=list(Groove), default=Groove.POP, help="groove of the arrangements"
    )
    arguments = parser.parse_args()
    style = Style("check", arguments.groove, Mode.MAJOR, 90.0, 0.5, 4.0, 0.0, 0.3, 0.5, _BAND)
    theirs: list[Figures] = []
    ours: list[Figures] = []
    folders = sorted(path for path in arguments.folder.iterdir() if path.is_dir() and path.name.isdigit())
    for seed, folder in enumerate(islice(folders, 0, None, max(1, len(folders) // arguments.songs))):
        try:
            song = read_song(folder)
        except ValueError as error:
            print(f"left out: {error}")
            continue
        theirs.append(figures(song))
        ours += map(figures, arranged(song.score, style, seed))
    print(_summary("POP909", theirs))
    print(_summary(f"arranger, {arguments.groove}", ours))


if __name__ == "__main__":
    main()

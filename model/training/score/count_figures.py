"""Counts accompaniment patterns in POP909's piano tracks, in the tab notation of `model.studio.arrange.patterns`.

Usage: python -m model.training.score.count_figures POP909 --songs 200

`POP909` is the folder of the collection, one folder for each song; `--songs` is the number of songs to read. Bars with
a single triad are counted. A tab gives the lowest notes as `L` (root) and `F` (fifth), and above them single voices by
number, `U` for two notes and `A` for more. The patterns that occur in the most songs are printed, each with its numbers
of songs and of bars.
"""

import argparse
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mido

from model.studio.notation.score import STEPS_PER_BAR
from model.training.score.pop909 import PITCH_NAMES

_LOWEST_RIGHT_HAND = 52
_FEWEST_ONSETS = 3
_SLACK_SECONDS = 0.06
_THIRDS = {"maj": 4, "min": 3}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with a single triad: its times in seconds, and the pitch classes of root, third and fifth."""

    start: float
    end: float
    tones: tuple[int, int, int]


def figures(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the accompaniment of left and right hand as tablature, for every bar of the song in `folder` that tablature
    can represent.
    """
    notes = _piano_notes(mido.MidiFile(folder / f"{folder.name}.mid"))
    for bar in _bars(folder):
        first, last = (bisect_left(notes, (edge - _SLACK_SECONDS, 0)) for edge in (bar.start, bar.end))
        figure = tabs(bar, notes[first:last])
        if figure is not None:
            yield figure


def tabs(bar: Bar, notes: Sequence[tuple[float, int]]) -> tuple[str, str] | None:
    """Return the tablature of both hands for a bar's notes, given as (seconds, MIDI pitch); `None` if the bar has too
    few notes, or notes outside the triad.
    """
    steps: dict[int, set[int]] = defaultdict(set)
    for seconds, pitch in notes:
        steps[round((seconds - bar.start) / (bar.end - bar.start) * STEPS_PER_BAR)].add(pitch)
    if len(steps) < _FEWEST_ONSETS:
        return None
    upper = sorted({pitch for pitches in steps.values() for pitch in pitches if pitch >= _LOWEST_RIGHT_HAND})
    left, right = ["."] * STEPS_PER_BAR, ["."] * STEPS_PER_BAR
    for step, pitches in steps.items():
        if step >= STEPS_PER_BAR:
            continue
        low = [pitch for pitch in pitches if pitch < _LOWEST_RIGHT_HAND]
        high = [pitch for pitch in pitches if pitch >= _LOWEST_RIGHT_HAND]
        left[step] = _left_mark(bar, min(low)) if low else "."
        right[step] = _right_mark(bar, high, upper) if high else "."
    figure = "".join(left), "".join(right)
    return None if "?" in "".join(figure) else figure


def _left_mark(bar: Bar, pitch: int) -> str:
    return {bar.tones[0]: "L", bar.tones[2]: "F"}.get(pitch % 12, "?")


def _right_mark(bar: Bar, pitches: Sequence[int], upper: Sequence[int]) -> str:
    if len(pitches) > 1:
        return "U" if len(pitches) == 2 else "A"
    voices = [pitch for pitch in upper if pitch % 12 in bar.tones]
    return str(min(voices.index(pitches[0]) + 1, 4)) if pitches[0] in voices else "?"


def _piano_notes(file: mido.MidiFile) -> list[tuple[float, int]]:
    """Return the piano track's notes in order, each as onset in seconds and MIDI pitch; the files have a single
    tempo.
    """
    tempo = next((message.tempo for track in file.tracks for message in track if message.type == "set_tempo"), 500_000)
    second = tempo / file.ticks_per_beat / 1e6
    notes = []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if track.name == "PIANO" and message.type == "note_on" and message.velocity:
                notes.append((now * second, message.note))
    return sorted(notes)


def _bars(folder: Path) -> Iterator[Bar]:
    beats = [tuple(map(float, row.split())) for row in (folder / "beat_midi.txt").read_text().splitlines()]
    chords = [row.split() for row in (folder / "chord_midi.txt").read_text().splitlines()]
    downbeats = [number for number, beat in enumerate(beats) if beat[2] == 1.0]
    for first, last in pairwise(downbeats):
        start, end = beats[first][0], beats[last][0]
        sounding = [row[2] for row in chords if float(row[0]) < end - 0.1 and float(row[1]) > start + 0.1]
        if last - first == 4 and len(sounding) == 1 and sounding[0][-3:] in _THIRDS and ":" in sounding[0]:
            root = PITCH_NAMES[sounding[0].partition(":")[0]]
            yield Bar(start, end, (root, (root + _THIRDS[sounding[0][-3:]]) % 12, (root + 7) % 12))


def main() -> None:
    """Command line: count the accompaniment patterns, and print the most frequent ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path, help="folder of POP909, with one folder for each song")
    parser.add_argument("--songs", type=int, default=909, help="number of songs to read")
    parser.add_argument("--most", type=int, default=40, help="number of patterns to print")
    arguments = parser.parse_args()
    songs: dict[tuple[str, str], list[str]] = defaultdict(list)
    folders = sorted(folder for folder in arguments.collection.iterdir() if folder.is_dir())
    for folder in folders[:: max(len(folders) // arguments.songs, 1)]:
        for figure in figures(folder):
            songs[figure].append(folder.name)
    ranked = sorted(songs, key=lambda figure: (-len(set(songs[figure])), -len(songs[figure])))
    for figure in ranked[: arguments.most]:
        print(len(set(songs[figure])), len(songs[figure]), *figure)


if __name__ == "__main__":
    main()

"""Counts statistics of songs: rhythms at the beginning, middle and end of lines, progressions of four bars, pairs of
chords where progressions and sections meet, and added chord tones.

Usage: python -m model.training.score.count_habits pop909.npz pop909-structure.tar.xz openewld.tar.xz --out habits.json

The arguments are the training songs that `pop909` wrote, the archive of POP909's structure annotations, the archive of
OpenEWLD's lead sheets, and the file to write. Progressions of four bars are stored in C major or A minor. A progression
that occurs in a single song is kept only if at most one of its chords is foreign to the key. More than half of all
progressions occur in a single song.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from model.studio.composing.conditions import TokenKind
from model.studio.composing.decisions.pitches import scale
from model.studio.composing.tokens import NO_CHORD, chord_index, chord_of, notes_of
from model.studio.notation.score import (
    BEATS_PER_BAR,
    STEPS_PER_BAR,
    STEPS_PER_BEAT,
    WALTZ_BEATS_PER_BAR,
    Chord,
    Note,
    Quality,
)
from model.training.score.openewld import waltz_tunes
from model.training.score.pop909 import PITCH_NAMES, read_archive
from model.training.score.songs import TrainingSong, home_transpose, load_songs

_MOST_FOREIGN = 1
"""Largest number of chords foreign to the key in a progression of a single song; more show another key."""

_REST_STEPS = 2
_PATTERN_BARS = 4
_HALF_BEATS = BEATS_PER_BAR // 2
_WALTZ_STEPS = WALTZ_BEATS_PER_BAR * STEPS_PER_BEAT
_COLOURS = {"sus4": "sus4", "sus2": "sus2", "7": "7", "9": "add9", "6": "6"}


def count_rhythms(tunes: Iterable[Sequence[Note]], steps: int, longest: int) -> dict[str, list[list[int]] | list[int]]:
    """Return counts of the notes of `tunes` (melodies of whole songs) by their position in a bar of `steps` sixteenths.
    `entries` and `endings` [steps] count the first and last notes of lines, which rests separate; `gaps` [steps,
    longest] count the distances to the next note, in steps, where longer distances than `longest` count as `longest`.
    """
    entries, endings = [0] * steps, [0] * steps
    gaps = [[0] * longest for _ in range(steps)]
    for tune in tunes:
        for one, other in pairwise(tune):
            if other.start - one.end >= _REST_STEPS:
                endings[one.start % steps] += 1
                entries[other.start % steps] += 1
            else:
                gaps[one.start % steps][min(other.start - one.start, longest) - 1] += 1
    return {"entries": entries, "endings": endings, "gaps": gaps}


def count_progressions(songs: Sequence[TrainingSong], *, minor: bool) -> list[tuple[list[int], int, int]]:
    """Return the four-bar chord progressions of songs as rows: the chord class of every half bar, the number of songs
    that have the progression outside a chorus, and the number of songs that have it in a chorus. A progression of a
    single song is left out if several of its chords are foreign to the key.
    """
    found: dict[tuple[int, ...], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for song in songs:
        for kind, pattern in _patterns(song):
            found[pattern][kind is TokenKind.CHORUS].add(song.name)
    rows = [(list(pattern), len(verse), len(chorus)) for pattern, (verse, chorus) in found.items()]
    kept = [row for row in rows if row[1] + row[2] > 1 or _foreign_chords(row[0], minor=minor) <= _MOST_FOREIGN]
    return sorted(kept, key=lambda row: (-row[1] - row[2], row[0]))


def _foreign_chords(pattern: Sequence[int], *, minor: bool) -> int:
    """Return the number of different chords in a progression that contain tones outside the key."""
    return sum(not set(chord_of(chord).pitch_classes) <= set(scale(minor)) for chord in set(pattern))


def _patterns(song: TrainingSong) -> Iterator[tuple[TokenKind, tuple[int, ...]]]:
    bar = 0
    beats = song.chords.reshape(-1, BEATS_PER_BAR)
    for phrase in song.phrases:
        for first in range(bar, bar + phrase.bars - _PATTERN_BARS + 1, _PATTERN_BARS):
            halves = beats[first : first + _PATTERN_BARS, ::2].reshape(-1)
            if len(halves) == 2 * _PATTERN_BARS and (halves != NO_CHORD).all():
                yield phrase.kind, tuple(halves.tolist())
        bar += phrase.bars


def count_joints(songs: Sequence[TrainingSong]) -> list[tuple[int, int, int, int]]:
    """Return rows of [chord class before a joint, chord class after it, number inside sections, number between
    sections].

    A joint is a bar line: every fourth one inside a section, and the one between two sections. The chords are those of
    the half bars on both sides of it.
    """
    found: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for song in songs:
        beats, bar = song.chords, 0
        for phrase in song.phrases:
            for first in range(bar, bar + phrase.bars, _PATTERN_BARS):
                joint = first * BEATS_PER_BAR
                if 0 < joint < len(beats) and beats[joint] != NO_CHORD != beats[joint - _HALF_BEATS]:
                    found[int(beats[joint - _HALF_BEATS]), int(beats[joint])][first == bar] += 1
            bar += phrase.bars
    return sorted((before, after, inside, between) for (before, after), (inside, between) in found.items())


def count_colours(archive: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return, for each mode and chord class, the share of beats with each colour (such as an added seventh), or with
    the third or fifth in the bass. `archive` holds the structure annotations of POP909, with the chords of every song.
    """
    counts: dict[str, dict[int, Counter[str]]] = {"major": defaultdict(Counter), "minor": defaultdict(Counter)}
    for _, files in read_archive(archive):
        tonic, _, mode = files["analyzed_key.txt"].split()[0].partition(":")
        minor = mode.startswith("min")
        for row in files["finalized_chord.txt"].splitlines():
            fields = row.split()
            if fields and not fields[0].startswith("N"):
                up = home_transpose(PITCH_NAMES[tonic], minor)
                name, colour = _coloured(fields[0], int(fields[-2]), up)
                counts["minor" if minor else "major"][name][colour] += int(fields[-1])
    return {
        mode: {
            str(name): {colour: round(beats / sum(colours.values()), 4) for colour, beats in sorted(colours.items())}
            for name, colours in sorted(names.items())
            if sum(colours.values()) > 200
        }
        for mode, names in counts.items()
    }


def _coloured(name: str, bass: int, up: int) -> tuple[int, str]:
    """Return the chord class of a chord symbol after transposition by `up` semitones, and its colour: one of
    `_COLOURS`, "third" or "fifth" for an inversion, or "plain". `bass` is the pitch class of the lowest note, before
    the transposition.
    """
    root, _, kind = name.partition(":")
    pitch = PITCH_NAMES[root.partition("/")[0]]
    quality = Quality.MINOR if kind.startswith("min") else Quality.MAJOR
    quality = Quality.DIMINISHED if kind.startswith(("dim", "hdim")) else quality
    below = {3: "third", 4: "third", 7: "fifth"}.get((bass - pitch) % 12)
    colour = below or next((colour for mark, colour in _COLOURS.items() if mark in kind), "plain")
    return chord_index(Chord((pitch + up) % 12, quality)), colour


def main() -> None:
    """Command line: count the statistics of the songs, and write them to one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, help="training songs of POP909, as written by `pop909`")
    parser.add_argument("archive", type=Path, help="archive of POP909's structure annotations")
    parser.add_argument("waltzes", type=Path, help="archive of OpenEWLD's lead sheets, for the rhythms of waltzes")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    songs = load_songs(arguments.songs)
    modes = {"major": [song for song in songs if not song.minor], "minor": [song for song in songs if song.minor]}
    progressions = {mode: count_progressions(own, minor=mode == "minor") for mode, own in modes.items()}
    habits = count_rhythms((notes_of(song.melody) for song in songs), STEPS_PER_BAR, STEPS_PER_BAR) | {
        "waltz": count_rhythms(waltz_tunes(arguments.waltzes), _WALTZ_STEPS, 2 * _WALTZ_STEPS),
        "progressions": progressions,
        "joints": {mode: count_joints(own) for mode, own in modes.items()},
        "colours": count_colours(arguments.archive),
    }
    arguments.out.write_text(json.dumps(habits, separators=(",", ":")) + "\n")
    print({mode: len(rows) for mode, rows in progressions.items()})


if __name__ == "__main__":
    main()

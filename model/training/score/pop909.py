"""Converts the structure annotations of POP909 to training songs.

Usage: python -m model.training.score.pop909 pop909-structure.tar.xz --out pop909.npz

The archive is that of Dai, Zhang and Dannenberg, "Automatic Analysis and Influence of Hierarchical Structure on Melody,
Rhythm and Harmony in Popular Music" (2020): melody in sixteenths, chords, key, tempo and human section labels for the
songs of POP909 (Wang et al., 2020).
"""

import argparse
import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath

import numpy as np

from model.studio.composing.conditions import Style, TokenKind
from model.studio.composing.tokens import FIRST_PITCH, NO_CHORD, Classes, chord_index
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR, Chord, Quality
from model.training.score.songs import Phrase, TrainingSong, home_transpose, place_melody, save_songs

PITCH_NAMES = {name: pitch for pitch, names in enumerate(
    ("C B#", "C# Db", "D", "D# Eb", "E Fb", "F E#", "F# Gb", "G", "G# Ab", "A", "A# Bb", "B Cb")
) for name in names.split()}  # fmt: skip

_SUNG_NOTES_PER_BAR = 1.5


def read_archive(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name of every song in the archive, and the texts of its files by file name, sorted by song."""
    songs: dict[str, dict[str, str]] = defaultdict(dict)
    with tarfile.open(path) as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            file = archive.extractfile(member) if member.isfile() and len(parts) == 4 else None
            if file is not None and parts[2].isdigit() and parts[3].endswith(".txt"):
                songs[parts[2]][parts[3]] = file.read().decode()
    yield from sorted(songs.items())


def parse_song(name: str, files: dict[str, str]) -> TrainingSong:
    """Parse the annotation files of one song and return the training song.

    Raises:
        ValueError: the song is not in one key, has too few notes, or its parts disagree about its length.
        KeyError: a file or a pitch name is missing.
    """
    labels = [(label, int(bars)) for label, bars in re.findall(r"([A-Za-z])(\d+)", files["human_label1.txt"])]
    bars = sum(length for _, length in labels)
    rows = [tuple(map(int, line.split())) for line in files["melody.txt"].splitlines() if line.strip()]
    notes = [(pitch or None, length) for pitch, length in rows]
    if not -14 * STEPS_PER_BAR <= sum(length for _, length in notes) - bars * STEPS_PER_BAR <= 40:
        raise ValueError("melody and structure differ in length, so the song is left out")
    tonic, _, mode = files["analyzed_key.txt"].split()[0].partition(":")
    minor = mode.startswith("min")
    transpose = home_transpose(PITCH_NAMES[tonic], minor)
    melody = place_melody(notes, transpose, bars)
    chords = _chords(files["finalized_chord.txt"], transpose, bars)
    tempo_bpm = float(files["tempo.txt"])
    return TrainingSong(name, Style.POP, minor, tempo_bpm, melody, chords, _phrases(labels, melody))


def _chords(text: str, transpose: int, bars: int) -> Classes:
    classes: list[int] = []
    for line in text.splitlines():
        if fields := line.split():
            classes += [_chord_class(fields[0], transpose)] * int(fields[-1])
    padded = (classes + [NO_CHORD] * bars * BEATS_PER_BAR)[: bars * BEATS_PER_BAR]
    return np.array(padded, dtype=np.int64)


def _chord_class(name: str, transpose: int) -> int:
    root, _, kind = name.partition(":")
    if root.startswith("N"):
        return NO_CHORD
    quality = Quality.MAJOR
    if kind.startswith("min"):
        quality = Quality.MINOR
    elif kind.startswith(("dim", "hdim")):
        quality = Quality.DIMINISHED
    return chord_index(Chord((PITCH_NAMES[root.partition("/")[0]] + transpose) % 12, quality))


def _phrases(labels: list[tuple[str, int]], melody: Classes) -> tuple[Phrase, ...]:
    """Return the phrases of a song with their section kinds. The annotators' letters mark repetitions, but not verse
    and chorus, so the kinds are inferred.

    Sung letters are upper case and have notes. The chorus is the letter that is high, dense and often repeated; the
    verse is the first sung letter; a pre-chorus mostly precedes the chorus; a letter sung once and late is a bridge.
    """
    strength = _sung_letters(labels, melody)
    if not strength:
        raise ValueError("no section is sung, so the song is left out")
    counts = Counter(letter for letter, _ in labels)
    sung = [letter for letter, _ in labels if letter in strength]
    chorus = _chorus(strength, counts, first=sung[0])
    into_chorus = Counter(here for here, after in pairwise(sung) if after == chorus != here)

    def kind(letter: str) -> TokenKind:
        if letter not in strength:
            return TokenKind.INSTRUMENTAL
        if letter == chorus:
            return TokenKind.CHORUS
        if letter != sung[0] and counts[letter] > 1 and into_chorus[letter] * 2 > counts[letter]:
            return TokenKind.PRE_CHORUS
        if letter == sung[0] or counts[letter] > 1:
            return TokenKind.VERSE
        return TokenKind.BRIDGE

    return tuple(Phrase(kind(letter), bars) for letter, bars in labels)


def _sung_letters(labels: list[tuple[str, int]], melody: Classes) -> dict[str, float]:
    """Return a score for each sung section letter of the annotation, higher for letters that resemble a chorus (higher
    pitch, more notes).
    """
    pitches: dict[str, list[float]] = defaultdict(list)
    bars_of: Counter[str] = Counter()
    first = 0
    for letter, bars in labels:
        classes = melody[first * STEPS_PER_BAR : (first + bars) * STEPS_PER_BAR]
        pitches[letter] += classes[classes >= FIRST_PITCH].tolist()
        bars_of[letter] += bars
        first += bars
    return {
        letter: float(np.mean(found)) + 0.3 * len(found) / bars_of[letter]
        for letter, found in pitches.items()
        if letter.isupper() and len(found) > _SUNG_NOTES_PER_BAR * bars_of[letter]
    }


def _chorus(strength: dict[str, float], counts: Counter[str], first: str) -> str:
    repeated = {letter: value for letter, value in strength.items() if counts[letter] > 1} or strength
    ranked = sorted(repeated, key=lambda letter: repeated[letter] + 0.2 * counts[letter], reverse=True)
    if len(ranked) > 1 and ranked[0] == first and repeated[ranked[0]] - repeated[ranked[1]] < 1:
        return ranked[1]
    return ranked[0]


def main() -> None:
    """Command line: convert an archive of annotations to a file of training songs, and print how many songs were left
    out and why.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="archive (tar.xz) of POP909's structure annotations")
    parser.add_argument("--out", type=Path, required=True, help="npz file of training songs to write")
    arguments = parser.parse_args()
    songs: list[TrainingSong] = []
    left_out: Counter[str] = Counter()
    for name, files in read_archive(arguments.archive):
        try:
            songs.append(parse_song(name, files))
        except (ValueError, KeyError) as error:
            left_out[f"{type(error).__name__}: {error}"] += 1
    save_songs(arguments.out, songs)
    print(f"{len(songs)} songs, {sum(song.bars for song in songs)} bars; left out: {dict(left_out)}")


if __name__ == "__main__":
    main()

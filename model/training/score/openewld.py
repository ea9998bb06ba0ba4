"""Converts the lead sheets of OpenEWLD to training songs.

Usage: python -m model.training.score.openewld openewld.tar.xz --out openewld.npz

The collection (Simonetta, 2018) has public-domain lead sheets as compressed MusicXML. Songs in four-four and cut time
with a regular bar structure are used, and the tunes of waltzes; there are no structure labels.
"""

import argparse
import io
import tarfile
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

import numpy as np

from model.studio.composing.conditions import Style, TokenKind
from model.studio.composing.tokens import NO_CHORD, Classes, chord_index
from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT, WALTZ_BEATS_PER_BAR, Chord, Note, Quality
from model.training.score.pop909 import PITCH_NAMES
from model.training.score.songs import Phrase, TrainingSong, home_transpose, place_melody, save_songs

_TEMPO_BPM = 110.0
_DIMINISHED_KINDS = ("diminished", "half-diminished")


def read_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the title and the MusicXML of every lead sheet in the archive, sorted by title."""
    sheets: dict[str, bytes] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".mxl") else None
            if file is not None:
                with zipfile.ZipFile(io.BytesIO(file.read())) as packed:
                    inner = next(n for n in packed.namelist() if n.endswith(".xml") and not n.startswith("META-INF"))
                    sheets[PurePosixPath(member.name).stem] = packed.read(inner)
    yield from sorted(sheets.items())


def parse_song(name: str, xml: bytes) -> TrainingSong:
    """Parse one lead sheet (MusicXML) and return the training song.

    Raises:
        ValueError: the song is not in four-four or cut time, has irregular bars, rhythms off the sixteenth grid, or too
            few notes.
    """
    part = ElementTree.fromstring(xml).find("part")
    if part is None:
        raise ValueError("the lead sheet has no part, so it is left out")
    if {(time.findtext("beats"), time.findtext("beat-type")) for time in part.iter("time")} - {("4", "4"), ("2", "2")}:
        raise ValueError("the song is not in four-four or cut time, so it is left out")
    sheet = _Sheet(part, STEPS_PER_BAR)
    minor = part.findtext(".//key/mode") == "minor"
    tonic = (int(part.findtext(".//key/fifths") or 0) * 7 + (9 if minor else 0)) % 12
    transpose = home_transpose(tonic, minor)
    melody = place_melody(sheet.lengths(), transpose, sheet.bars)
    phrases = (Phrase(TokenKind.UNKNOWN, sheet.bars),)
    return TrainingSong(name, Style.STANDARD, minor, _TEMPO_BPM, melody, sheet.chords(transpose), phrases)


def waltz_tunes(path: Path) -> Iterator[tuple[Note, ...]]:
    """Yield the melodies of the archive's lead sheets in three-four time with a regular bar structure."""
    for _, xml in read_archive(path):
        part = ElementTree.fromstring(xml).find("part")
        if part is None or {(t.findtext("beats"), t.findtext("beat-type")) for t in part.iter("time")} != {("3", "4")}:
            continue
        with suppress(ValueError):
            yield tuple(_notes(_Sheet(part, WALTZ_BEATS_PER_BAR * STEPS_PER_BEAT).lengths()))


def _notes(lengths: list[tuple[int | None, int]]) -> Iterator[Note]:
    now = 0
    for pitch, length in lengths:
        if pitch is not None:
            yield Note(now, length, pitch)
        now += length


class _Sheet:
    """Melody and harmony of one part of a lead sheet on a grid of sixteenth notes; a short first bar is padded at its
    start.
    """

    def __init__(self, part: ElementTree.Element, steps_per_bar: int) -> None:
        self._bar = steps_per_bar
        self._onsets: dict[int, tuple[int, int]] = {}
        self._harmony: dict[int, tuple[int, str]] = {}
        self._divisions = 1
        self._off_grid = 0
        measures = part.findall("measure")
        for index, measure in enumerate(measures):
            self._read(measure, index * steps_per_bar, first=index == 0, last=index == len(measures) - 1)
        self.bars = len(measures)
        if self._off_grid > 0.05 * len(self._onsets):
            raise ValueError("the song has rhythms off the sixteenth grid, so it is left out")

    def lengths(self) -> list[tuple[int | None, int]]:
        """Return the melody from the first bar on as pairs of a MIDI pitch (`None` for a rest) and a length in
        sixteenths.
        """
        pairs: list[tuple[int | None, int]] = []
        now = 0
        starts = sorted(self._onsets)
        for start, following in zip(starts, [*starts[1:], self.bars * self._bar], strict=True):
            pitch, end = self._onsets[start]
            end = min(end, following)
            if start > now:
                pairs.append((None, start - now))
            pairs.append((pitch, end - start))
            now = end
        return pairs

    def chords(self, transpose: int) -> Classes:
        """Return the chord class of every beat, transposed by `transpose` semitones; each chord symbol lasts until the
        next.
        """
        classes = np.full(self.bars * self._bar // STEPS_PER_BEAT, NO_CHORD, dtype=np.int64)
        for step, (root, kind) in sorted(self._harmony.items()):
            quality = Quality.MINOR if kind.startswith("minor") else Quality.MAJOR
            quality = Quality.DIMINISHED if kind.startswith(_DIMINISHED_KINDS) else quality
            classes[step // STEPS_PER_BEAT :] = chord_index(Chord((root + transpose) % 12, quality))
        return classes

    def _read(self, measure: ElementTree.Element, start: int, *, first: bool, last: bool) -> None:
        self._divisions = int(measure.findtext(".//divisions") or self._divisions)
        length = max(end for _, _, end in self._walk(measure)) if measure.find("note") is not None else self._bar
        if round(length) > self._bar or (round(length) < self._bar and not (first or last)):
            raise ValueError("the song has bars that are too long or too short, so it is left out")
        offset = start + (self._bar - round(length) if first else 0)
        for element, at, end in self._walk(measure):
            if element.tag == "harmony":
                self._add_harmony(element, offset + round(at))
            elif element.find("pitch") is not None:
                self._add_note(element, offset, at, end)

    def _walk(self, measure: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, float, float]]:
        """Yield the elements of chord symbols and notes of the first voice of a bar, each with its start and end in
        sixteenths.
        """
        now = 0.0
        for element in measure:
            duration = int(element.findtext("duration") or 0) * STEPS_PER_BEAT / self._divisions
            if element.tag == "harmony":
                yield element, now, now
            elif element.tag == "note" and element.find("chord") is None and element.find("grace") is None:
                if (element.findtext("voice") or "1") == "1":
                    yield element, now, now + duration
                now += duration
            elif element.tag in ("forward", "backup"):
                now += duration if element.tag == "forward" else -duration

    def _add_harmony(self, element: ElementTree.Element, step: int) -> None:
        root = PITCH_NAMES[element.findtext("root/root-step") or "C"] + int(element.findtext("root/root-alter") or 0)
        self._harmony[step] = (root % 12, (element.findtext("kind") or "major").strip())

    def _add_note(self, element: ElementTree.Element, offset: int, at: float, end: float) -> None:
        start, stop = offset + round(at), offset + max(round(end), round(at) + 1)
        octave, alter = int(element.findtext("pitch/octave") or 4), int(element.findtext("pitch/alter") or 0)
        pitch = 12 * (octave + 1) + PITCH_NAMES[element.findtext("pitch/step") or "C"] + alter
        tied = any(tie.get("type") == "stop" for tie in element.findall("tie"))
        last = max(self._onsets, default=None)
        if tied and last is not None and self._onsets[last] == (pitch, start):
            self._onsets[last] = (pitch, stop)
            return
        self._off_grid += abs(at - round(at)) > 0.01
        self._onsets[start] = (pitch, stop)


def main() -> None:
    """Command line: convert an archive of lead sheets to a file of training songs, and print how many songs were left
    out and why.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="archive (tar.xz) of OpenEWLD's lead sheets")
    parser.add_argument("--out", type=Path, required=True, help="npz file of training songs to write")
    arguments = parser.parse_args()
    songs: list[TrainingSong] = []
    left_out: Counter[str] = Counter()
    for name, xml in read_archive(arguments.archive):
        try:
            songs.append(parse_song(name, xml))
        except ValueError as error:
            left_out[str(error)] += 1
    save_songs(arguments.out, songs)
    print(f"{len(songs)} songs, {sum(song.bars for song in songs)} bars; left out: {dict(left_out)}")


if __name__ == "__main__":
    main()

"""Measures form and accompaniment: the last chorus, solo instruments, and how well styles are recognised by melody and
chords.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.music.composition.measures import equal_notes, mean
from benchmarks.music.composition.pieces import Piece, Section, changes
from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT
from model.studio.style import Track

_LEAST_SPREAD = 0.1
"""Minimum variance within a style, because a few songs do not give a reliable variance."""


def last_chorus(pieces: Sequence[Piece]) -> dict[str, float]:
    """Compare the last chorus of each song with the first; return means over the songs, by name: how much higher the
    key is, in semitones; how many more instruments play; how much louder the notes are, in dB of velocity; the share of
    notes that stay the same; and the share of songs whose last chorus is clearly higher or fuller. Only songs with at
    least two choruses count.
    """
    keys, parts, levels, kept, lifted = [], [], [], [], []
    for piece in pieces:
        choruses = [section for section in piece.sections if section.kind == "chorus" and section.lines]
        choruses = [section for section in choruses if section.lines[0].text == choruses[0].lines[0].text]
        if len(choruses) < 2:
            continue
        first, last = choruses[0], choruses[-1]
        keys.append(last.transpose - first.transpose)
        parts.append(_parts(last) - _parts(first))
        levels.append(_level(last) - _level(first))
        kept.append(equal_notes(_tune(piece, first), _tune(piece, last)))
        lifted.append(float(keys[-1] in (1, 2) or (parts[-1] >= 2 and levels[-1] >= 1.5)))
    return {
        "last chorus: semitones higher": mean(keys),
        "last chorus: more parts": mean(parts),
        "last chorus: dB more of velocity": mean(levels),
        "last chorus: notes of the first kept": mean(kept),
        "last chorus: songs with a lift": mean(lifted),
    }


def _parts(section: Section) -> float:
    return float(sum(bool(notes) for notes in (section.tracks or {}).values()))


def _level(section: Section) -> float:
    """Return the energy of a section's notes per bar, in dB: the sum of their squared velocities."""
    tracks = section.tracks or {}
    energy = sum((note.velocity / 64) ** 2 for notes in tracks.values() for note in notes)
    return 10 * math.log10(max(energy / section.bars, 1e-9))


def _tune(piece: Piece, section: Section) -> dict[int, int]:
    return {note.start - section.first: note.pitch - section.transpose for note in piece.notes(section)}


def copies(pieces: Sequence[Piece]) -> float:
    """Return, as the mean over the songs, the share of the accompaniment notes of the first two choruses (without
    drums) that occur in both choruses at the same position.
    """
    shares = []
    for piece in pieces:
        choruses = [section for section in piece.sections if section.kind == "chorus" and section.lines]
        if len(choruses) > 1:
            then, now = _played(choruses[0]), _played(choruses[1])
            shares.append(len(then & now) / max(len(then | now), 1))
    return mean(shares)


def _played(section: Section) -> set[tuple[Track, int, int]]:
    return {
        (track, round(note.start), note.pitch - section.transpose)
        for track, notes in (section.tracks or {}).items()
        if track is not Track.DRUMS
        for note in notes
    }


def soloist_share(pieces: Sequence[Piece]) -> float:
    """Return the share of a song's time in which an instrument plays a melody (in the track LEAD), as the mean over the
    songs.
    """
    return mean([_sounding(piece) for piece in pieces])


def _sounding(piece: Piece) -> float:
    steps = heard = 0
    for section in piece.sections:
        busy = np.zeros(section.steps, dtype=np.bool_)
        for note in (section.tracks or {}).get(Track.LEAD, ()):
            busy[int(note.start) : math.ceil(note.start + note.length)] = True
        steps, heard = steps + section.steps, heard + int(busy.sum())
    return heard / steps


def describe(piece: Piece) -> NDArray[np.float64]:
    """Return features of a style from melody and chords: rhythm, intervals, degrees, chords and their rate."""
    steps = Counter(note.start % STEPS_PER_BAR for note in piece.tune)
    count = len(piece.tune)
    lengths = np.array([min(b.start - a.start, 16) for a, b in pairwise(piece.tune)])
    moves = np.abs([b.pitch - a.pitch for a, b in pairwise(piece.tune)])
    shifts = {section.first: section.transpose for section in piece.sections}
    degrees = np.bincount([(note.pitch - _shift(shifts, note.start)) % 12 for note in piece.tune], minlength=12) / count
    chords = changes(piece)
    roots = np.bincount([root for root, _ in chords], minlength=12) / len(chords)
    starts = np.array([steps[step] for step in range(STEPS_PER_BAR)]) / count
    return np.array(
        [
            *(starts[0::4].sum(), starts[2::4].sum(), starts[1::2].sum(), starts[0], starts[8]),
            *(np.mean(lengths <= 1), np.mean(lengths == 2), np.mean(lengths == 3), np.mean(lengths >= 6)),
            *(np.mean(moves == 0), np.mean(moves <= 2), np.mean(moves >= 5), degrees[[5, 11]].sum()),
            *(degrees[[1, 3, 6, 8, 10]].sum(), len(set(chords)), len(piece.chords) / STEPS_PER_BEAT / len(chords)),
            *(
                np.mean([quality == 0 for _, quality in chords]),
                piece.coloured,
                roots[10],
                roots[2],
                roots[9],
                roots[5],
            ),
            *(roots[[1, 3, 6, 8]].sum(), roots[4], float(piece.minor), roots[7]),
        ]
    )


def _shift(shifts: dict[int, int], start: int) -> int:
    return shifts[max(first for first in shifts if first <= start)]


def recognised_share(pieces: Sequence[Piece], seeds: Sequence[int]) -> float:
    """Return the share of songs whose style is recognised, by diagonal discriminant analysis trained on songs of other
    seeds.
    """
    table = np.array([describe(piece) for piece in pieces])
    table = (table - table.mean(0)) / (table.std(0) + 1e-9)
    styles = sorted({piece.style for piece in pieces})
    labels = np.array([styles.index(piece.style) for piece in pieces])
    folds = np.array(seeds)
    right = []
    for fold in sorted(set(seeds)):
        train, test = folds != fold, folds == fold
        means = np.array([table[train & (labels == label)].mean(0) for label in range(len(styles))])
        spread = ((table[train] - means[labels[train]]) ** 2).mean(0) + _LEAST_SPREAD
        gaps = table[test][:, None] - means[None]
        found = (gaps**2 / spread).sum(2).argmin(1)
        right += (found == labels[test]).tolist()
    return float(np.mean(right))

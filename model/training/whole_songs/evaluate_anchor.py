"""Composes songs that begin with a given melody, and measures how much of this melody recurs in the rest of the song.

Usage: python -m model.training.whole_songs.evaluate_anchor --seeds 2

For every motif, prompt and seed a song is composed that begins with the motif. The rest of the song is compared with
the motif and, as the chance level, with the other motifs. Rhythm is compared bar by bar with the most similar bar of
the motif, by shared onsets divided by all onsets. Melody is compared by the share of the pairs of successive intervals
(in scale steps) that occur in the motif. The program prints one JSON object.
"""

import argparse
import itertools
import json
from collections.abc import Sequence

import numpy as np
import torch

from model.song import AnchorNote, SongParams, SongPlan
from model.studio.composing.denoiser import ScoreDenoiser
from model.studio.info import INFO
from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT, Note
from model.studio.planning.plan import plan_song
from model.training.whole_songs.evaluate_songs import write_songs

PROMPTS = ("melodic pop, piano", "cinematic, orchestral")
LYRICS = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃\n"
MOTIFS = (
    "60/1 62/1 64/1 67/1 69/1.5 67/0.5 64/2",
    "67/0.5 67/0.5 69/1 67/1 72/1 71/2 67/2",
    "64/1.5 62/0.5 60/2 64/1.5 65/0.5 67/2",
    "72/1 71/0.5 69/0.5 67/2 65/1 64/0.5 62/0.5 60/2",
    "60/0.5 64/0.5 67/0.5 64/0.5 60/0.5 64/0.5 67/1 69/1 67/1 64/2",
    "69/3 67/1 64/3 62/1",
    "62/0.75 64/0.25 65/1 62/1 69/1 67/0.75 65/0.25 64/1 60/2",
    "64/0.5 64/0.5 64/0.5 62/0.5 64/1 67/1 64/0.5 64/0.5 64/0.5 62/0.5 60/2",
    "67/1 64/1 67/1 64/1 69/0.5 67/0.5 65/0.5 64/0.5 62/2",
    "60/2 67/1 65/1 64/2 62/1 60/1",
    "72/0.5 69/1 72/0.5 69/2 67/0.5 64/1 67/0.5 64/2",
    "65/1 64/0.5 65/0.5 67/1 69/1 65/1 64/0.5 62/0.5 60/2",
)
"""Motifs of two bars in C major or A minor, as notes "MIDI pitch/beats"."""


def notes_of(motif: str) -> tuple[AnchorNote, ...]:
    """Return the notes of a motif that is written as "pitch/beats" items, such as "60/1 62/0.5"."""
    return tuple(AnchorNote(int(pitch), float(beats)) for pitch, beats in (note.split("/") for note in motif.split()))


def as_melody(anchor: Sequence[AnchorNote]) -> list[Note]:
    """Return the notes of the caller's melody on the grid of sixteenth steps, without its rests."""
    starts = itertools.accumulate((note.length_beats for note in anchor), initial=0.0)
    return [
        Note(round(start * STEPS_PER_BEAT), round(note.length_beats * STEPS_PER_BEAT), note.pitch)
        for start, note in zip(starts, anchor, strict=False)
        if note.pitch is not None
    ]


def rhythm_likeness(melody: Sequence[Note], motif: Sequence[Note]) -> float:
    """Return the similarity in rhythm, 0 to 1, of a melody to a motif: the mean over the melody's bars of the onsets
    shared with the most similar bar of the motif, divided by the onsets of both.
    """
    wanted = _bars(motif)
    return float(np.mean([max(len(bar & one) / len(bar | one) for one in wanted) for bar in _bars(melody)]))


def _bars(melody: Sequence[Note]) -> list[frozenset[int]]:
    """Return the note onsets of every bar that has any, in steps (sixteenths) from the start of the bar."""
    onsets: dict[int, set[int]] = {}
    for note in melody:
        onsets.setdefault(note.start // STEPS_PER_BAR, set()).add(note.start % STEPS_PER_BAR)
    return [frozenset(steps) for _, steps in sorted(onsets.items())]


def interval_likeness(melody: Sequence[Note], motif: Sequence[Note]) -> float:
    """Return the share, 0 to 1, of a melody's pairs of successive intervals, in scale steps, that also occur in the
    motif.
    """
    wanted, found = set(_interval_pairs(motif)), _interval_pairs(melody)
    return float(np.mean([pair in wanted for pair in found]))


def _interval_pairs(melody: Sequence[Note]) -> list[tuple[int, int]]:
    steps = [_scale_steps(after.pitch - before.pitch) for before, after in itertools.pairwise(melody)]
    return list(itertools.pairwise(steps))


def _scale_steps(semitones: int) -> int:
    """Return an interval in scale steps, from semitones: a second, minor or major, is one step, a third two."""
    octaves, rest = divmod(abs(semitones), 12)
    return int(np.sign(semitones)) * (7 * octaves + (0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6)[rest])


def continuations(denoiser: ScoreDenoiser, plans: Sequence[SongPlan], motif: Sequence[Note]) -> list[list[Note]]:
    """Compose each planned song, and return the melody after the motif, section after section, with times in sixteenth
    steps.

    Raises:
        ValueError: a song does not begin with the motif.
    """
    songs = []
    for song in write_songs(denoiser, plans):
        melody, first = [], 0
        for section in itertools.dropwhile(lambda section: not section.spec.anchor, song):
            melody += [Note(note.start + first, note.length, note.pitch) for note in section.score.melody]
            first += section.score.steps
        end = motif[-1].end
        if _sounding(melody, end) != _sounding(motif, end):
            raise ValueError("a song does not begin with its motif. This is a bug: please report it")
        songs.append([note for note in melody if note.start >= end])
    return songs


def _sounding(melody: Sequence[Note], steps: int) -> list[int | None]:
    """Return the pitch that sounds at each of the first `steps` sixteenths; `None` for a rest. Repeated notes on one
    pitch are not distinguished from a long note.
    """
    line: list[int | None] = [None] * steps
    for note in melody:
        line[note.start : note.end] = [note.pitch] * len(line[note.start : note.end])
    return line


def main() -> None:
    """Command line: compose songs that begin with given melodies, and print the statistics of how much of the melodies
    recurs.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2, help="number of seeds for each motif and prompt")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    denoiser = ScoreDenoiser.load()
    motifs = [as_melody(notes_of(motif)) for motif in MOTIFS]
    likeness = {"rhythm": rhythm_likeness, "interval": interval_likeness}
    own: dict[str, list[float]] = {name: [] for name in likeness}
    others: dict[str, list[float]] = {name: [] for name in likeness}
    for row, motif in enumerate(motifs):
        asked = [
            SongParams(prompt, LYRICS, seed, 40.0, key="C major", tempo_bpm=96.0, anchor=notes_of(MOTIFS[row]))
            for prompt in PROMPTS
            for seed in range(arguments.seeds)
        ]
        for melody in continuations(denoiser, [plan_song(params, INFO) for params in asked], motif):
            for name, measure in likeness.items():
                own[name].append(measure(melody, motif))
                others[name].append(float(np.mean([measure(melody, m) for m in motifs if m is not motif])))
    figures: dict[str, float] = {"songs": len(own["rhythm"])}
    for name in likeness:
        nearer = [mine > chance for mine, chance in zip(own[name], others[name], strict=True)]
        figures |= {f"{name}_own": float(np.mean(own[name])), f"{name}_chance": float(np.mean(others[name]))}
        figures[f"{name}_nearer_than_chance"] = float(np.mean(nearer))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1))


if __name__ == "__main__":
    main()

"""Compares sections that the score network composes with sections of held-out songs: their intervals, repetitions and
chords.

Usage: python -m model.training.score.evaluate_score pop909.npz openewld.npz --weights score.safetensors --steps 10 80

The npz files hold all training songs, from which the held-out ones are split off; `--steps` are numbers of denoising
steps to compare. For every held-out pop song a verse and a chorus are composed with the song's number of notes in each
line ("sung"), or with `--free` only with its density of notes. The program prints one JSON object of statistics (see
`figures.measure`) for the held-out songs, and one for each number of steps.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from model.song import SectionKind
from model.studio.composing.conditions import LINE_BARS, Style, TokenKind
from model.studio.composing.denoiser import ScoreDenoiser
from model.studio.composing.section_spec import MAX_BARS, Memory, SectionSpec
from model.studio.composing.tokens import FIRST_PITCH, Classes, encode
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BAR
from model.training.score.figures import CopyFinder, Piece, lift, measure
from model.training.score.songs import TrainingSong, load_songs
from model.training.score.train_score import split_songs

Pair = tuple[Piece, Piece]
"""A verse and a chorus of one song."""

_BATCH = 15


def real_pair(song: TrainingSong) -> Pair | None:
    """Return the first suitable verse and chorus of a song, `None` if there are not both. A suitable section has an
    even number of bars, 4 to `MAX_BARS`, and at least one note in every two bars.
    """
    found: dict[TokenKind, Piece] = {}
    first = 0
    for phrase in song.phrases:
        melody = song.melody[first * STEPS_PER_BAR : (first + phrase.bars) * STEPS_PER_BAR]
        chords = song.chords[first * BEATS_PER_BAR : (first + phrase.bars) * BEATS_PER_BAR]
        first += phrase.bars
        if 4 <= phrase.bars <= MAX_BARS and phrase.bars % LINE_BARS == 0 and min(_line_notes(melody)) > 0:
            found.setdefault(phrase.kind, Piece(melody, chords, song.minor))
    if TokenKind.VERSE in found and TokenKind.CHORUS in found:
        return found[TokenKind.VERSE], found[TokenKind.CHORUS]
    return None


def _line_notes(melody: Classes) -> list[int]:
    return [int(count) for count in (melody.reshape(-1, LINE_BARS * STEPS_PER_BAR) >= FIRST_PITCH).sum(1)]


def brief_like(piece: Piece, kind: SectionKind, *, sung: bool) -> SectionSpec:
    """Return a section specification with the number of bars, the mode and the note density of `piece`. If `sung` is
    True, it also has the number of notes in each line of `piece`.
    """
    bars = len(piece.chords) // BEATS_PER_BAR
    counts = _line_notes(piece.melody) if sung else []
    return SectionSpec(
        kind=kind,
        bars=bars,
        lines=tuple((0,) * count for count in counts),
        line_bars=(LINE_BARS,) * len(counts),
        minor=piece.minor,
        density=len(piece.onsets) / bars,
    )


def write_pairs(
    denoiser: ScoreDenoiser, pairs: Sequence[Pair], *, sung: bool, steps: int, guidance_scale: float, seed: int
) -> list[Pair]:
    """Compose a verse and a following chorus for each of `pairs`, with the pair's numbers of bars, mode, note density
    and, if `sung`, notes per line.
    """
    written: list[Pair] = []
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        memories = [Memory()] * len(batch)
        halves: list[list[Piece]] = []
        for half, kind in enumerate((SectionKind.VERSE, SectionKind.CHORUS)):
            briefs = [brief_like(pair[half], kind, sung=sung) for pair in batch]
            states = [
                denoiser.begin(spec, memory, seed=seed + start + row, steps=steps, guidance_scale=guidance_scale)
                for row, (spec, memory) in enumerate(zip(briefs, memories, strict=True))
            ]
            for _ in range(steps):
                denoiser.denoise(states)
            finished = [denoiser.finish(state) for state in states]
            memories = [memory for _, memory in finished]
            tokens = [encode(score, 0) for score, _ in finished]
            halves.append([Piece(t.melody.reshape(-1), t.chords, b.minor) for t, b in zip(tokens, briefs, strict=True)])
        written += zip(*halves, strict=True)
    return written


def report(name: str, pairs: Sequence[Pair], copies: CopyFinder, seconds: float = 0.0) -> None:
    """Print statistics of composed or real `pairs` as one JSON object with the name `name`. `copies` finds the longest
    sequence of notes that each section shares with a training song; `seconds` is the CPU time that composing them took.
    """
    pieces = [piece for pair in pairs for piece in pair]
    runs = [copies.longest(piece.melody) for piece in pieces]
    row = {"name": name, **{key: round(value, 3) for key, value in measure(pieces).items()}}
    lifts = lift(pair for pair in pairs if all(len(piece.onsets) for piece in pair))
    row |= {"lift": round(float(lifts.mean()), 2), "lifted": round(float((lifts > 0).mean()), 2)}
    row |= {"run_median": float(np.median(runs)), "run_p90": float(np.percentile(runs, 90)), "run_max": max(runs)}
    print(json.dumps(row | {"cpu_seconds_per_section": round(seconds / len(pieces), 3)}), flush=True)


def main() -> None:
    """Command line: compose sections like those of the held-out songs, with each number of denoising steps, and print
    the statistics.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, nargs="+", help="npz files of training songs")
    parser.add_argument("--weights", type=Path, default=None, help="weights to evaluate (default: the shipped ones)")
    parser.add_argument("--steps", type=int, nargs="+", default=[20], help="numbers of denoising steps to compare")
    parser.add_argument("--guidance-scale", type=float, default=1.5, help="scale of classifier-free guidance")
    parser.add_argument(
        "--free", action="store_true", help="compose without syllables, so that the network chooses the rhythm"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the noise")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    split = split_songs([song for path in arguments.songs for song in load_songs(path)])
    pairs = [pair for song in split.held_out if song.style is Style.POP and (pair := real_pair(song))]
    copies = CopyFinder(song.melody for song in split.training)
    report("held out", pairs, copies)
    denoiser = ScoreDenoiser.load(arguments.weights)
    for steps in arguments.steps:
        begin = time.process_time()
        scale = arguments.guidance_scale
        written = write_pairs(
            denoiser, pairs, sung=not arguments.free, steps=steps, guidance_scale=scale, seed=arguments.seed
        )
        name = f"{'free' if arguments.free else 'sung'}, {steps} steps, guidance {scale}"
        report(name, written, copies, time.process_time() - begin)


if __name__ == "__main__":
    main()

"""Exports a training checkpoint as the shipped weights, together with tables counted from the training songs.

Usage: python -m model.training.score.export_score pop909.npz openewld.npz --checkpoint run/checkpoint.pt --out FILE

The npz files hold the songs of the training run; `FILE` is the safetensors file to write, with a manifest beside it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.studio.composing.conditions import Style
from model.studio.composing.tokens import CHORD_CLASSES, FIRST_PITCH, NO_CHORD, PITCHES
from model.studio.notation.score import BEATS_PER_BAR
from model.training.score.songs import TrainingSong, load_songs
from model.training.score.train_score import split_songs
from model.weights import save_weights


def harmony_tables(songs: Sequence[TrainingSong]) -> dict[str, Tensor]:
    """Return probabilities in major and in minor: `moves` [2, 37, 37] from one chord to another at a chord change, and
    `changes` [2, 4] of a chord change at each beat of a bar.
    """
    moves = np.full((2, CHORD_CLASSES, CHORD_CLASSES), 0.05)
    stays_or_changes = np.ones((2, BEATS_PER_BAR, 2))
    for song in songs:
        for beat, (before, after) in enumerate(zip(song.chords, song.chords[1:], strict=False), start=1):
            if NO_CHORD not in (before, after):
                stays_or_changes[int(song.minor), beat % BEATS_PER_BAR, int(before != after)] += 1
                moves[int(song.minor), before, after] += before != after
    moves /= moves.sum(-1, keepdims=True)
    changes = stays_or_changes[..., 1] / stays_or_changes.sum(-1)
    return {"moves": torch.from_numpy(moves).float(), "changes": torch.from_numpy(changes).float()}


def interval_table(songs: Sequence[TrainingSong]) -> Tensor:
    """Return the log probability [37] of each interval, 0 to 36 semitones up or down, between successive notes."""
    counts: NDArray[np.float64] = np.full(PITCHES, 0.5)
    for song in songs:
        pitches = song.melody[song.melody >= FIRST_PITCH]
        counts += np.bincount(np.abs(np.diff(pitches)), minlength=PITCHES)[:PITCHES]
    return torch.from_numpy(np.log(counts / counts.sum())).float()


def main() -> None:
    """Command line: read a training checkpoint and songs, and write the shipped weights and their manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, nargs="+", help="npz files of the songs of the training run")
    parser.add_argument("--checkpoint", type=Path, required=True, help="checkpoint that `train_score` wrote")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    arguments = parser.parse_args()
    checkpoint = torch.load(arguments.checkpoint, weights_only=True)
    split = split_songs([song for path in arguments.songs for song in load_songs(path)])
    pop = [song for song in split.training if song.style is Style.POP]
    tensors = {f"network.{name}": tensor.half() for name, tensor in checkpoint["weights"].items()}
    tensors |= {f"harmony.{name}": tensor for name, tensor in harmony_tables(pop).items()}
    tensors["melody.intervals"] = interval_table(pop)
    save_weights(arguments.out, tensors, checkpoint["config"])


if __name__ == "__main__":
    main()

"""Trains the score network.

Usage: python -m model.training.score.train_score pop909.npz openewld.npz --out runs/score --cpu-seconds 6000

The npz files hold training songs; `--out` is the folder of the run, `--cpu-seconds` the time budget. Random numbers
have a fixed seed. The learning rate depends on the share of the time budget that is spent, so that any budget can be
chosen. Every evaluation writes the averaged weights to `checkpoint.pt` and a line to `log.jsonl`.
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.studio.composing.conditions import Style
from model.studio.composing.flow import noise_towards, training_times
from model.studio.composing.network.config import ScoreNetworkConfig
from model.studio.composing.network.score_network import ONSET_WEIGHT, ScoreNetwork
from model.studio.composing.tokens import FIRST_PITCH
from model.studio.notation.score import STEPS_PER_BEAT
from model.training.score.songs import TrainingSong, load_songs
from model.training.score.windows import Batch, Windows

BATCH_SIZE = 32
PEAK_RATE = 1.8e-3
WARM_UP_STEPS = 150
CHORD_WEIGHT = 0.6
HELD_OUT_POP = 45
HELD_OUT_STANDARDS = 15
SPLIT_SEED = 909
_EVALUATE_EVERY = 100


@dataclass(frozen=True, slots=True)
class Split:
    """The songs for training, and the held-out songs for evaluation."""

    training: list[TrainingSong]
    held_out: list[TrainingSong]


def split_songs(songs: list[TrainingSong]) -> Split:
    """Split songs into training songs and held-out songs, in the same way for every run."""
    random = np.random.default_rng(SPLIT_SEED)
    pop = [song for song in songs if song.style is Style.POP]
    standards = [song for song in songs if song.style is Style.STANDARD]
    chosen = {song.name for song in np.array(pop, dtype=object)[random.permutation(len(pop))[:HELD_OUT_POP]]}
    picked = random.permutation(len(standards))[:HELD_OUT_STANDARDS]
    chosen |= {song.name for song in np.array(standards, dtype=object)[picked]}
    return Split([s for s in songs if s.name not in chosen], [s for s in songs if s.name in chosen])


@dataclass(frozen=True, slots=True)
class Losses:
    """Cross-entropies in nats: `melody` per sixteenth, with note onsets weighted, and `chords` per beat."""

    melody: Tensor
    chords: Tensor


def losses(network: ScoreNetwork, batch: Batch, generator: torch.Generator, *, condition_on_self: bool) -> Losses:
    """Return the losses of predicting the unknown token classes of a batch after noise of random diffusion times has
    been added. With `condition_on_self` the network also gets its own first prediction as an input.
    """
    target = network.embed(batch.melody, batch.chords)
    given = network.latent_mask(batch.known.mask)
    encoded = network.encode(batch.conditions, batch.known)
    times = training_times(len(target), generator)
    noised = noise_towards(target, torch.randn(target.shape, generator=generator), times)
    latent = torch.where(given > 0, target, noised)
    guess = torch.zeros_like(latent)
    modulation = network.modulation(times, encoded.song)
    if condition_on_self:
        with torch.no_grad():
            logits = network(latent, guess, modulation, encoded.tokens)
            guess = network.expected(logits.melody.softmax(-1), logits.chords.softmax(-1))
    logits = network(latent, guess, modulation, encoded.tokens)
    melody_weight = (1 - batch.known.mask[..., :STEPS_PER_BEAT]) * torch.where(
        batch.melody >= FIRST_PITCH, ONSET_WEIGHT, 1.0
    )
    chord_weight = 1 - batch.known.mask[..., STEPS_PER_BEAT]
    return Losses(
        _weighted(logits.melody, batch.melody, melody_weight), _weighted(logits.chords, batch.chords, chord_weight)
    )


def _weighted(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    each = F.cross_entropy(logits.flatten(0, -2), target.flatten(), reduction="none")
    return (each * weight.flatten()).sum() / weight.sum().clamp_min(1)


class Trainer:
    """One training run: network, its moving average, optimizer and log."""

    def __init__(self, config: ScoreNetworkConfig, split: Split, out: Path, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = ScoreNetwork(config)
        self.average = ScoreNetwork(config).eval().requires_grad_(False)
        self.average.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=PEAK_RATE, weight_decay=0.04, betas=(0.9, 0.98), fused=True
        )
        self._windows = Windows(split.training, seed)
        held_out = Windows([s for s in split.held_out if s.style is Style.POP], 1)
        self._held_out = [held_out.batch(BATCH_SIZE, bars=16) for _ in range(4)]
        self._generator = torch.Generator().manual_seed(seed)
        self._out = out
        self._recent: list[tuple[float, float]] = []
        self.step = 0

    def run(self, cpu_seconds: float, wall_seconds: float) -> None:
        """Train until the process has used `cpu_seconds` of CPU time, or `wall_seconds` have passed."""
        cpu_start, wall_start = time.process_time(), time.monotonic()
        spent = 0.0
        while spent < 1.0:
            self._train_step(_rate(self.step, spent))
            cpu, wall = time.process_time() - cpu_start, time.monotonic() - wall_start
            spent = max(cpu / cpu_seconds, wall / wall_seconds)
            if self.step % _EVALUATE_EVERY == 0 or spent >= 1.0:
                self._evaluate(cpu, wall)

    def _train_step(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        condition_on_self = bool(torch.rand((), generator=self._generator) < 0.4)
        batch = self._windows.batch(BATCH_SIZE)
        result = losses(self.network, batch, self._generator, condition_on_self=condition_on_self)
        self.optimizer.zero_grad()
        torch.autograd.backward(result.melody + CHORD_WEIGHT * result.chords)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self._recent.append((result.melody.item(), result.chords.item()))
        decay = min(0.998, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)

    def _evaluate(self, cpu_seconds: float, wall_seconds: float) -> None:
        generator = torch.Generator().manual_seed(5)
        with torch.inference_mode():
            found = [losses(self.average, batch, generator, condition_on_self=False) for batch in self._held_out]
        row = {
            "step": self.step,
            "cpu_seconds": round(cpu_seconds),
            "wall_seconds": round(wall_seconds),
            "training": [round(float(value), 4) for value in np.mean(self._recent or [(math.nan, math.nan)], axis=0)],
            "held_out": [
                round(float(np.mean([x.melody for x in found])), 4),
                round(float(np.mean([x.chords for x in found])), 4),
            ],
        }
        self._recent.clear()
        with (self._out / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        torch.save(
            {"config": asdict(self.average.config), "weights": self.average.state_dict()}, self._out / "checkpoint.tmp"
        )
        (self._out / "checkpoint.tmp").replace(self._out / "checkpoint.pt")


def _rate(step: int, spent: float) -> float:
    return PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * spent)))


def main() -> None:
    """Command line: read the prepared songs and train the score network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, nargs="+", help="npz files of training songs")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the checkpoint and the log into")
    parser.add_argument("--cpu-seconds", type=float, default=6000, help="CPU time after which training ends")
    parser.add_argument("--wall-seconds", type=float, default=math.inf, help="elapsed time after which training ends")
    parser.add_argument("--threads", type=int, default=2, help="number of threads of PyTorch")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers")
    parser.add_argument("--no-links", action="store_true", help="train without links to the same beat of earlier bars")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    split = split_songs([song for path in arguments.songs for song in load_songs(path)])
    config = ScoreNetworkConfig(link_bars=() if arguments.no_links else ScoreNetworkConfig().link_bars)
    Trainer(config, split, arguments.out, arguments.seed).run(arguments.cpu_seconds, arguments.wall_seconds)


if __name__ == "__main__":
    main()

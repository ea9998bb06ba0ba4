"""Evaluates the rows of many songs, whatever their lengths, steps and tasks, in as few passes as is sensible."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from model.ace_step_15.networks.contexts import ContextBatch
from model.ace_step_15.networks.transformer import Transformer
from model.ace_step_15.sampling.trajectories import Row
from model.shared.sampling.passes import similar_lengths


class BatchedForward:
    """Passes of the denoiser over rows that know nothing of each other."""

    def __init__(self, transformer: Transformer, *, slack: float = 0.125) -> None:
        """Rows share a pass if the longest is at most `slack`, a share, longer than the shortest."""
        self._transformer = transformer
        self._slack = slack

    @torch.no_grad()
    def __call__(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """The velocities of the rows, each [frames, channels], float32."""
        placed: dict[int, torch.Tensor] = {}
        for group in self._groups([row.latents.shape[0] for row in rows]):
            placed.update(zip(group, self._pass([rows[position] for position in group]), strict=True))
        return [placed[position] for position in range(len(rows))]

    def _groups(self, lengths: Sequence[int]) -> list[list[int]]:
        return similar_lengths(lengths, self._slack)

    def _pass(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        lengths = [row.latents.shape[0] for row in rows]
        frames, device = max(lengths), self._transformer.device
        latents = torch.stack([F.pad(row.latents, (0, 0, 0, frames - row.latents.shape[0])) for row in rows])
        given = torch.stack([F.pad(row.given, (0, 0, 0, frames - row.given.shape[0])) for row in rows])
        times = torch.tensor([row.time for row in rows], dtype=torch.float32, device=device)
        filled = None if min(lengths) == frames else torch.tensor(lengths, device=device)
        contexts = ContextBatch.of([row.context for row in rows])
        velocities = self._transformer(latents, given, times, contexts, filled)
        # A view of the batch would keep all of it in memory for as long as a trajectory keeps its velocity.
        return [velocities[i, :length].clone() for i, length in enumerate(lengths)]

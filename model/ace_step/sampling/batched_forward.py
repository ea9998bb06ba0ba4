"""One forward pass for the rows of many songs."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from model.ace_step.networks.transformer import ContextBatch, Transformer
from model.ace_step.sampling.trajectories import Row

BUCKET_FRAMES = 64
BUCKET_TOKENS = 64


PADDED_SHARE = 0.125
"""How much longer than itself a row may be made to share a pass with another one."""


class Forward:
    """Evaluates rows of different lengths, timesteps and contexts.

    Rows that are about as long as each other, by `slack`, are padded and share a pass: padding costs as much as sound,
    so that rows of very different lengths are better off in passes of their own. With `compiled`, torch compiles the
    blocks, and lengths are rounded up so that shapes, and with them the compiled code, repeat; `graphs` also replays
    the launches of a shape that repeats (CUDA graphs).
    """

    def __init__(
        self, transformer: Transformer, *, slack: float = PADDED_SHARE, compiled: bool = False, graphs: bool = False
    ) -> None:
        self._transformer = transformer
        self._slack = slack
        self._frames, self._tokens = (BUCKET_FRAMES, BUCKET_TOKENS) if compiled or graphs else (1, 1)
        self._graphs = graphs
        if compiled or graphs:
            for block in transformer.transformer_blocks:
                block.compile(mode="reduce-overhead" if graphs else "default", dynamic=False)

    def __call__(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Velocities, float32, each in the shape of its row's latents."""
        made: dict[int, torch.Tensor] = {}
        for group in self._groups([row.latents.shape[-1] for row in rows]):
            made |= zip(group, self._pass([rows[position] for position in group]), strict=True)
        return [made[position] for position in range(len(rows))]

    def _groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Positions of the rows that share a pass, longest first."""
        groups: list[list[int]] = []
        for position in sorted(range(len(lengths)), key=lambda position: -lengths[position]):
            if not groups or lengths[position] * (1 + self._slack) < lengths[groups[-1][0]]:
                groups.append([])
            groups[-1].append(position)
        return groups

    def _pass(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        device = self._transformer.device
        if self._graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        lengths = [row.latents.shape[-1] for row in rows]
        frames = -(-max(lengths) // self._frames) * self._frames
        latents = torch.cat(
            [F.pad(row.latents, (0, frames - length)) for row, length in zip(rows, lengths, strict=True)]
        )
        timesteps = torch.tensor([row.timestep for row in rows], device=device)
        mask = None
        if min(lengths) < frames:
            mask = torch.arange(frames, device=device) < torch.tensor(lengths, device=device)[:, None]
        contexts = ContextBatch.of([row.context for row in rows], self._tokens)
        velocities = self._transformer(latents, timesteps, contexts, mask).float()
        return [velocities[i : i + 1, ..., :length] for i, length in enumerate(lengths)]

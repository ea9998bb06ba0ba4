"""Computes the forward passes of the transformer for the rows of many songs."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from model.ace_step.networks.contexts import BUCKET, ContextStacks, below, composition, on_device, rounded_up
from model.ace_step.networks.transformer import Transformer
from model.ace_step.sampling.pass_graphs import PassGraphs
from model.ace_step.sampling.trajectories import Row
from model.ace_step.sampling.warming import compile_now
from model.engine import EngineUnavailable, Option
from model.shared.networks.cuda_graphs import cuda_recorder
from model.shared.sampling.passes import similar_lengths

EVEN = 16
"""The number of frames in a compiled pass is a multiple of this number, so that kernels read whole cache lines."""

PADDED_SHARE = 0.125
"""Largest padding with which a row shares a pass with another one, as a share of the row's length."""


class BatchedForward:
    """Evaluates the transformer for rows with different lengths, timesteps and contexts, in few forward passes.

    Rows of similar length (within `slack`) are padded and share a pass. A frame of padding takes as long to compute as
    a frame of sound, so rows of very different lengths have separate passes. If `compiled` is True, torch compiles the
    blocks, once for all shapes. If `graphs` is True, torch compiles the blocks, and short passes are replayed as CUDA
    graphs; the rows of such a pass are padded to a length for which a graph was recorded.
    """

    def __init__(
        self,
        transformer: Transformer,
        *,
        slack: float = PADDED_SHARE,
        compiled: bool = False,
        graphs: bool = False,
        backend: str = "inductor",
    ) -> None:
        """Set up the forward passes. Rows share a pass if the longest row is longer than the shortest by at most the
        share `slack`. `backend` is the name of the compiler for `torch.compile`.
        """
        self._transformer = transformer
        self._slack = slack
        self._compiled, self._wants_graphs = compiled or graphs, graphs
        self._multiple = EVEN if self._compiled else 1
        self._stacks = ContextStacks(BUCKET if self._compiled else 1, masks=self._compiled)
        self._graphs: PassGraphs | None = None
        if self._compiled:
            transformer.compile_blocks(backend)

    @torch.no_grad()
    def warm(self) -> None:
        """Compile the blocks and record CUDA graphs, as far as the settings ask for them, before the first song.

        Raises:
            EngineUnavailable: the compiler cannot be used, or there is no CUDA device for graphs.
        """
        device = self._transformer.device
        if self._wants_graphs and device.type != "cuda":
            raise EngineUnavailable("CUDA graphs need a CUDA device: leave ", Option("cuda_graphs"), " empty")
        if self._compiled:
            compile_now(self._transformer)
        if self._wants_graphs:
            self._graphs = PassGraphs(self._transformer, cuda_recorder(device))

    def __call__(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Return the predicted velocities of the rows, float32, each in the shape of its row's latents."""
        groups = self._groups([row.latents.shape[-1] for row in rows])
        order = [position for group in groups for position in group]
        timesteps: list[float] = [rows[each].timestep for each in order]
        sizes = on_device([timesteps, [rows[each].latents.shape[-1] for each in order]], self._transformer.device)
        facts = torch.split(sizes, list(map(len, groups)), dim=1)
        passes = [[rows[position] for position in group] for group in groups]
        made = [velocity for each, fact in zip(passes, facts, strict=True) for velocity in self._pass(each, fact)]
        self._stacks.keep([composition([row.context for row in each]) for each in passes])
        placed = dict(zip(order, made, strict=True))
        return [placed[position] for position in range(len(rows))]

    def _groups(self, lengths: Sequence[int]) -> list[list[int]]:
        return similar_lengths(lengths, self._slack)

    def _pass(self, rows: Sequence[Row], facts: torch.Tensor) -> list[torch.Tensor]:
        """Return the predicted velocities of rows that share one forward pass; `facts` [2, rows] are the timesteps and
        the lengths in frames of the rows.
        """
        lengths = [row.latents.shape[-1] for row in rows]
        tokens = max(row.context.tokens for row in rows)
        if self._graphs and (shape := self._graphs.find(len(rows), max(lengths), tokens)):
            velocities = self._graphs.replay(shape, rows, facts)
        else:
            velocities = self._plain(rows, facts, rounded_up(max(lengths), self._multiple))
        if len(rows) == 1:
            return [velocities[..., : lengths[0]]]
        # Copied, because a view would keep the whole batch in memory as long as a trajectory keeps its velocity.
        return [velocities[i : i + 1, ..., :length].clone() for i, length in enumerate(lengths)]

    def _plain(self, rows: Sequence[Row], facts: torch.Tensor, frames: int) -> torch.Tensor:
        lengths = [row.latents.shape[-1] for row in rows]
        pairs = zip(rows, lengths, strict=True)
        latents = torch.cat([F.pad(row.latents, (0, frames - length)) for row, length in pairs])
        mask = below(facts[1], frames) if self._compiled or min(lengths) < frames else None
        velocities: torch.Tensor = self._transformer(
            latents, facts[0], self._stacks.batch([row.context for row in rows]), mask
        )
        return velocities

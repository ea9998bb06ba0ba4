"""Computes the forward passes of the denoiser for the rows of many songs, with different lengths, steps and tasks, in
few passes.
"""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from model.ace_step_15.networks.contexts import ContextBatch, ContextCache
from model.ace_step_15.networks.transformer import Transformer
from model.ace_step_15.sampling.pass_graphs import PassGraphs
from model.ace_step_15.sampling.trajectories import Row
from model.engine import EngineUnavailable, Option
from model.shared.networks.compiling import compiled_now
from model.shared.networks.cuda_graphs import cuda_recorder
from model.shared.sampling.passes import similar_lengths

EVEN = 16
"""The number of frames in a compiled pass is a multiple of this number, so that kernels read whole cache lines."""


class BatchedForward:
    """Evaluates the denoiser for the rows of many songs; rows do not affect each other.

    If `compiled` is True, torch compiles the blocks, once for all shapes. If `graphs` is True, torch compiles the
    blocks, and short passes are replayed as CUDA graphs; the rows of such a pass are padded to a length for which a
    graph was recorded.
    """

    def __init__(
        self, transformer: Transformer, *, slack: float = 0.125, compiled: bool = False, graphs: bool = False,
        backend: str = "inductor",
    ) -> None:  # fmt: skip
        """Set up the forward passes. Rows share a pass if the longest row is longer than the shortest by at most the
        share `slack`. `backend` is the name of the compiler for `torch.compile`.
        """
        self._transformer = transformer
        self._slack = slack
        self._compiled, self._wants_graphs = compiled or graphs, graphs
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
            compiled_now(self._run_each_variant)
        if self._wants_graphs:
            self._graphs = PassGraphs(self._transformer, cuda_recorder(device))

    @torch.no_grad()
    def __call__(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        """Return the predicted velocities of the rows, each [frames, channels], float32."""
        placed: dict[int, torch.Tensor] = {}
        for group in self._groups([row.latents.shape[0] for row in rows]):
            placed.update(zip(group, self._pass([rows[position] for position in group]), strict=True))
        return [placed[position] for position in range(len(rows))]

    def _groups(self, lengths: Sequence[int]) -> list[list[int]]:
        return similar_lengths(lengths, self._slack)

    def _pass(self, rows: Sequence[Row]) -> list[torch.Tensor]:
        lengths = [row.latents.shape[0] for row in rows]
        tokens = max(row.context.tokens for row in rows)
        if self._graphs and (shape := self._graphs.find(len(rows), max(lengths), tokens)):
            velocities = self._graphs.replay(shape, rows)
        else:
            velocities = self._plain(rows, lengths)
        # Copied, because a view would keep the whole batch in memory as long as a trajectory keeps its velocity.
        return [velocities[i, :length].clone() for i, length in enumerate(lengths)]

    def _plain(self, rows: Sequence[Row], lengths: Sequence[int]) -> torch.Tensor:
        multiple = EVEN if self._compiled else 1
        frames, device = -(-max(lengths) // multiple) * multiple, self._transformer.device
        latents = torch.stack([F.pad(row.latents, (0, 0, 0, frames - row.latents.shape[0])) for row in rows])
        given = torch.stack([F.pad(row.given, (0, 0, 0, frames - row.given.shape[0])) for row in rows])
        times = torch.tensor([row.time for row in rows], dtype=torch.float32, device=device)
        filled = None if min(lengths) == frames else torch.tensor(lengths, device=device)
        contexts = ContextBatch.of([row.context for row in rows])
        velocities: torch.Tensor = self._transformer(latents, given, times, contexts, filled)
        return velocities

    def _run_each_variant(self) -> None:
        """Run the compiled blocks with one row and with two rows, so that torch compiles both versions of the blocks.
        All sizes of a pass differ, so that the compiler does not equate two of them.
        """
        config, device = self._transformer.config, self._transformer.device
        sizes = (len(config.sliding), config.stack.key_heads, 5 * EVEN, config.stack.head_width)
        zeros = torch.zeros(sizes, device=device, dtype=self._transformer.dtype)
        frames = (2 * config.stack.window + 3) * config.patch
        row = Row(
            torch.zeros(frames, config.channels, device=device),
            torch.zeros(frames, 2 * config.channels, device=device),
            1.0,
            ContextCache(zeros, zeros),
        )
        for count in (1, 2):
            self._plain([row] * count, [frames] * count)

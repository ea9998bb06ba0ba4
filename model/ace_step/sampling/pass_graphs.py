"""Records forward passes as CUDA graphs, for small shapes whose kernels take less time than their launches."""

from collections.abc import Sequence

import torch

from model.ace_step.networks.contexts import BUCKET, ContextBatch, ContextCache, below, on_device
from model.ace_step.networks.transformer import Transformer
from model.ace_step.sampling.trajectories import Row
from model.shared.networks.cuda_graphs import Recorder, Work, beginning, fill
from model.shared.networks.recorded_passes import RecordedPasses, Shape, shapes_within

ROWS = (1, 2, 4)
LAUNCH_BOUND = 12 * BUCKET
"""Frames of all rows together, about 70 s of sound, above which launches take less time than the kernels.

Longer passes are faster without the padding that a recorded shape requires.
"""
TOKENS = (4 * BUCKET, 8 * BUCKET)
"""Numbers of context tokens for which passes are recorded; a shorter context is padded, which costs little time."""

SHAPES = shapes_within(LAUNCH_BOUND, BUCKET, ROWS, TOKENS)


class PassGraphs(RecordedPasses[ContextCache]):
    """Forward passes recorded as CUDA graphs for some shapes, with the graphs' input and output tensors."""

    def __init__(self, transformer: Transformer, record: Recorder, shapes: Sequence[Shape] = SHAPES) -> None:
        """Allocate the tensors of the forward passes, and record a CUDA graph for each of the `shapes`; see
        `RecordedPasses`.
        """
        self._tensors = _Tensors(transformer, shapes)
        super().__init__(self._tensors, record, shapes, BUCKET)

    def replay(self, shape: Shape, rows: Sequence[Row], facts: torch.Tensor) -> torch.Tensor:
        """Replay a recorded pass and return its velocities [rows, channels, height, frames]; `facts` [2, rows] are the
        rows' timesteps and lengths in frames.
        """
        return self.replayed(shape, [row.context for row in rows], lambda: self._tensors.load_rows(shape, rows, facts))


class _Tensors:
    """Fixed input and output tensors of recorded passes; each shape uses the first elements of these tensors."""

    def __init__(self, transformer: Transformer, shapes: Sequence[Shape]) -> None:
        self._transformer = transformer
        config, device = transformer.config, transformer.device
        self._slab = (config.channels, config.height)
        self._cache = (config.layers, config.heads, config.head_width)
        frames = max(shape.rows * shape.frames for shape in shapes) * config.channels * config.height
        contexts = max(shape.rows * shape.tokens for shape in shapes) * config.layers * config.width
        self._latents, self._made = (torch.zeros(frames, device=device) for _ in range(2))
        self._keys, self._values = (torch.zeros(contexts, device=device, dtype=transformer.dtype) for _ in range(2))
        self._facts = torch.zeros(4, max(shape.rows for shape in shapes), device=device)

    def work(self, shape: Shape) -> Work:
        """Return a function that runs the forward pass of a shape on the fixed tensors; a CUDA graph records this
        function. See `PassTensors.work`.
        """
        timesteps, lengths, tokens, sharpness = self._facts[:, : shape.rows].unbind()
        latents, made = self._frames(self._latents, shape), self.made(shape)
        keys, values = self._contexts(shape)
        positions = self._transformer.positions(shape.frames)

        def run() -> None:
            contexts = ContextBatch(keys, values, below(tokens, shape.tokens), sharpness)
            made.copy_(self._transformer(latents, timesteps, contexts, below(lengths, shape.frames), positions))

        return run

    def made(self, shape: Shape) -> torch.Tensor:
        """Return the velocities that the last replay of the graph for this shape computed."""
        return self._frames(self._made, shape)

    def load_rows(self, shape: Shape, rows: Sequence[Row], facts: torch.Tensor) -> None:
        """Copy the latents of `rows`, padded with zeros, and their timesteps and lengths (`facts`) into the input
        tensors.
        """
        self._facts[:2, : shape.rows] = facts
        latents = self._frames(self._latents, shape)
        for index, row in enumerate(rows):
            fill(latents[index], row.latents[0], axis=-1)

    def load_contexts(self, shape: Shape, caches: Sequence[ContextCache]) -> None:
        """Copy the keys and values of the rows' contexts, padded with zeros, into the input tensors. The padding is
        zero because masked values must be finite.
        """
        sizes: list[list[float]] = [[cache.tokens for cache in caches], [cache.sharpness for cache in caches]]
        self._facts[2:, : shape.rows] = on_device(sizes, self._facts.device)
        keys, values = self._contexts(shape)
        for index, cache in enumerate(caches):
            fill(keys[:, index], cache.keys, axis=2)
            fill(values[:, index], cache.values, axis=2)

    def _frames(self, memory: torch.Tensor, shape: Shape) -> torch.Tensor:
        return beginning(memory, (shape.rows, *self._slab, shape.frames))

    def _contexts(self, shape: Shape) -> tuple[torch.Tensor, torch.Tensor]:
        layers, heads, width = self._cache
        sizes = (layers, shape.rows, heads, shape.tokens, width)
        return beginning(self._keys, sizes), beginning(self._values, sizes)

"""Records forward passes as CUDA graphs, for small shapes whose kernels take less time than their launches."""

from collections.abc import Sequence

import torch

from model.ace_step_15.networks.contexts import ContextBatch, ContextCache
from model.ace_step_15.networks.masks import below
from model.ace_step_15.networks.transformer import Transformer
from model.ace_step_15.sampling.trajectories import Row
from model.shared.networks.cuda_graphs import Recorder, Work, beginning, fill
from model.shared.networks.recorded_passes import RecordedPasses, Shape, shapes_within

BUCKET = 128
"""The number of frames in recorded passes is a multiple of this number, about five seconds of sound."""

LAUNCH_BOUND = 8 * BUCKET
"""Frames of all rows together, about 40 s of sound, above which launches take less time than the kernels, by estimate:
600 launches of 5 us, against 3.2 GFLOP for each of 512 tokens.
"""

TOKENS = (256, 512)
"""Numbers of context tokens for which passes are recorded; a shorter context is padded, which costs little time."""

SHAPES = shapes_within(LAUNCH_BOUND, BUCKET, (1, 2, 4), TOKENS)


class PassGraphs(RecordedPasses[ContextCache]):
    """Forward passes recorded as CUDA graphs for some shapes, with the graphs' input and output tensors."""

    def __init__(self, transformer: Transformer, record: Recorder, shapes: Sequence[Shape] = SHAPES) -> None:
        """Allocate the tensors of the forward passes, and record a CUDA graph for each of the `shapes`; see
        `RecordedPasses`.
        """
        self._tensors = _Tensors(transformer, shapes)
        super().__init__(self._tensors, record, shapes, BUCKET)

    def replay(self, shape: Shape, rows: Sequence[Row]) -> torch.Tensor:
        """Replay a recorded pass and return its velocities [rows, frames, channels]; velocities after the last frame of
        a row are meaningless.
        """
        return self.replayed(shape, [row.context for row in rows], lambda: self._tensors.load_rows(shape, rows))


class _Tensors:
    """Fixed input and output tensors of recorded passes; each shape uses the first elements of these tensors."""

    def __init__(self, transformer: Transformer, shapes: Sequence[Shape]) -> None:
        self._transformer = transformer
        config, device = transformer.config, transformer.device
        stack, self._channels = config.stack, config.channels
        self._cache = (len(config.sliding), stack.key_heads, stack.head_width)
        frames = max(shape.rows * shape.frames for shape in shapes) * config.channels
        tokens = max(shape.rows * shape.tokens for shape in shapes)
        contexts = tokens * len(config.sliding) * stack.key_heads * stack.head_width
        most = max(shape.rows for shape in shapes)
        self._latents, self._made = (torch.zeros(frames, device=device) for _ in range(2))
        self._given = torch.zeros(2 * frames, device=device)
        self._keys, self._values = (torch.zeros(contexts, device=device, dtype=transformer.dtype) for _ in range(2))
        self._times = torch.zeros(most, device=device)
        self._counts = torch.ones(2, most, device=device, dtype=torch.long)

    def work(self, shape: Shape) -> Work:
        """Return a function that runs the forward pass of a shape on the fixed tensors; a CUDA graph records this
        function. See `PassTensors.work`.
        """
        latents, made = self._frames(self._latents, shape), self.made(shape)
        given, (keys, values) = self._frames(self._given, shape, 2), self._contexts(shape)
        times, (lengths, tokens) = self._times[: shape.rows], self._counts[:, : shape.rows].unbind()

        def run() -> None:
            contexts = ContextBatch(keys, values, below(tokens, shape.tokens))
            made.copy_(self._transformer(latents, given, times, contexts, lengths))

        return run

    def made(self, shape: Shape) -> torch.Tensor:
        """Return the velocities that the last replay of the graph for this shape computed."""
        return self._frames(self._made, shape)

    def load_rows(self, shape: Shape, rows: Sequence[Row]) -> None:
        """Copy the noisy latents, source latents and masks of `rows`, padded with zeros, and their noise levels and
        lengths into the input tensors.
        """
        device = self._times.device
        self._times[: shape.rows] = torch.tensor([row.time for row in rows], device=device)
        self._counts[0, : shape.rows] = torch.tensor([row.latents.shape[0] for row in rows], device=device)
        latents, given = self._frames(self._latents, shape), self._frames(self._given, shape, 2)
        for index, row in enumerate(rows):
            fill(latents[index], row.latents, axis=0)
            fill(given[index], row.given, axis=0)

    def load_contexts(self, shape: Shape, caches: Sequence[ContextCache]) -> None:
        """Copy the keys and values of the rows' contexts, padded with zeros, into the input tensors. The padding is
        zero because masked values must be finite.
        """
        counts = [cache.tokens for cache in caches]
        self._counts[1, : shape.rows] = torch.tensor(counts, device=self._counts.device)
        keys, values = self._contexts(shape)
        for index, cache in enumerate(caches):
            fill(keys[:, index], cache.keys, axis=2)
            fill(values[:, index], cache.values, axis=2)

    def _frames(self, memory: torch.Tensor, shape: Shape, parts: int = 1) -> torch.Tensor:
        return beginning(memory, (shape.rows, shape.frames, parts * self._channels))

    def _contexts(self, shape: Shape) -> tuple[torch.Tensor, torch.Tensor]:
        blocks, heads, width = self._cache
        sizes = (blocks, shape.rows, heads, shape.tokens, width)
        return beginning(self._keys, sizes), beginning(self._values, sizes)

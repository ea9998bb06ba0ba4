"""Records whole forward passes as CUDA graphs, for shapes whose kernel launches take longer than the kernels."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.ace_step.networks.contexts import BUCKET, ContextBatch, ContextCache, below, on_device, rounded_up
from model.ace_step.networks.transformer import Transformer
from model.ace_step.sampling.trajectories import Row
from model.shared.networks.cuda_graphs import Recorder, Work, beginning, fill


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """Sizes of a forward pass: rows, frames and tokens."""

    rows: int
    frames: int
    tokens: int


ROWS = (1, 2, 4)
LAUNCH_BOUND = 12 * BUCKET
"""Frames of all rows together, about 70 s of sound, above which launches take less time than the kernels.

Longer passes are faster without the padding that a captured shape requires.
"""
TOKENS = (4 * BUCKET, 8 * BUCKET)
"""Captured context lengths; a shorter context is padded, which costs next to nothing."""

SHAPES = tuple(
    Shape(rows, frames, tokens)
    for rows in ROWS
    for frames in range(BUCKET, LAUNCH_BOUND // rows + 1, BUCKET)
    for tokens in TOKENS
)


class PassGraphs:
    """Forward passes recorded as CUDA graphs for some shapes, and their input and output tensors.

    All shapes share the same memory, as large as the largest needs, because only one is replayed at a time.
    """

    def __init__(self, transformer: Transformer, record: Recorder, shapes: Sequence[Shape] = SHAPES) -> None:
        """Record a pass for each of the `shapes`, the largest first, whose intermediate memory suffices for the
        others.
        """
        self._tensors = _Tensors(transformer, shapes)
        self._loaded: tuple[Shape, list[weakref.ref[ContextCache]]] | None = None
        largest_first = sorted(shapes, key=lambda shape: (-shape.rows * shape.frames, -shape.tokens))
        # Kept alive, because the recorded work reads their tensors at the same addresses.
        self._works = {shape: self._tensors.work(transformer, shape) for shape in largest_first}
        self._replays = {shape: record(work) for shape, work in self._works.items()}

    def find(self, rows: int, frames: int, tokens: int) -> Shape | None:
        """Return the smallest recorded shape with this number of rows and room for `frames` and `tokens`; `None` if
        there is none.

        Frames are rounded up at most to a multiple of `BUCKET`, because padding costs as much time as sound.
        """
        length = rounded_up(frames, BUCKET)
        fitting = (each for each in self._replays if (each.rows, each.frames) == (rows, length))
        return min((each for each in fitting if each.tokens >= tokens), default=None)

    def replay(self, shape: Shape, rows: Sequence[Row], facts: torch.Tensor) -> torch.Tensor:
        """Return the velocities [rows, channels, height, frames] of a pass; `facts` [2, rows] are timesteps and
        lengths.
        """
        caches = [row.context for row in rows]
        if not self._holds(shape, caches):
            self._tensors.load_contexts(shape, caches)
            self._loaded = shape, [weakref.ref(cache) for cache in caches]
        self._tensors.load_rows(shape, rows, facts)
        self._replays[shape]()
        return self._tensors.made(shape).clone()

    def _holds(self, shape: Shape, caches: Sequence[ContextCache]) -> bool:
        if self._loaded is None or self._loaded[0] != shape:
            return False
        return all(held() is cache for held, cache in zip(self._loaded[1], caches, strict=True))


class _Tensors:
    """The input and output tensors of recorded passes; each shape uses the beginning of them."""

    def __init__(self, transformer: Transformer, shapes: Sequence[Shape]) -> None:
        config, device = transformer.config, transformer.device
        self._slab = (config.channels, config.height)
        self._cache = (config.layers, config.heads, config.head_width)
        frames = max(shape.rows * shape.frames for shape in shapes) * config.channels * config.height
        contexts = max(shape.rows * shape.tokens for shape in shapes) * config.layers * config.width
        self._latents, self._made = (torch.zeros(frames, device=device) for _ in range(2))
        self._keys, self._values = (torch.zeros(contexts, device=device, dtype=transformer.dtype) for _ in range(2))
        self._facts = torch.zeros(4, max(shape.rows for shape in shapes), device=device)

    def work(self, transformer: Transformer, shape: Shape) -> Work:
        """Run a forward pass of this shape on the loaded inputs."""
        timesteps, lengths, tokens, sharpness = self._facts[:, : shape.rows].unbind()
        latents, made = self._frames(self._latents, shape), self.made(shape)
        keys, values = self._contexts(shape)
        positions = transformer.positions(shape.frames)

        def run() -> None:
            contexts = ContextBatch(keys, values, below(tokens, shape.tokens), sharpness)
            made.copy_(transformer(latents, timesteps, contexts, below(lengths, shape.frames), positions))

        return run

    def made(self, shape: Shape) -> torch.Tensor:
        """Return the velocities of the last forward pass of this shape."""
        return self._frames(self._made, shape)

    def load_rows(self, shape: Shape, rows: Sequence[Row], facts: torch.Tensor) -> None:
        """Copy the latents of `rows` into the input, followed by zeros, and `facts`."""
        self._facts[:2, : shape.rows] = facts
        latents = self._frames(self._latents, shape)
        for index, row in enumerate(rows):
            fill(latents[index], row.latents[0], axis=-1)

    def load_contexts(self, shape: Shape, caches: Sequence[ContextCache]) -> None:
        """Copy keys and values into the input, followed by zeros, because masked values must be finite, too."""
        told: list[list[float]] = [[cache.tokens for cache in caches], [cache.sharpness for cache in caches]]
        self._facts[2:, : shape.rows] = on_device(told, self._facts.device)
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

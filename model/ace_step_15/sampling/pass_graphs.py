"""Records whole forward passes as CUDA graphs, for shapes whose kernel launches cost more than the kernels."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.ace_step_15.networks.contexts import ContextBatch, ContextCache
from model.ace_step_15.networks.masks import below
from model.ace_step_15.networks.transformer import Transformer
from model.ace_step_15.sampling.trajectories import Row
from model.shared.networks.cuda_graphs import Recorder, Work, beginning, fill


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """Sizes of a pass: rows, latent frames of each, and tokens of each context."""

    rows: int
    frames: int
    tokens: int


BUCKET = 128
"""Captured passes have a multiple of so many frames, about five seconds of sound."""

LAUNCH_BOUND = 8 * BUCKET
"""Frames of all rows together, about 40 s of sound, above which launches take less time than the kernels, by estimate:
600 launches of 5 us, against 3.2 GFLOP for each of 512 tokens.
"""

TOKENS = (256, 512)
"""Captured context lengths; a shorter context is padded, which costs next to nothing."""

SHAPES = tuple(
    Shape(rows, frames, tokens)
    for rows in (1, 2, 4)
    for frames in range(BUCKET, LAUNCH_BOUND // rows + 1, BUCKET)
    for tokens in TOKENS
)


class PassGraphs:
    """Recorded passes of some shapes, and their input and output tensors.

    All shapes share the same memory, as large as the largest needs, because only one is replayed at a time.
    """

    def __init__(self, transformer: Transformer, record: Recorder, shapes: Sequence[Shape] = SHAPES) -> None:
        """Record a pass for each of the `shapes`, the largest first, whose intermediate memory suffices for the
        others.
        """
        self._tensors = _Tensors(transformer, shapes)
        self._loaded: tuple[Shape, list[weakref.ref[ContextCache]]] | None = None
        largest_first = sorted(shapes, key=lambda shape: (-shape.rows * shape.frames, -shape.tokens))
        # Kept for the tensors in them, which the recorded work reads where they were.
        self._works = {shape: self._tensors.work(transformer, shape) for shape in largest_first}
        self._replays = {shape: record(work) for shape, work in self._works.items()}

    def find(self, rows: int, frames: int, tokens: int) -> Shape | None:
        """Return the smallest recorded shape with this number of rows and room for `frames` and `tokens`; `None` if
        there is none. Frames are rounded up at most to a multiple of `BUCKET`, because padding costs as much time as
        sound.
        """
        length = -(-frames // BUCKET) * BUCKET
        fitting = (each for each in self._replays if (each.rows, each.frames) == (rows, length))
        return min((each for each in fitting if each.tokens >= tokens), default=None)

    def replay(self, shape: Shape, rows: Sequence[Row]) -> torch.Tensor:
        """Return the velocities [rows, frames, channels] of a pass; what lies beyond a row's own frames has no
        meaning.
        """
        caches = [row.context for row in rows]
        if not self._holds(shape, caches):
            self._tensors.load_contexts(shape, caches)
            self._loaded = shape, [weakref.ref(cache) for cache in caches]
        self._tensors.load_rows(shape, rows)
        self._replays[shape]()
        return self._tensors.made(shape).clone()

    def _holds(self, shape: Shape, caches: Sequence[ContextCache]) -> bool:
        if self._loaded is None or self._loaded[0] != shape:
            return False
        return all(held() is cache for held, cache in zip(self._loaded[1], caches, strict=True))


class _Tensors:
    """The memory that recorded passes read and write; each shape uses the beginning of it."""

    def __init__(self, transformer: Transformer, shapes: Sequence[Shape]) -> None:
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

    def work(self, transformer: Transformer, shape: Shape) -> Work:
        """Run a pass of this shape on the loaded inputs."""
        latents, made = self._frames(self._latents, shape), self.made(shape)
        given, (keys, values) = self._frames(self._given, shape, 2), self._contexts(shape)
        times, (lengths, tokens) = self._times[: shape.rows], self._counts[:, : shape.rows].unbind()

        def run() -> None:
            contexts = ContextBatch(keys, values, below(tokens, shape.tokens))
            made.copy_(transformer(latents, given, times, contexts, lengths))

        return run

    def made(self, shape: Shape) -> torch.Tensor:
        """Return the velocities of the last pass of this shape."""
        return self._frames(self._made, shape)

    def load_rows(self, shape: Shape, rows: Sequence[Row]) -> None:
        """Copy latents, sources and masks of `rows` into the input, followed by zeros, and their times and lengths."""
        device = self._times.device
        self._times[: shape.rows] = torch.tensor([row.time for row in rows], device=device)
        self._counts[0, : shape.rows] = torch.tensor([row.latents.shape[0] for row in rows], device=device)
        latents, given = self._frames(self._latents, shape), self._frames(self._given, shape, 2)
        for index, row in enumerate(rows):
            fill(latents[index], row.latents, axis=0)
            fill(given[index], row.given, axis=0)

    def load_contexts(self, shape: Shape, caches: Sequence[ContextCache]) -> None:
        """Copy keys and values into the input, followed by zeros, because masked values must be finite, too."""
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

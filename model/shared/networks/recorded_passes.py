"""Records forward passes of some shapes as CUDA graphs, and replays the smallest recorded pass that has room for the
rows of a batch.
"""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch

from model.shared.networks.cuda_graphs import Recorder, Work


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """Sizes of a forward pass: the number of rows, of latent frames per row, and of tokens in the context of
    each row.
    """

    rows: int
    frames: int
    tokens: int


def shapes_within(bound: int, bucket: int, rows: Sequence[int], tokens: Sequence[int]) -> tuple[Shape, ...]:
    """Return the shapes of forward passes with each of the numbers `rows` and `tokens`. The frames of each row are a
    multiple of `bucket`, and all rows together have at most `bound` frames.
    """
    return tuple(
        Shape(count, frames, length)
        for count in rows
        for frames in range(bucket, bound // count + 1, bucket)
        for length in tokens
    )


C = TypeVar("C")
C_contra = TypeVar("C_contra", contravariant=True)


class PassTensors(Protocol[C_contra]):
    """Protocol of the fixed input and output tensors of recorded passes; each shape uses the first elements of these
    tensors.
    """

    def work(self, shape: Shape) -> Work:
        """Return a function that runs a forward pass of this shape on the input tensors; a CUDA graph records this
        function.
        """

    def made(self, shape: Shape) -> torch.Tensor:
        """Return the velocities (the network's output) that the last forward pass of this shape computed."""

    def load_contexts(self, shape: Shape, caches: Sequence[C_contra]) -> None:
        """Copy the keys and values of each row's context (`caches`) into the input tensors."""


class RecordedPasses(Generic[C]):
    """Forward passes that are recorded as CUDA graphs for some shapes; the contexts of the rows have the type `C`.

    All shapes share the memory that the largest one needs, because only one graph is replayed at a time.
    """

    def __init__(self, tensors: PassTensors[C], record: Recorder, shapes: Sequence[Shape], bucket: int) -> None:
        """Record a pass for each of the `shapes`, the largest first, because its intermediate memory suffices for the
        others. The frames of all shapes are multiples of `bucket`.
        """
        self._passes = tensors
        self._bucket = bucket
        self._loaded: tuple[Shape, list[weakref.ref[C]]] | None = None
        largest_first = sorted(shapes, key=lambda shape: (-shape.rows * shape.frames, -shape.tokens))
        # The functions are stored, because the CUDA graphs read their tensors at the same addresses.
        self._works = {shape: tensors.work(shape) for shape in largest_first}
        self._replays = {shape: record(work) for shape, work in self._works.items()}

    def find(self, rows: int, frames: int, tokens: int) -> Shape | None:
        """Return the smallest recorded shape with exactly `rows` rows and room for `frames` latent frames and `tokens`
        context tokens in each row; `None` if there is none.

        Frames are rounded up only to the next multiple of the bucket, because a frame of padding takes as long to
        compute as a frame of sound.
        """
        length = -(-frames // self._bucket) * self._bucket
        fitting = (each for each in self._replays if (each.rows, each.frames) == (rows, length))
        return min((each for each in fitting if each.tokens >= tokens), default=None)

    def replayed(self, shape: Shape, caches: Sequence[C], load_rows: Callable[[], None]) -> torch.Tensor:
        """Replay a forward pass that was captured as a CUDA graph, and return its velocities. `caches` are the contexts
        of the rows, copied only if they differ from those of the last pass; `load_rows` copies the other inputs.
        """
        if not self._holds(shape, caches):
            self._passes.load_contexts(shape, caches)
            self._loaded = shape, [weakref.ref(cache) for cache in caches]
        load_rows()
        self._replays[shape]()
        return self._passes.made(shape).clone()

    def _holds(self, shape: Shape, caches: Sequence[C]) -> bool:
        if self._loaded is None or self._loaded[0] != shape:
            return False
        return all(held() is cache for held, cache in zip(self._loaded[1], caches, strict=True))

"""Decodes latent frames to sound window by window, with the same samples as in one pass."""

import itertools
from collections.abc import Callable, Iterator

import torch


def decoded_windows(
    decode: Callable[[torch.Tensor], torch.Tensor],
    frames: torch.Tensor,
    lengths: Iterator[int],
    *,
    context: int,
    hop: int,
    start: int = 0,
    end: int | None = None,
) -> Iterator[torch.Tensor]:
    """Yield the decoded samples of the latent `frames` [..., count] from `start` to `end`, in windows of `lengths`
    frames.

    `decode` returns `hop` samples for every frame, [..., hop * count], and each sample depends on at most `context`
    frames to either side. Each window is decoded with that context, whose samples are then cut off.
    """
    count = frames.shape[-1]
    stop = count if end is None else end
    while start < stop:
        window = min(stop - start, next(lengths))
        first, last = max(0, start - context), min(count, start + window + context)
        samples = decode(frames[..., first:last])
        yield samples[..., (start - first) * hop :][..., : window * hop]
        start += window


def growing_lengths(first: int, longest: int) -> Iterator[int]:
    """Yield window lengths in frames without end: first `first`, which is short so that sound starts early, then each
    twice the one before, up to `longest`.
    """
    growing = (first * 2**power for power in itertools.count())
    return itertools.chain(itertools.takewhile(lambda length: length < longest, growing), itertools.repeat(longest))

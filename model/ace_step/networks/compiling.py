"""Compiles blocks with torch: once for all shapes, and so that each number is read and written as rarely as can be."""

import torch
from torch import nn

FUSION = {
    # The depthwise convolution reads three frames of two channels, each behind its activation. With the usual limits
    # the compiler writes sums of a few of them to memory, in float32, and reads them again.
    "realize_reads_threshold": 64,
    "realize_acc_reads_threshold": 64,
    "realize_opcount_threshold": 256,
}
"""Limits on how much inductor puts into one kernel: beyond them it keeps what lies between in memory."""


def compile_block(block: nn.Module, backend: str) -> None:
    """Compile `block` at its first call, with no other sizes left open than those of `mark_sizes`."""
    block.compile(backend=backend, dynamic=False, options=dict(FUSION) if backend == "inductor" else None)


def mark_sizes(
    x: torch.Tensor,
    time: torch.Tensor,
    positions: tuple[torch.Tensor, torch.Tensor],
    mask: torch.Tensor | None,
    context: tuple[torch.Tensor, torch.Tensor],
    context_mask: torch.Tensor | None,
    *sharpness: torch.Tensor | None,
) -> None:
    """Leave rows, frames and tokens open in what a block is given: a block compiled for one size serves all.

    A size of 1 is always compiled in, so a single row stays a case of its own.
    """
    by_axes = (
        ((0, 1), (x, mask, context_mask)),
        ((0,), (time, *positions, *sharpness)),
        ((0, 2), context),
    )
    for axes, tensors in by_axes:
        for tensor in tensors:
            if tensor is not None:
                for axis in axes:
                    if tensor.shape[axis] > 1:
                        torch._dynamo.mark_dynamic(tensor, axis)

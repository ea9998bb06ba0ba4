"""Compiles transformer blocks with torch.compile, once for all tensor sizes, into few fused kernels."""

import torch
from torch import nn

FUSION = {
    # The depthwise convolution reads three frames of two channels, each after its activation. With the default limits
    # the compiler would write intermediate sums to memory, in float32, and read them again.
    "realize_reads_threshold": 64,
    "realize_acc_reads_threshold": 64,
    "realize_opcount_threshold": 256,
}
"""Limits on the operations that torch's compiler fuses into one kernel; beyond these limits, it writes intermediate
values to memory.
"""


def compile_block(block: nn.Module, backend: str) -> None:
    """Let torch compile `block` at its first call, with the compiler `backend`; only the tensor sizes that `mark_sizes`
    marks are dynamic.
    """
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
    """Mark the numbers of rows, frames and tokens in a block's inputs as dynamic for torch's compiler, so that the
    compiled block serves all sizes.

    torch always compiles a separate version for a single row.
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

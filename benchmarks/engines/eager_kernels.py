"""Counts the kernels of a pass in eager mode: every operator that is not a view is one kernel."""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from benchmarks.engines.kernels import ATTENTION, FLOAT32, PRODUCTS, Kernel
from model.ace_step.networks import attention

_aten = torch.ops.aten
_FREE = {_aten.detach, _aten._unsafe_view, _aten.empty, _aten.empty_like}


@torch.library.custom_op("melisma_bench::attention", mutates_args=())
def _attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    return torch.empty_like(q)


@_attention.register_fake
def _(q: torch.Tensor, _k: torch.Tensor, _v: torch.Tensor, _mask: torch.Tensor | None) -> torch.Tensor:
    return torch.empty_like(q)


@torch.library.custom_op("melisma_bench::rms_norm", mutates_args=())
def _rms_norm(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


@_rms_norm.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


@contextmanager
def kernels_of_a_gpu() -> Iterator[None]:
    """Context manager in which attention, normalisation and mixed-precision products are one operator each on the meta
    device, as on a GPU.
    """

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, attn_mask: torch.Tensor | None = None) -> Any:
        return _attention(q, k, v, attn_mask)

    def normalise(x: torch.Tensor, _shape: object, *, eps: float) -> Any:
        return _rms_norm(x)

    def multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return _aten.bmm.dtype(a, b, torch.float32)  # type: ignore[no-any-return]

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(F, "scaled_dot_product_attention", attend))
        stack.enter_context(mock.patch.object(F, "rms_norm", normalise))
        stack.enter_context(mock.patch.object(attention, "_product", multiply))
        yield


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records each operator that a GPU would launch."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kernels: list[Kernel] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and record the bytes and operations that it costs."""
        made = func(*args, **(kwargs or {}))
        packet = func._overloadpacket
        if not func.is_view and packet not in _FREE:
            given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
            outputs = [each for each in tree_leaves(made) if isinstance(each, torch.Tensor)]
            name = str(packet).removeprefix("aten.")
            self.kernels.append(
                Kernel(name, sum(map(_size, given + outputs)), *_arithmetic(packet, args, kwargs or {}, made))
            )
        return made


def _arithmetic(packet: Any, args: Any, kwargs: Any, made: Any) -> tuple[int, float]:
    """Return the number of floating-point operations of the operator `packet`, for its arguments and its result `made`,
    and the peak rate per second of such operations.
    """
    if packet is torch.ops.melisma_bench.attention:
        return 4 * args[0].numel() * args[1].shape[2], ATTENTION
    if packet is _aten.bmm and len(args) == 3:
        return 2 * made.numel() * args[0].shape[-1], PRODUCTS
    if (count := flop_registry.get(packet)) is None:
        return 0, PRODUCTS
    return int(count(*args, **kwargs, out_val=made)), PRODUCTS if args[0].dtype == torch.bfloat16 else FLOAT32


def _size(tensor: torch.Tensor) -> int:
    """Return the bytes of a tensor in memory; data repeated by a stride of 0 counts once."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    return math.prod(size for size, stride in sizes if stride != 0) * tensor.element_size()


def eager_kernels(work: Callable[[], object]) -> list[Kernel]:
    """Run `work` on the meta device and return its kernels."""
    operators = Operators()
    with torch.device("meta"), torch.no_grad(), kernels_of_a_gpu(), operators:
        work()
    return operators.kernels

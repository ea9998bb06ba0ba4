"""Finds the GPU kernels that torch.compile makes of a block, and the bytes that each of them reads and writes.

The memory accesses of a kernel come from the compiler's own scheduler. Each number counts once, however often the
kernel reads it, because repeated reads come from caches. Sizes that are dynamic in the service are dynamic here, too.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch._dispatch.python import enable_python_dispatcher
from torch._dynamo.source import ConstantSource
from torch._guards import TracingContext, tracing
from torch._inductor import config
from torch._inductor.compile_fx import compile_fx
from torch._inductor.exc import InductorError
from torch._inductor.graph import GraphLowering
from torch._inductor.scheduler import BaseSchedulerNode, ExternKernelSchedulerNode
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv
from torch.nn import functional as F
from torch.utils._pytree import tree_flatten, tree_unflatten

from benchmarks.engines.footprints import moved
from benchmarks.engines.kernels import ATTENTION, FLOAT32, PRODUCTS, Kernel
from benchmarks.engines.pretended_gpu import pretended_gpu
from model.ace_step.networks import attention
from model.ace_step.networks.compiling import FUSION

_aten = torch.ops.aten


class _Made(Exception):
    """Exception that stops the compiler once it has generated the kernels."""


def block_kernels(block: nn.Module, given: Sequence[Any]) -> list[Kernel]:
    """Return the kernels that torch.compile makes of `block` for arguments like `given`, on the meta device.

    Sizes that `torch._dynamo.mark_dynamic` has marked in them are dynamic.
    """
    tensors, structure = tree_flatten(given)
    weights = dict(block.named_parameters()) | dict(block.named_buffers())
    made: list[Kernel] = []

    def call(*flat: torch.Tensor) -> Any:
        named = dict(zip(weights, flat, strict=False))
        return torch.func.functional_call(block, named, tuple(tree_unflatten(list(flat[len(named) :]), structure)))

    mode = FakeTensorMode(shape_env=ShapeEnv())
    with ExitStack() as stack:
        device = stack.enter_context(pretended_gpu())
        stack.enter_context(mock.patch.object(F, "scaled_dot_product_attention", _attend))
        stack.enter_context(mock.patch.object(attention, "_product", _multiply))
        stack.enter_context(mock.patch.object(GraphLowering, "codegen", _noting(made)))
        stack.enter_context(config.patch(FUSION | {"fx_graph_cache": False}))
        stack.enter_context(torch.no_grad())
        stack.enter_context(mode)
        _compile(call, [*weights.values(), *tensors], mode, device)
    if not made:
        raise RuntimeError("torch.compile made no Triton kernels: run this on a CUDA device")
    return made


def _compile(
    call: Callable[..., Any], like: Sequence[torch.Tensor], mode: FakeTensorMode, device: torch.device
) -> None:
    """Compile `call` with inductor for fake tensors with the shapes of `like` on `device`, and stop when the kernels
    are generated.
    """
    symbols: dict[int, Any] = {}
    sizes = [_sizes(tensor, mode, symbols) for tensor in like]
    types = [tensor.dtype for tensor in like]
    here, there = ([_empty(s, t, d) for s, t in zip(sizes, types, strict=True)] for d in ("cpu", device))
    # Traced on the CPU: with fake tensors of a GPU, indexing would require a real GPU.
    with enable_python_dispatcher():
        traced = make_fx(call, tracing_mode="symbolic")(*here)
    for node in traced.graph.nodes:
        if "device" in node.kwargs:
            node.kwargs = {**node.kwargs, "device": device}
    traced.recompile()
    try:
        with tracing(TracingContext(mode)):
            compile_fx(traced, there)
    except InductorError as error:
        if not isinstance(error.inner_exception, _Made):
            raise


def _attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, attn_mask: torch.Tensor) -> torch.Tensor:
    """Return the output of the attention kernel that torch uses on a GPU with a mask."""
    bias = torch.where(attn_mask, 0.0, -math.inf).to(q.dtype).expand(*q.shape[:3], k.shape[2])
    made: torch.Tensor = _aten._scaled_dot_product_efficient_attention(q, k, v, bias, False)[0]
    return made


def _multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    made: torch.Tensor = _aten.bmm.dtype(a, b, torch.float32)
    return made


def _sizes(tensor: torch.Tensor, mode: FakeTensorMode, symbols: dict[int, Any]) -> list[Any]:
    """Return the shape of `tensor` with a symbol in place of each size that is marked as dynamic. `symbols` has the
    symbols of known sizes; new ones are added.
    """
    marked: set[int] = getattr(tensor, "_dynamo_dynamic_indices", set())
    return [_symbol(size, mode, symbols) if axis in marked else size for axis, size in enumerate(tensor.shape)]


def _symbol(size: int, mode: FakeTensorMode, symbols: dict[int, Any]) -> Any:
    if size not in symbols:
        assert mode.shape_env is not None
        source = ConstantSource(f"size_{size}")
        symbol = mode.shape_env.create_symbol(size, source, DimDynamic.DYNAMIC)
        symbols[size] = mode.shape_env.create_symintnode(symbol, hint=size, source=source)
    return symbols[size]


def _empty(sizes: Sequence[Any], dtype: torch.dtype, device: Any) -> torch.Tensor:
    return torch.empty(sizes, dtype=dtype, device=device)


def _noting(made: list[Kernel]) -> Any:
    codegen = GraphLowering.codegen

    def note(graph: GraphLowering) -> None:
        codegen(graph)
        made.extend(kernel for node in graph.scheduler.nodes if (kernel := _kernel(node)).bytes)
        raise _Made

    return note


def _kernel(node: BaseSchedulerNode) -> Kernel:
    touched = moved(node)
    if not isinstance(node, ExternKernelSchedulerNode):
        return Kernel(node.get_name(), touched)
    name = str(getattr(node.node, "python_kernel_name", None) or node.get_name()).removeprefix("extern_kernels.")
    return Kernel(name, touched, *_arithmetic(name, node.node))


def _arithmetic(name: str, node: Any) -> tuple[int, float]:
    """Return the number of floating-point operations of a library's kernel `name`, and the peak rate per second of such
    operations.
    """
    if "attention" in name:
        q, k = (_concrete(each) for each in node.inputs[:2])
        return 4 * math.prod(q) * k[2], ATTENTION
    if name not in {"addmm", "mm", "bmm", "baddbmm", "bmm_dtype"}:
        return 0, PRODUCTS
    first = node.inputs[1 if name in {"addmm", "baddbmm"} and len(node.inputs) > 2 else 0]
    rate = FLOAT32 if first.get_dtype() == torch.float32 else PRODUCTS
    return 2 * math.prod(_concrete(node)) * _concrete(first)[-1], rate


def _concrete(node: Any) -> list[int]:
    from torch._inductor.virtualized import V

    return [int(V.graph.sizevars.optimization_hint(size)) for size in node.get_size()]

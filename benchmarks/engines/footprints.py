"""Counts the bytes that a kernel of torch.compile reads and writes in its buffers, each element once."""

from typing import Any

import numpy as np
import sympy
from torch._inductor.dependencies import MemoryDep
from torch._inductor.scheduler import BaseSchedulerNode, ExternKernelSchedulerNode
from torch._inductor.virtualized import V

_SMALL = 6
"""Value for dynamic sizes when positions in memory are listed; the share that is accessed does not depend on it."""

_FUNCTIONS = {
    "FloorDiv": np.floor_divide,
    "ModularIndexing": lambda x, divisor, modulus: np.floor_divide(x, divisor) % modulus,
    "Mod": np.mod,
    "PythonMod": np.mod,
    "Max": np.maximum,
    "Identity": lambda x: x,
}


def moved(node: BaseSchedulerNode) -> int:
    """Return the number of bytes that the kernel `node` reads and writes. A library's kernel is assumed to access all
    its inputs and outputs.
    """
    accesses = node.get_read_write_buffer_accesses(include_reads=True, include_writes=True)
    if isinstance(node, ExternKernelSchedulerNode):
        return sum(map(int, accesses.values()))
    return sum(_bytes(node, name) for name in accesses)


def _bytes(node: BaseSchedulerNode, name: str) -> int:
    """Return the number of bytes of the buffer `name` that the kernel accesses."""
    buffer: Any = V.graph.name_to_buffer.get(name) or V.graph.graph_inputs[name]
    size = sympy.prod(buffer.get_size())
    places = [_places(dep) for dep in node.read_writes.reads_and_writes() if dep.name == name]
    there = np.unique(np.concatenate(places))
    small = int(_small(size))
    share = np.count_nonzero((there >= 0) & (there < small)) / small  # indices beyond the buffer are masked
    elements = int(V.graph.sizevars.optimization_hint(size))
    return round(share * elements * int(buffer.get_dtype().itemsize))


def _places(dep: Any) -> np.ndarray[Any, Any]:
    """Return the indices of the buffer's elements that one memory access reads or writes."""
    assert isinstance(dep, MemoryDep), dep
    ranges = {name: int(_small(size)) for name, size in dep.ranges.items()}
    grid = np.meshgrid(*map(np.arange, ranges.values()), indexing="ij", sparse=True)
    index = sympy.lambdify(list(ranges), _small(dep.index, keep=set(ranges)), [_FUNCTIONS, "numpy"])(*grid)
    return np.asarray(np.broadcast_to(index, tuple(ranges.values()))).ravel()


def _small(expression: Any, keep: frozenset[Any] | set[Any] = frozenset()) -> Any:
    """Return the symbolic `expression` with a small number in place of each dynamic size; symbols in `keep` stay."""
    expression = sympy.sympify(expression)
    return expression.subs(dict.fromkeys(expression.free_symbols - keep, _SMALL))

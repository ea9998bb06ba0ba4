"""Estimates the time that a GPU would need for a kernel from its bytes and operations (roofline model)."""

from collections.abc import Iterable
from dataclasses import dataclass

BYTES_PER_SECOND = 2.6e12
"""Memory bandwidth that large copies reach on an H100, whose nominal value is 3.35e12."""

PEAK = 989e12
"""Peak bfloat16 operations per second of an H100, according to the manufacturer."""

PRODUCTS = 0.70 * PEAK
"""Operations per second that large matrix products reach."""

ATTENTION = 0.45 * PEAK
"""Operations per second that softmax attention reaches."""

FLOAT32 = 0.75 * 67e12
"""Operations per second that float32 products reach without tensor cores."""

SHORTEST = 2.5e-6
"""Shortest time of a kernel in seconds."""

LAUNCH = 6.5e-6
"""Seconds that Python and the dispatcher need for an operator in eager mode."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel launch: bytes read and written, floating-point operations, and the peak rate for these operations."""

    name: str
    bytes: int
    operations: int = 0
    rate: float = PRODUCTS

    @property
    def seconds(self) -> float:
        """Estimated time on the device: the longest of memory access, arithmetic, and the minimum time of a launch."""
        return max(SHORTEST, self.bytes / BYTES_PER_SECOND, self.operations / self.rate)


@dataclass(frozen=True, slots=True)
class Sum:
    """Totals of the kernels of a forward pass: bytes, operations and seconds."""

    kernels: int
    bytes: int
    operations: int
    seconds: float

    @classmethod
    def of(cls, kernels: Iterable[Kernel]) -> "Sum":
        """Return the total bytes, operations and seconds of `kernels`."""
        each = list(kernels)
        return cls(len(each), sum(k.bytes for k in each), sum(k.operations for k in each), sum(k.seconds for k in each))

    def share(self, operations: int) -> float:
        """Return the achieved share, 0 to 1, of the GPU's peak rate, if only the required `operations` are counted."""
        return operations / PEAK / self.seconds

"""Data types of GPU measurements: the setup that a measuring function gets, and the measured values (figures) that it
yields.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

Value: TypeAlias = bool | int | float | str | list[str] | None

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Setup:
    """The device to measure ("cpu", "cuda:0"), and the size of its networks: full, or tiny if `small` is True."""

    small: bool
    device: str

    @property
    def on_gpu(self) -> bool:
        """True if the measured device is a CUDA GPU."""
        return self.device.startswith("cuda")

    def pick(self, full: _T, small: _T) -> _T:
        """Return `full` at full size, `small` with tiny networks."""
        return small if self.small else full


class Figure(NamedTuple):
    """One measured value with its name. `value` is `None` if there is no result; `note` then gives the reason.

    `failed` is True if measuring raised an error, which is then in `note`.
    """

    name: str
    value: Value
    note: str = ""
    failed: bool = False


def absent(name: str, why: str) -> Figure:
    """Return the `Figure` of a measurement that has no meaning on this device: its `name`, no value, and the reason
    `why`.
    """
    return Figure(name, None, why)


def guarded(name: str, figures: Iterator[Figure]) -> Iterator[Figure]:
    """Yield the measured values; if measuring one raises an error, yield a `Figure` called `name` with the error and
    end, so that the measurements after this call are still made.
    """
    try:
        yield from figures
    except Exception as error:
        yield Figure(name, None, f"{type(error).__name__}: {str(error)[:600]}", failed=True)

"""The setup that a part is given and the figures that it yields, one by one: a part that is cut off has told some."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

Value: TypeAlias = bool | int | float | str | list[str] | None

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Setup:
    """The device to measure ("cpu", "cuda:0"), and the size: full, or `small`, with tiny networks."""

    small: bool
    device: str

    @property
    def on_gpu(self) -> bool:
        """True on a GPU of the CUDA kind."""
        return self.device.startswith("cuda")

    def pick(self, full: _T, small: _T) -> _T:
        """The one of the two that this size takes."""
        return small if self.small else full


class Figure(NamedTuple):
    """One thing measured. `value` is `None` where there is nothing to tell; `note` then says why.

    `failed` is True where measuring raised an error, which `note` then holds.
    """

    name: str
    value: Value
    note: str = ""
    failed: bool = False


def absent(name: str, why: str) -> Figure:
    """A figure that means nothing here."""
    return Figure(name, None, why)


def guarded(name: str, figures: Iterator[Figure]) -> Iterator[Figure]:
    """The figures; an error among them becomes the figure `name`, so that others may follow."""
    try:
        yield from figures
    except Exception as error:
        yield Figure(name, None, f"{type(error).__name__}: {str(error)[:600]}", failed=True)

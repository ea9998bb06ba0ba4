"""Lets values go from process to process in little time."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


def crosses_quickly(cls: type[T]) -> type[T]:
    """Have a dataclass pickled as the call that makes it: of itself, if it is frozen, it goes field by field."""
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    values: Callable[[Any], Any] = attrgetter(*names)

    def reduced(self: T) -> tuple[type[T], tuple[Any, ...]]:
        return cls, values(self) if len(names) > 1 else (values(self),)

    cls.__reduce__ = reduced  # type: ignore[assignment, method-assign]
    return cls

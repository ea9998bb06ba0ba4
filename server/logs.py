"""The log, as every part of the server knows it: its format, and the fields that a task puts into each line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default=MappingProxyType({}))


class LogFormat(StrEnum):
    """Format of log lines; `AUTO` is `PLAIN` in a terminal and `JSON` elsewhere."""

    AUTO = "auto"
    PLAIN = "plain"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Logs:
    """Level and format of the log."""

    level: str = "info"
    format: LogFormat = LogFormat.AUTO


def bind(**fields: str) -> None:
    """Put fields into every line of the present task from here on: what it works on, such as its song and trace."""
    _bound.set({**_bound.get(), **fields})


def bound_fields() -> Mapping[str, str]:
    """The fields of the present task."""
    return _bound.get()


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Put fields into every line while the context lasts."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def without_words(text: str, *words: str) -> str:
    """`text` with every line of `words` taken out of it, as far as it stands there as it was written."""
    lines = {line.strip() for word in words for line in word.splitlines()}
    for line in sorted(lines, key=len, reverse=True):
        if len(line) > 1:
            text = text.replace(line, "...")
    return text

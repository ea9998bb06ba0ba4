"""Defines the formats of the log, and adds fields, such as the song's id, to each log line of a task."""

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
    """Add fields, such as the ids of song and trace, to every later log line of the present task."""
    _bound.set({**_bound.get(), **fields})


def bound_fields() -> Mapping[str, str]:
    """Return the fields that are added to each log line of the present task."""
    return _bound.get()


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Context manager in which the present task adds fields, such as the song's id, to each of its log lines."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def without_words(text: str, *words: str) -> str:
    """Return `text` with each line of `words` (prompt and lyrics) replaced by "...", to keep them out of the log."""
    lines = {line.strip() for word in words for line in word.splitlines()}
    for line in sorted(lines, key=len, reverse=True):
        if len(line) > 1:
            text = text.replace(line, "...")
    return text

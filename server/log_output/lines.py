"""Formats the server's log: plain text for a terminal, otherwise one JSON object per line."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from server.log_output.bounds import STANDARD_FIELDS, LogBounds
from server.logs import LogFormat, bound_fields

PLAIN_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: time (UTC), level, logger, message, bound and `extra` fields, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= _extra(record)
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class PlainFormatter(logging.Formatter):
    """Formats a record as text: time, level, logger, message, then `extra` fields as key=value."""

    def __init__(self) -> None:
        super().__init__(PLAIN_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is the standard library's)
        """Return the log line of a record, without its traceback."""
        extra = " ".join(f"{name}={value}" for name, value in _extra(record).items())
        return " ".join(filter(None, (super().formatMessage(record), extra)))


def configure_logs(
    level: str, log_format: LogFormat = LogFormat.AUTO, stream: TextIO | None = None, *, bounded: bool = True
) -> None:
    """Send all log records of at least `level` to `stream` (standard error if `None`), replacing earlier handlers.

    If `bounded`, the filter `LogBounds` limits the lines that callers can cause.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    if bounded:
        handler.addFilter(LogBounds())
    handler.setFormatter(_formatter(log_format, in_terminal=target.isatty()))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _formatter(log_format: LogFormat, *, in_terminal: bool) -> logging.Formatter:
    plain = log_format is LogFormat.PLAIN or (log_format is LogFormat.AUTO and in_terminal)
    return PlainFormatter() if plain else JsonFormatter()


def _extra(record: logging.LogRecord) -> dict[str, object]:
    own = {name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS}
    return {**bound_fields(), **own}

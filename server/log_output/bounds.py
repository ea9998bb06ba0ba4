"""Limits the amount of log lines that callers can cause in other libraries, or by calls without an API key.

Libraries log a line with its traceback for each input that they cannot parse, so callers who send such input could fill
the disk. Dropped lines are counted and reported.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

OWN = frozenset(("server", "model", "melisma_client", "benchmarks", "tests", "__main__"))
"""Packages whose log lines are never shortened, and are dropped only if they are about refused calls."""
TEXT_CHARACTERS = 400
TRACEBACK_CHARACTERS = 1_200
"""Most characters of a traceback in a log line; its end is kept, which has the error."""
BURST_BYTES = 4_000
BYTES_PER_SECOND = 100
CALLS_BURST_BYTES = 3_000
TELL_SECONDS = 10.0
"""Seconds from the first dropped line until the number of dropped lines is logged."""

_LINE_BYTES = 200
"""Assumed size, in bytes, of a log line without its message."""
_WITHOUT_KEY = frozenset(("UNAUTHENTICATED", "RESOURCE_EXHAUSTED", 401, 429))
STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@dataclass
class Budget:
    """Token bucket of one source of log lines, in bytes: at most `burst` at once, refilled by `bytes_per_second`. The
    bucket had `left` bytes at the time `refilled_at`, in seconds; `left_out` counts dropped lines.
    """

    burst: float
    bytes_per_second: float
    left: float
    refilled_at: float
    left_out: int = 0

    def takes(self, size: int, now: float) -> bool:
        """Take `size` bytes from the bucket at the time `now`, in seconds. If there are too few, count the line as
        dropped and return False.
        """
        self.left = min(self.burst, self.left + (now - self.refilled_at) * self.bytes_per_second)
        self.refilled_at = now
        if size > self.left:
            self.left_out += 1
            return False
        self.left -= size
        return True


class LogBounds(logging.Filter):
    """Log filter that passes all lines of Melisma's own packages, and limits those of other libraries in length and
    total size.

    Each library has its own budget of bytes, and so do the lines about calls that were refused because they have no
    valid key.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, tell_seconds: float = TELL_SECONDS) -> None:
        super().__init__()
        self._clock = clock
        self._report_seconds = tell_seconds
        self._budgets: dict[str, Budget] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if the line may be written. The line of another library is also shortened."""
        name = record.name.partition(".")[0]
        if name in OWN:
            if getattr(record, "code", None) not in _WITHOUT_KEY:
                return True
            return self._takes("calls refused", _LINE_BYTES, CALLS_BURST_BYTES)
        if _says_a_listener_left(record):
            return False
        _shorten(record)
        return self._takes(name, len(str(record.msg).encode()) + _LINE_BYTES, BURST_BYTES)

    def left_out(self) -> dict[str, int]:
        """Return the number of lines dropped since the last call of this method, by library, or by "calls refused"."""
        with self._lock:
            found = {name: budget.left_out for name, budget in self._budgets.items() if budget.left_out}
            for budget in self._budgets.values():
                budget.left_out = 0
        return found

    def report(self) -> None:
        """Log, for each logger whose lines were limited, how many of its lines were dropped."""
        with self._lock:
            self._timer = None
        for name, count in self.left_out().items():
            logging.getLogger("server.log_output.bounds").warning(
                "log lines of %s were dropped, as there were too many",
                name,
                extra={"of": name, "lines": count},
            )

    def _takes(self, name: str, size: int, burst: int) -> bool:
        with self._lock:
            now = self._clock()
            budget = self._budgets.setdefault(name, Budget(burst, BYTES_PER_SECOND, burst, now))
            taken = budget.takes(size, now)
            if not taken and self._timer is None:
                self._timer = threading.Timer(self._report_seconds, self.report)
                self._timer.daemon = True
                self._timer.start()
        return taken


def _says_a_listener_left(record: logging.LogRecord) -> bool:
    """Return True for gRPC's error line about a socket that closed during a write, which only means that a client has
    left.
    """
    return record.name == "grpc._cython.cygrpc" and "ExecuteBatchError raised in core" in str(record.msg)


def _shorten(record: logging.LogRecord) -> None:
    """Replace the content of a log record with printable text of limited length, without extra fields."""
    text = _bounded(record.getMessage(), TEXT_CHARACTERS)
    if record.exc_info and record.exc_info[0]:
        traceback_text = "".join(traceback.format_exception(*record.exc_info))
        text += "\n" + _printable(traceback_text[-TRACEBACK_CHARACTERS:])
    record.msg, record.args, record.exc_info, record.exc_text, record.stack_info = text, None, None, None, None
    for name in vars(record).keys() - STANDARD_FIELDS:
        delattr(record, name)


def _bounded(text: str, characters: int) -> str:
    more = len(text) - characters
    return _printable(text[:characters]) + (f"... ({more} characters more)" if more > 0 else "")


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)

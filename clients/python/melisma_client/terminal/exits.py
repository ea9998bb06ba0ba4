"""Exit statuses of the command, and the text that goes with them."""

import math
from enum import IntEnum

from rich.console import Console
from rich.markup import escape

from melisma_client.errors import (
    BrokenSong,
    DeadlineExceeded,
    DeadlineTooShort,
    InvalidRequest,
    MelismaError,
    NotFound,
    NotReady,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
)


class Exit(IntEnum):
    """What the exit status says."""

    DONE = 0
    FAILED = 1
    WRONG_REQUEST = 2
    NO_SERVER = 3
    FULL = 4
    OUT_OF_TIME = 5
    NOT_WHOLE = 6
    INTERRUPTED = 130
    READER_GONE = 141


_EXITS: dict[type[MelismaError], Exit] = {
    InvalidRequest: Exit.WRONG_REQUEST,
    NotFound: Exit.WRONG_REQUEST,
    NotReady: Exit.WRONG_REQUEST,
    Unauthenticated: Exit.WRONG_REQUEST,
    PermissionDenied: Exit.WRONG_REQUEST,
    QuotaExceeded: Exit.FULL,
    Unavailable: Exit.NO_SERVER,
    Overloaded: Exit.FULL,
    DeadlineTooShort: Exit.OUT_OF_TIME,
    DeadlineExceeded: Exit.OUT_OF_TIME,
    BrokenSong: Exit.NOT_WHOLE,
}

_HINTS: dict[type[MelismaError], str] = {
    Unavailable: "is a server running there? `make serve` starts one; --server names another",
    Unauthenticated: "--api-key-file, or the variable MELISMA_API_KEY, gives a key",
    QuotaExceeded: "the key allows no more for now; try again {when}",
    Overloaded: "the server is busy; try again {when}",
    DeadlineTooShort: "--timeout allows more time; with this one, try again {when}",
    DeadlineExceeded: "--timeout allows more time",
}


def explain(console: Console, error: MelismaError) -> Exit:
    """Prints the error and the way out of it; returns the status to end with."""
    violations = error.violations if isinstance(error, InvalidRequest) else ()
    text = "" if violations else f": {escape(str(error))}"
    tell(console, f"[red]{type(error).__name__}[/red]{text}")
    for violation in violations:
        tell(console, f"  {escape(violation.field)}: {escape(violation.description)}")
    if hint := _HINTS.get(type(error)):
        tell(console, f"  {hint.format(when=_when(error))}")
    return _EXITS.get(type(error), Exit.FAILED)


def tell(console: Console, text: str) -> None:
    """Prints one line, however long."""
    console.print(text, highlight=False, soft_wrap=True)


def _when(error: MelismaError) -> str:
    if isinstance(error, Overloaded) and error.retry_after_seconds is not None:
        return f"in about {math.ceil(error.retry_after_seconds)} s"
    return "a little later"

"""Handles termination signals like Ctrl-C: the song is cancelled on the server, and its file stays playable."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from melisma_client.terminal.exits import Exit


class Terminated(KeyboardInterrupt):
    """Raised in a process that gets a termination signal (SIGTERM, SIGHUP)."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Context manager in which Ctrl-C raises `KeyboardInterrupt`, and other termination signals raise `Terminated`.

    If the block does not catch the exception, it ends the process without a traceback, with the status
    `Exit.INTERRUPTED` or `Exit.TERMINATED`.
    """
    received: list[int] = []

    def terminate(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        received.append(number)
        raise Terminated

    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, terminate)
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as end:
        # The command-line library (typer) turns `Terminated` into the exit status of Ctrl-C.
        if isinstance(end, SystemExit) and end.code != Exit.INTERRUPTED:
            raise
        raise SystemExit(int(Exit.TERMINATED if received else Exit.INTERRUPTED)) from None


def silence_stdout() -> None:
    """Redirect standard output to the null device, so that the interpreter does not write to a closed pipe when it
    ends.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

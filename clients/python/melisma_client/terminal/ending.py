"""Ends a terminated command like an interrupted one: the song is cancelled, and the file stays playable."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from melisma_client.terminal.exits import Exit


class Terminated(KeyboardInterrupt):
    """The process was terminated by a signal (SIGTERM, SIGHUP)."""


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Context manager in which Ctrl-C raises `KeyboardInterrupt`, and other termination signals raise `Terminated`.

    If the block does not catch them, they end the process without a traceback, with `Exit.INTERRUPTED` or
    `Exit.TERMINATED`.
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
        # The command-line library treats every interruption as Ctrl-C.
        if isinstance(end, SystemExit) and end.code != Exit.INTERRUPTED:
            raise
        raise SystemExit(int(Exit.TERMINATED if received else Exit.INTERRUPTED)) from None


def silence_stdout() -> None:
    """Keep the interpreter from flushing standard output into a closed pipe when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

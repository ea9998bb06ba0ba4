"""The process that checks requests before their songs are accepted; it never loads torch.

python -P -m server.checking.checker DESCRIPTOR

DESCRIPTOR is the number of the file descriptor of the process's end of the server's pipe. One thread receives requests
and several check them, so that a short check runs beside a long one; one more thread ends the checks that take too
long.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from server.checking.checks import Checks
from server.checking.messages import Check, CheckerReady, CheckerSpec
from server.checking.time_limit import CheckThreads
from server.garbage import uncollected
from server.log_output.lines import configure_logs
from server.workers.pipes.blocking_pipe import BlockingPipe, ended_with_its_pipe
from server.workers.pipes.pipe import PipeClosed

_log = logging.getLogger(__name__)

_SWITCH_SECONDS = 0.001
_NICE = 5
"""Niceness of the checking process: if all processors are busy, a check gets a third of the processor time of a
worker.
"""


def main(descriptor: int) -> None:
    """Run a checking process on its end of the server's pipe.

    Reads a `CheckerSpec`, sends `CheckerReady`, and returns when the server closes the pipe. The process ignores
    signals, which the server handles. An unexpected end of one of its threads ends the process.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    pipe = BlockingPipe(descriptor)
    with suppress(PipeClosed):
        spec = pipe.receive()
        assert isinstance(spec, CheckerSpec)
        configure_logs(spec.logs.level, spec.logs.format)
        with uncollected():
            checks = Checks.load(spec.engines)
        sys.setswitchinterval(_SWITCH_SECONDS)
        threads = CheckThreads(checks.answer, pipe.send, spec.threads, spec.cpu_seconds, _or_die)
        pipe.send(CheckerReady())
        while True:
            threads.put(cast(Check, pipe.receive()))


def _or_die(body: Callable[[], None]) -> None:
    """Run `body`, the function of a thread, and end the process if it raises an error other than a closed pipe."""
    with ended_with_its_pipe(_log, "checking process"):
        body()


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""The worker process, which drives one device. Each of its lanes (command queues) receives a command, executes it and
sends one reply.

A worker does not know other devices, listeners or time limits; the server decides the order of songs.
"""

import logging
import signal
import sys
import threading
from typing import cast

from server.log_output.lines import configure_logs
from server.workers.execution.executor import CommandExecutor
from server.workers.execution.worker_start import limit_threads, started
from server.workers.messages import Command
from server.workers.pipes.blocking_pipe import BlockingPipe, ended_with_its_pipe
from server.workers.worker_spec import WorkerSpec

_log = logging.getLogger(__name__)

_SWITCH_SECONDS = 0.0005


def main(*descriptors: int) -> None:
    """Run a worker process, connected to the server by one pipe for each lane (command queue); `descriptors` are the
    file descriptors of the pipes.

    The function reads a `WorkerSpec` from the first pipe, loads engines, sends `Ready`, then executes the commands of
    each lane in its own thread. It returns when the server closes the pipes. The process ignores signals, because the
    server ends its workers. Any other end of a lane ends the process: a broken device, lack of memory while loading, a
    bug.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    first, *others = [BlockingPipe(descriptor) for descriptor in descriptors]
    with ended_with_its_pipe(_log, "worker"):
        spec = first.receive()
        assert isinstance(spec, WorkerSpec)
        configure_logs(spec.logs.level, spec.logs.format, bounded=False)  # engines log without a limit
        engines, ready = started(spec)
        first.send(ready)
        executor = CommandExecutor(engines)
        if others:
            # The threads of a Python process take turns; a denoising step must not wait long for its turn.
            sys.setswitchinterval(_SWITCH_SECONDS)
        for pipe in others:
            threading.Thread(target=_serve_lane, args=(pipe, executor, spec.threads), daemon=True).start()
        serve_commands(first, executor, spec.threads)


def serve_commands(pipe: BlockingPipe, executor: CommandExecutor, threads: int) -> None:
    """Execute the commands that arrive through a pipe, with `threads` compute threads, until the pipe is closed; then
    raise PipeClosed.
    """
    limit_threads(threads)
    while True:
        pipe.send(executor.handle(cast(Command, pipe.receive())))


def _serve_lane(pipe: BlockingPipe, executor: CommandExecutor, threads: int) -> None:
    with ended_with_its_pipe(_log, "worker"):
        serve_commands(pipe, executor, threads)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""The process that drives one device: each of its lanes receives a command, executes it and sends one reply.

It does not know other devices, listeners or time limits; the server decides the order of songs.
"""

import logging
import signal
import sys
import threading
from collections.abc import Mapping
from typing import cast

from threadpoolctl import threadpool_limits

from model.engine import Engine
from server.garbage import uncollected
from server.log_output.lines import configure_logs
from server.workers.blocking_pipe import BlockingPipe, ended_with_its_pipe
from server.workers.engine_loading import fingerprints, load_engines, ready_message
from server.workers.executor import CommandExecutor
from server.workers.messages import Command, WorkerSpec

_log = logging.getLogger(__name__)

_SWITCH_SECONDS = 0.0005


def main(*descriptors: int) -> None:
    """Run a worker process, connected to the server by one pipe for each lane.

    Reads a `WorkerSpec` from the first pipe, loads engines, sends `Ready`, then executes the commands of each lane in
    its own thread. Returns when the server closes the pipes. The process ignores signals, because the server ends its
    workers. Any other end of a lane ends the process: a broken device, lack of memory while loading, a bug.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    first, *others = [BlockingPipe(descriptor) for descriptor in descriptors]
    with ended_with_its_pipe(_log, "worker"):
        spec = first.receive()
        assert isinstance(spec, WorkerSpec)
        configure_logs(spec.logs.level, spec.logs.format, bounded=False)  # engines log without a limit
        with uncollected():
            engines, failures = load_engines(spec.engines, spec.device)
            sounds = _fingerprints(spec, engines)
        first.send(ready_message(engines, failures, sounds))
        executor = CommandExecutor(engines)
        if others:
            # The threads of an interpreter take turns; a denoising step must not wait long.
            sys.setswitchinterval(_SWITCH_SECONDS)
        for pipe in others:
            threading.Thread(target=_serve_lane, args=(pipe, executor, spec.threads), daemon=True).start()
        serve_commands(first, executor, spec.threads)


def _fingerprints(spec: WorkerSpec, engines: Mapping[str, Engine]) -> Mapping[str, str]:
    """Return the requested sound fingerprints, computed with as many threads as songs are."""
    wanted = {name: engine for name, engine in engines.items() if name in spec.fingerprinted}
    if wanted:
        _limit_threads(spec.threads)
    return fingerprints(wanted, spec.device)


def serve_commands(pipe: BlockingPipe, executor: CommandExecutor, threads: int) -> None:
    """Execute the commands that arrive through a pipe until the pipe is closed; then raises PipeClosed."""
    _limit_threads(threads)
    while True:
        pipe.send(executor.handle(cast(Command, pipe.receive())))


def _serve_lane(pipe: BlockingPipe, executor: CommandExecutor, threads: int) -> None:
    with ended_with_its_pipe(_log, "worker"):
        serve_commands(pipe, executor, threads)


def _limit_threads(threads: int) -> None:
    """Limit the compute threads for the calling thread, because some libraries count them per thread."""
    if not threads:
        return
    threadpool_limits(threads)
    # Only if torch is already loaded, because importing it takes seconds and not every engine uses it.
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

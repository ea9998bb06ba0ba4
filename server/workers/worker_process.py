"""The server's handle of one worker process on this computer."""

import asyncio
import dataclasses
import logging
import re
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from typing import cast

from server.child_process import child_environment, kill, start_module, wait_or_kill
from server.workers.base import WorkerDeath, WorkerDied
from server.workers.messages import Command, Lane, Ready, Reply
from server.workers.oom_kills import OomKills
from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.pipe import PipeClosed
from server.workers.worker_spec import WorkerSpec

_log = logging.getLogger(__name__)

_KILLED_SECONDS = 10.0
"""Seconds within which a killed process ends, unless the process is blocked in a call into the device driver."""

_ALLOCATOR_VARIABLES = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
_GROWING_SEGMENTS = "expandable_segments:True"


class WorkerProcess:
    """The server's handle of a worker that runs as a process on this computer, in a new Python interpreter.

    The worker process does not load gRPC, and the server does not load torch. The process ends when the server's ends
    of its pipes are closed, so it never runs longer than the server.
    """

    def __init__(self, spec: WorkerSpec, *, exchange_timeout_seconds: float, on_exit: Callable[[], None]) -> None:
        """Set up the handle of a worker process, which must reply to each command within `exchange_timeout_seconds`.
        `on_exit` is called on the event loop when the process has ended, unless `stop` ends it.
        """
        self._spec = spec
        self._exchange_timeout_seconds = exchange_timeout_seconds
        self._on_exit = on_exit
        self._pipes: dict[Lane, AsyncPipe] = {}
        self._process: Process | None = None
        self._exit_watch: asyncio.Task[None] | None = None
        self._exited = False
        self._killed = False

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The command queues (lanes) of the worker process."""
        return self._spec.lanes

    @property
    def distant(self) -> bool:
        """False: messages to the worker and back take a fraction of a millisecond."""
        return False

    @property
    def exited(self) -> bool:
        """True once the worker process has ended, unless `stop` ended it."""
        return self._exited

    @property
    def pid(self) -> int | None:
        """The process id of the worker; `None` before the start."""
        return self._process.pid if self._process is not None else None

    async def launch(self) -> None:
        """Start the worker process, which then loads its engines; `loaded` waits for the engines."""
        device, environment = seen_alone(self._spec.device, child_environment())
        with ExitStack() as far_ends:
            descriptors = [await self._open_pipe(lane, far_ends) for lane in self._spec.lanes]
            self._process = await start_module(
                "server.workers.worker", *descriptors, descriptors=descriptors, environment=environment
            )
        self._exit_watch = asyncio.create_task(self._watch(self._process), name=f"exit of {self._spec.device}")
        self._pipes[self._spec.lanes[0]].send(dataclasses.replace(self._spec, device=device))

    async def loaded(self, timeout_seconds: float) -> Ready:
        """Wait until the started worker process has loaded its engines, and return its first message.

        Raises:
            WorkerDied: the process has ended, or took longer than `timeout_seconds`.
        """
        ready = self._pipes[self._spec.lanes[0]].receive()
        return cast(Ready, await self._in_time(ready, timeout_seconds, "LOAD_TIMEOUT_SECONDS"))

    def send(self, command: Command, lane: Lane) -> None:
        """Send a command to a lane (command queue) of the worker, which executes its commands in order."""
        self._pipes[lane].send(command)

    async def receive(self, lane: Lane) -> Reply:
        """Wait for the next reply of a lane (command queue) of the worker, and return it.

        Raises:
            WorkerDied: the process has ended, or took longer than the time limit for replies.
        """
        reply = self._pipes[lane].receive()
        return cast(Reply, await self._in_time(reply, self._exchange_timeout_seconds, "EXCHANGE_TIMEOUT_SECONDS"))

    async def stop(self, grace_seconds: float) -> None:
        """Close the pipes of the worker, which ends the process; kill it if it still runs after `grace_seconds`.

        A process that the system cannot end is left running and logged.
        """
        for pipe in self._pipes.values():
            pipe.close()
        if self._exit_watch is not None:
            self._exit_watch.cancel()
        if self._process is not None:
            self._killed |= await wait_or_kill(self._process, grace_seconds, _KILLED_SECONDS, self._log_stuck)

    def death(self, kills: OomKills) -> WorkerDeath:
        """Return the cause of the end of a worker that had ended before `stop` was called. A kill for lack of memory is
        marked as explained in `kills`.
        """
        status = self._process.returncode if self._process is not None else None
        if self._killed or status is None:
            return WorkerDeath.UNRESPONSIVE
        if status == -signal.SIGKILL:
            return WorkerDeath.OUT_OF_MEMORY if kills.explain() else WorkerDeath.KILLED
        return WorkerDeath.CRASHED if status < 0 else WorkerDeath.EXITED

    async def _open_pipe(self, lane: Lane, far_ends: ExitStack) -> int:
        """Open the pipe of a lane (command queue); return the file descriptor of the worker's end, which `far_ends`
        closes in this process.
        """
        near, far = socket.socketpair()
        far_ends.enter_context(far)
        self._pipes[lane] = await AsyncPipe.open(near)
        return far.fileno()

    async def _watch(self, process: Process) -> None:
        await process.wait()
        self._exited = True
        self._on_exit()

    async def _in_time(self, answer: Awaitable[object], timeout_seconds: float, limit: str) -> object:
        """Wait for `answer`, a message of the worker, for at most `timeout_seconds`, and return it; a worker that is
        too slow is killed. `limit` is the name of the setting of that time in MELISMA_LIMITS, for the error text.
        Raises WorkerDied.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError:
            self._killed = True
            kill(self._process)
            raise WorkerDied(
                f"the worker of device {self._spec.device} did not answer within {timeout_seconds:g} seconds; if its "
                f"work takes longer, raise MELISMA_LIMITS__{limit}"
            ) from None
        except PipeClosed as error:
            raise WorkerDied(f"the worker process of device {self._spec.device} has ended") from error

    def _log_stuck(self) -> None:
        """Log that the worker process cannot be ended, because it is blocked in a call into the device driver."""
        _log.error(
            "process %s of device %s was killed but has not ended: it is stuck in the device driver and may still "
            "occupy memory of the device; see 'nvidia-smi' and the kernel's log",
            self.pid,
            self._spec.device,
        )


def seen_alone(device: str, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the name of a device inside a worker process that can see no other GPU, and the environment of that
    process.

    GPU N is the N-th of CUDA_VISIBLE_DEVICES, if that is set. If a process saw all GPUs, libraries that use the first
    visible one would occupy some hundred megabytes of its memory for each worker. For a GPU that is not in the list the
    environment is not changed, and the engine reports the error. Memory is allocated in expandable segments, because
    lengths of songs vary, unless PYTORCH_CUDA_ALLOC_CONF or PYTORCH_ALLOC_CONF says otherwise.
    """
    named = re.fullmatch(r"cuda(?::(\d+))?", device)
    if named is None:
        return device, dict(environment)
    is_set = any(name in environment for name in _ALLOCATOR_VARIABLES)
    defaults = {} if is_set else {_ALLOCATOR_VARIABLES[0]: _GROWING_SEGMENTS}
    number, listed = int(named[1] or 0), environment.get("CUDA_VISIBLE_DEVICES")
    cards = listed.split(",") if listed is not None else [*map(str, range(number + 1))]
    if number >= len(cards):
        return device, {**environment, **defaults}
    return "cuda:0", {**environment, **defaults, "CUDA_VISIBLE_DEVICES": cards[number].strip()}

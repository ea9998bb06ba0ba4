"""The server's handle of one worker process on this machine."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import cast

from server.workers.async_pipe import AsyncPipe
from server.workers.base import WorkerDied
from server.workers.messages import Command, Lane, Ready, Reply, WorkerSpec
from server.workers.pipe import PipeClosed


class WorkerProcess:
    """A worker in a process of its own: a fresh interpreter that imports the worker alone.

    Nothing of gRPC gets into it, and nothing of torch into the server. It ends when the server's ends of its pipes are
    closed, so that it never outlives the server.
    """

    def __init__(self, spec: WorkerSpec, *, exchange_timeout_seconds: float, on_exit: Callable[[], None]) -> None:
        """`on_exit` is called on the event loop when the process has ended, unless `stop` ends it."""
        self._spec = spec
        self._exchange_timeout_seconds = exchange_timeout_seconds
        self._on_exit = on_exit
        self._pipes: dict[Lane, AsyncPipe] = {}
        self._process: Process | None = None
        self._exit_watch: asyncio.Task[None] | None = None
        self._exited = False

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The queues of the process."""
        return self._spec.lanes

    @property
    def exited(self) -> bool:
        """True once the process has ended, unless `stop` ended it."""
        return self._exited

    @property
    def pid(self) -> int | None:
        """The process's number, once it is started."""
        return self._process.pid if self._process is not None else None

    async def start(self, load_timeout_seconds: float) -> Ready:
        """Start the process and wait until it has loaded what it can.

        Raises:
            WorkerDied: the process ended before, or took longer.
        """
        with ExitStack() as far_ends:
            descriptors = [await self._open_pipe(lane, far_ends) for lane in self._spec.lanes]
            self._process = await asyncio.create_subprocess_exec(
                *_command(descriptors), stdin=asyncio.subprocess.DEVNULL, pass_fds=descriptors, env=_environment()
            )
        self._exit_watch = asyncio.create_task(self._watch(self._process), name=f"exit of {self._spec.device}")
        first = self._pipes[self._spec.lanes[0]]
        first.send(self._spec)
        return cast(Ready, await self._in_time(first.receive(), load_timeout_seconds))

    def send(self, command: Command, lane: Lane) -> None:
        """Hand a command to a lane, which does its commands in order."""
        self._pipes[lane].send(command)

    async def receive(self, lane: Lane) -> Reply:
        """Wait for the next reply of a lane.

        Raises:
            WorkerDied: the process ended before, or took longer than the exchange timeout.
        """
        return cast(Reply, await self._in_time(self._pipes[lane].receive(), self._exchange_timeout_seconds))

    async def stop(self, grace_seconds: float) -> None:
        """End the process: by closing its pipes, and by force after `grace_seconds`. Nothing of it is left."""
        for pipe in self._pipes.values():
            pipe.close()
        if self._exit_watch is not None:
            self._exit_watch.cancel()
        if self._process is not None:
            await self._wait_or_kill(self._process, grace_seconds)

    async def _open_pipe(self, lane: Lane, far_ends: ExitStack) -> int:
        """Make the pipe of a lane; returns the descriptor of its far end, which `far_ends` closes."""
        near, far = socket.socketpair()
        far_ends.enter_context(far)
        self._pipes[lane] = await AsyncPipe.open(near)
        return far.fileno()

    async def _watch(self, process: Process) -> None:
        await process.wait()
        self._exited = True
        self._on_exit()

    async def _in_time(self, answer: Awaitable[object], timeout_seconds: float) -> object:
        try:
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError:
            self._kill()
            raise WorkerDied(f"it did not answer within {timeout_seconds:g} seconds") from None
        except PipeClosed as error:
            raise WorkerDied("its process ended") from error

    async def _wait_or_kill(self, process: Process, grace_seconds: float) -> None:
        """Wait until the process has ended; a wait that is cancelled ends it by force, too."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await process.wait()
        finally:
            if process.returncode is None:
                self._kill()
                await process.wait()

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()


def _command(descriptors: list[int]) -> list[str]:
    # With -P no file of the working directory is taken for a module.
    return [sys.executable, "-P", "-m", "server.workers.worker", *map(str, descriptors)]


def _environment() -> dict[str, str]:
    """The environment of the server. The import path carries everything that was added to the server's own."""
    places = (str(Path(entry).absolute()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}

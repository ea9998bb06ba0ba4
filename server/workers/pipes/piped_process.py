"""Runs a Python module as a child process that is connected to this process by a pipe."""

import asyncio
import socket
from asyncio.subprocess import Process
from collections.abc import Mapping

from server.child_process import kill, lean_environment, start_module, wait_or_kill
from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.pipe import PipeClosed


class ProcessEnded(Exception):
    """The child process has ended, or was not ready in time; the text gives the reason."""


class PipedProcess:
    """The server's handle of one child process, which a pipe connects to the server. The child process ends when the
    server's end of the pipe is closed, so it never runs longer than the server.
    """

    def __init__(self, module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> None:
        """Set up the handle of a process that runs the Python module `module`. Its command line has the file descriptor
        of its end of the pipe, then the `arguments`. The variables of `environment` are added to those of this process.
        """
        self._module = module
        self._environment = environment or {}
        self._arguments = arguments
        self._pipe: AsyncPipe | None = None
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id; `None` before the start."""
        return self._process.pid if self._process is not None else None

    async def start(self, spec: object, timeout_seconds: float) -> object:
        """Start the process, send `spec` (its start parameters) as the first message, and return the first message of
        the process.

        Raises:
            ProcessEnded: the process has ended, or did not answer within `timeout_seconds`.
        """
        near, far = socket.socketpair()
        with far:
            self._pipe = await AsyncPipe.open(near)
            self._process = await start_module(
                self._module,
                far.fileno(),
                *self._arguments,
                descriptors=[far.fileno()],
                environment={**lean_environment(), **self._environment},
            )
        self.send(spec)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self.receive()
        except TimeoutError:
            raise ProcessEnded(f"the process {self._module} was not ready within {timeout_seconds:g} seconds") from None

    def send(self, message: object) -> None:
        """Send a message to the process without waiting. If the process has ended, `receive` raises ProcessEnded."""
        if self._pipe is not None:
            self._pipe.send(message)

    async def receive(self) -> object:
        """Wait for the next message from the process, and return it.

        Raises:
            ProcessEnded: the process has ended.
        """
        if self._pipe is None:
            raise ProcessEnded(
                f"the process {self._module} was not started, so it sends no message. This is a bug: please report it"
            )
        try:
            return await self._pipe.receive()
        except PipeClosed as error:
            raise ProcessEnded(f"the process {self._module} has ended") from error

    def kill(self) -> None:
        """Kill the process; `receive` then raises ProcessEnded."""
        kill(self._process)

    async def stop(self, grace_seconds: float) -> None:
        """Close the pipe, which ends the process; kill it if it still runs after `grace_seconds`."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            await wait_or_kill(self._process, grace_seconds)

"""The server's handle of one encoder process on this machine."""

import asyncio
import socket
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from typing import cast

from server.encoders.base import EncoderDied
from server.encoders.messages import EncoderSpec, FromEncoder, ToEncoder
from server.workers.async_pipe import AsyncPipe
from server.workers.pipe import PipeClosed
from server.workers.worker_process import child_environment

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Keeps libraries from starting threads that only take turns: the matrices of an encoder are small."""


class EncoderProcess:
    """An encoder in a process of its own, which does not end with any worker.

    It ends when the server's end of its pipe is closed, so that it never outlives the server.
    """

    def __init__(self, address: str, spec: EncoderSpec) -> None:
        self._address = address
        self._spec = spec
        self._pipe: AsyncPipe | None = None
        self._process: Process | None = None

    @property
    def address(self) -> str:
        """The Unix socket to which workers send sound."""
        return self._address

    @property
    def pid(self) -> int | None:
        """The process's number, once it is started."""
        return self._process.pid if self._process is not None else None

    async def start(self, timeout_seconds: float) -> None:
        """Start the process and wait until it takes in sound.

        Raises:
            EncoderDied: the process ended before, or took longer.
        """
        near, far = socket.socketpair()
        with far:
            self._pipe = await AsyncPipe.open(near)
            self._process = await asyncio.create_subprocess_exec(
                *_command(far.fileno(), self._address),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                env={**child_environment(), **_ONE_THREAD},
            )
        self.send(self._spec)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.receive()
        except TimeoutError:
            raise EncoderDied(f"it was not ready within {timeout_seconds:g} seconds") from None

    def send(self, message: ToEncoder) -> None:
        """Hand it an order."""
        if self._pipe is not None:
            self._pipe.send(message)

    async def receive(self) -> FromEncoder:
        """Wait for what it tells next.

        Raises:
            EncoderDied: the process has ended.
        """
        if self._pipe is None:
            raise EncoderDied("it was not started")
        try:
            return cast(FromEncoder, await self._pipe.receive())
        except PipeClosed as error:
            raise EncoderDied("its process ended") from error

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self, grace_seconds: float) -> None:
        """End the process: by closing its pipe, and by force after `grace_seconds`. Nothing of it is left."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            await self._wait_or_kill(self._process, grace_seconds)

    async def _wait_or_kill(self, process: Process, grace_seconds: float) -> None:
        """Wait until the process has ended; a wait that is cancelled ends it by force, too."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await process.wait()
        finally:
            self.kill()
            await process.wait()


def _command(descriptor: int, address: str) -> list[str]:
    # With -P no file of the working directory is taken for a module.
    return [sys.executable, "-P", "-m", "server.encoders.encoder", str(descriptor), address]

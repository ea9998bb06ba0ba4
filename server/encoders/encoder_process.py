"""The server's handle of one encoder process on this machine."""

import asyncio
import socket
from asyncio.subprocess import Process
from typing import cast

from server.child_process import child_environment, kill, start_module, wait_or_kill
from server.encoders.base import EncoderDied
from server.encoders.messages import EncoderReady, EncoderSpec, FromEncoder, ToEncoder
from server.workers.async_pipe import AsyncPipe
from server.workers.pipe import PipeClosed

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
        self.sound = ""
        """Fingerprint of the encoding, once it is started; empty where it was not wanted."""

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
            self._process = await start_module(
                "server.encoders.encoder",
                far.fileno(),
                self._address,
                descriptors=[far.fileno()],
                environment={**child_environment(), **_ONE_THREAD},
            )
        self.send(self._spec)
        try:
            async with asyncio.timeout(timeout_seconds):
                ready = await self.receive()
        except TimeoutError:
            raise EncoderDied(f"it was not ready within {timeout_seconds:g} seconds") from None
        self.sound = cast(EncoderReady, ready).sound

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
        kill(self._process)

    async def stop(self, grace_seconds: float) -> None:
        """End the process: by closing its pipe, and by force after `grace_seconds`. Nothing of it is left."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            await wait_or_kill(self._process, grace_seconds)

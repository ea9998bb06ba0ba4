"""The server's handle of one encoder process on this machine."""

from typing import cast

from server.encoders.base import EncoderDied
from server.encoders.messages import EncoderReady, EncoderSpec, FromEncoder, ToEncoder
from server.workers.piped_process import PipedProcess, ProcessEnded


class EncoderProcess:
    """An encoder in a process of its own, which does not end with any worker."""

    def __init__(self, address: str, spec: EncoderSpec) -> None:
        self._address = address
        self._spec = spec
        self._process = PipedProcess("server.encoders.encoder", address)
        self.sound = ""
        """Fingerprint of the encoding, once it is started; empty where it was not wanted."""

    @property
    def address(self) -> str:
        """The Unix socket to which workers send sound."""
        return self._address

    @property
    def pid(self) -> int | None:
        """The process's number, once it is started."""
        return self._process.pid

    async def start(self, timeout_seconds: float) -> None:
        """Start the process and wait until it takes in sound.

        Raises:
            EncoderDied: the process ended before, or took longer.
        """
        try:
            ready = await self._process.start(self._spec, timeout_seconds)
        except ProcessEnded as error:
            raise EncoderDied(str(error)) from error
        self.sound = cast(EncoderReady, ready).sound

    def send(self, message: ToEncoder) -> None:
        """Hand it an order."""
        self._process.send(message)

    async def receive(self) -> FromEncoder:
        """Wait for what it tells next.

        Raises:
            EncoderDied: the process has ended.
        """
        try:
            return cast(FromEncoder, await self._process.receive())
        except ProcessEnded as error:
            raise EncoderDied(str(error)) from error

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    async def stop(self, grace_seconds: float) -> None:
        """End the process: by closing its pipe, and by force after `grace_seconds`. Nothing of it is left."""
        await self._process.stop(grace_seconds)

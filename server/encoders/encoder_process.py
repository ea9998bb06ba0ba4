"""Starts, commands and stops one encoder process on this computer, for the server."""

from typing import cast

from server.encoders.base import EncoderDied
from server.encoders.messages import EncoderReady, EncoderSpec, FromEncoder, ToEncoder
from server.workers.pipes.piped_process import PipedProcess, ProcessEnded


class EncoderProcess:
    """Handle of an encoder process on this computer, separate from the workers' processes."""

    def __init__(self, address: str, spec: EncoderSpec) -> None:
        self._address = address
        self._spec = spec
        self._process = PipedProcess("server.encoders.encoder", address)
        self.sound = ""
        """Fingerprint of the encoding, a hash that is equal for encoders that make the same bytes. It is empty before
        the encoder has started, or if it was not requested.
        """

    @property
    def address(self) -> str:
        """Path of the Unix socket to which workers send sound."""
        return self._address

    @property
    def pid(self) -> int | None:
        """Process id of the encoder; `None` before the process was started."""
        return self._process.pid

    async def start(self, timeout_seconds: float) -> None:
        """Start the encoder process and wait until it accepts sound.

        Raises:
            EncoderDied: the process ended before it accepted sound, or took longer than `timeout_seconds`.
        """
        try:
            ready = await self._process.start(self._spec, timeout_seconds)
        except ProcessEnded as error:
            raise EncoderDied(str(error)) from error
        self.sound = cast(EncoderReady, ready).sound

    def send(self, message: ToEncoder) -> None:
        """Send a command to the encoder process."""
        self._process.send(message)

    async def receive(self) -> FromEncoder:
        """Wait for the encoder's next message.

        Raises:
            EncoderDied: the process has ended.
        """
        try:
            return cast(FromEncoder, await self._process.receive())
        except ProcessEnded as error:
            raise EncoderDied(str(error)) from error

    def kill(self) -> None:
        """Kill the encoder process immediately."""
        self._process.kill()

    async def stop(self, grace_seconds: float) -> None:
        """Stop the encoder process by closing its pipe; kill it if it has not ended after `grace_seconds`."""
        await self._process.stop(grace_seconds)

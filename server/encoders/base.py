"""Protocols of an encoder process and of the pool that keeps encoders running; messages are their only means of
communication.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from server.encoders.messages import Encoded, EncodingFailed, FromEncoder, ToEncoder


class EncoderDied(Exception):
    """Error: an encoder process has ended, or was killed because it did not answer in time; the text gives the
    reason.
    """


class Encoder(Protocol):
    """Protocol of the server's handle of one encoder process, which receives the sound of songs on the socket at
    `address`.
    """

    @property
    def address(self) -> str:
        """Address of the Unix socket to which workers send sound."""

    @property
    def pid(self) -> int | None:
        """The id of the encoder's process; `None` if it does not run in a process of its own."""

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, equal for encoders that produce the same bytes from the same sound.

        Available once the encoder has started; empty if no fingerprint was requested.
        """

    async def start(self, timeout_seconds: float) -> None:
        """Start the encoder process and wait until it accepts sound.

        Raises:
            EncoderDied: the process ended before it accepted sound, or took longer than `timeout_seconds`.
        """

    def send(self, message: ToEncoder) -> None:
        """Send a command to the encoder without waiting. If the encoder has ended, `receive` raises EncoderDied."""

    async def receive(self) -> FromEncoder:
        """Wait for the encoder's next message.

        Raises:
            EncoderDied: the encoder has ended.
        """

    def kill(self) -> None:
        """Kill the encoder process; `receive` then raises EncoderDied."""

    async def stop(self, grace_seconds: float) -> None:
        """Stop the encoder process by closing its pipe; kill it if it has not ended after `grace_seconds`."""


NewEncoder: TypeAlias = Callable[[str], Encoder]
"""Function that returns an encoder, not started yet, for an unused address."""


class EncoderPoolObserver(Protocol):
    """Protocol of the object that receives the messages of a pool's encoders, on the event loop."""

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        """Handle a message with encoded events of a song, or with an error; the song may have been closed before."""

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        """Handle the death of the encoder of these songs: all encoded sound that was not sent to the server is lost.

        Each song is already assigned to another encoder, or waits for one. The new encoder needs the song's sound from
        the beginning.
        """

    def encoder_restarted(self) -> None:
        """Record that the pool is about to start a new encoder in place of a lost one."""

    def encoders_changed(self) -> None:
        """Handle the start, the death or the failed start of an encoder; songs may have been assigned to another
        encoder.
        """


class EncoderPool(Protocol):
    """Protocol of a pool that keeps encoder processes running and assigns each song to the least loaded one."""

    @property
    def count(self) -> int:
        """Number of encoders that the pool keeps running."""

    @property
    def ready(self) -> bool:
        """True while an encoder is running."""

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, a hash that is equal for all encoders that make the same bytes. It is empty
        while no encoder is running, or if it was not requested.
        """

    @property
    def unavailable(self) -> bool:
        """True if no encoder is running and each has failed to start several times; the server should then fail waiting
        songs.
        """

    def require(self) -> None:
        """Raise an error unless an encoder is running.

        Raises:
            EngineNotReady: no encoder has started yet.
            WorkerLost: all encoders are being restarted.
        """

    def all_starts_failed(self) -> bool:
        """Return True if no encoder is running and each has failed to start many times; the server should then be
        restarted.
        """

    async def settled(self) -> None:
        """Wait until every encoder is running or has failed to start once."""

    def enter(self, song_id: str) -> None:
        """Assign a song to an encoder, now or when an encoder starts; the assignment lasts until `leave` is called."""

    def leave(self, song_id: str) -> None:
        """Remove a song from the pool; its encoder drops the sound of the song that it has received."""

    def address_of(self, song_id: str) -> str | None:
        """Return the address of the encoder to which a song is assigned; `None` while the song waits for an encoder."""

    def address_for(self, song_id: str, device: str) -> str | None:
        """Return the address to which a worker of `device` must send a song's sound from now on; `None` while the song
        waits for an encoder.
        """

    async def run(self, observer: EncoderPoolObserver) -> None:
        """Keep the encoders running and pass their messages to `observer`, until cancelled; then stop them."""

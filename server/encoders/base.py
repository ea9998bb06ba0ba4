"""Defines the protocols of encoders and of the pool that keeps them running; they exchange only messages."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from server.encoders.messages import Encoded, EncodingFailed, FromEncoder, ToEncoder


class EncoderDied(Exception):
    """An encoder process has ended, or was killed because it did not answer in time; the text gives the reason."""


class Encoder(Protocol):
    """Protocol of one encoder process, which receives the sound of songs at its `address`, a Unix socket."""

    @property
    def address(self) -> str:
        """The Unix socket to which workers send sound."""

    @property
    def pid(self) -> int | None:
        """The id of the encoder's process; `None` if it does not run in a process of its own."""

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, which is equal for encoders that produce the same bytes; available once the
        encoder has started; empty if it was not requested.
        """

    async def start(self, timeout_seconds: float) -> None:
        """Start the encoder and wait until it accepts sound.

        Raises:
            EncoderDied: the process ended before, or took too long.
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
        """Stop the encoder by closing its pipe; kill it after `grace_seconds`."""


NewEncoder: TypeAlias = Callable[[str], Encoder]
"""Function that makes an encoder, not started yet, at an unused address."""


class EncoderPoolObserver(Protocol):
    """Protocol of the object that receives the messages of a pool's encoders, on the event loop."""

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        """Handle encoded events of a song, which may have been closed meanwhile."""

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        """Handle the death of the encoder of these songs: all encoded sound that was not sent yet is lost.

        The songs are already assigned to another encoder, or wait for one, which needs their sound from the beginning.
        """

    def encoder_restarted(self) -> None:
        """Record that the pool is about to start an encoder in place of a lost one."""

    def encoders_changed(self) -> None:
        """Record that an encoder has started, has died, or could not be started; songs may have got another encoder."""


class EncoderPool(Protocol):
    """Protocol: keeps encoder processes running, and assigns each song to the least loaded one."""

    @property
    def count(self) -> int:
        """The number of encoders in the pool."""

    @property
    def ready(self) -> bool:
        """True while an encoder is running."""

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, equal for all encoders; empty while no encoder is running, or if it was not
        requested.
        """

    @property
    def unavailable(self) -> bool:
        """True if no encoder is running and each has failed to start several times, so that waiting songs should
        fail.
        """

    def require(self) -> None:
        """Raise an error unless an encoder is running.

        Raises:
            EngineNotReady: no encoder has started yet.
            WorkerLost: all encoders are being restarted.
        """

    def all_starts_failed(self) -> bool:
        """Return True if no encoder is running and each has failed to start many times, so that the server should be
        restarted.
        """

    async def settled(self) -> None:
        """Wait until every encoder is running or has failed to start once."""

    def enter(self, song_id: str) -> None:
        """Assign a song to an encoder, now or when one starts, until `leave` is called."""

    def leave(self, song_id: str) -> None:
        """Remove a song; its encoder drops the sound that it has of the song."""

    def address_of(self, song_id: str) -> str | None:
        """Return the address to which the song's sound is sent; `None` while the song waits for an encoder."""

    def address_for(self, song_id: str, device: str) -> str | None:
        """Return the address to which a worker of `device` sends the song's sound from now on; `None` while the song
        waits for an encoder.
        """

    async def run(self, observer: EncoderPoolObserver) -> None:
        """Keep the encoders running and pass their messages to `observer`, until cancelled; then stop them."""

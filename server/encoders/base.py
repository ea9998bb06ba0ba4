"""Protocols of encoders and of the pool that keeps them running, in terms of messages only."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from server.encoders.messages import Encoded, EncodingFailed, FromEncoder, ToEncoder


class EncoderDied(Exception):
    """An encoder has ended, or was killed because it did not answer in time; the text says which."""


class Encoder(Protocol):
    """One encoder, which takes in the sound of songs at its `address`, a Unix socket."""

    @property
    def address(self) -> str:
        """The Unix socket to which workers send sound."""

    @property
    def pid(self) -> int | None:
        """The number of its process; `None` where it has none of its own."""

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, once the encoder has started; empty if it was not requested."""

    async def start(self, timeout_seconds: float) -> None:
        """Start the encoder and wait until it accepts sound.

        Raises:
            EncoderDied: it ended before, or took longer.
        """

    def send(self, message: ToEncoder) -> None:
        """Send an order without waiting. `receive` raises if the encoder has ended."""

    async def receive(self) -> FromEncoder:
        """Wait for the encoder's next message.

        Raises:
            EncoderDied: it has ended.
        """

    def kill(self) -> None:
        """Kill the encoder; `receive` then raises."""

    async def stop(self, grace_seconds: float) -> None:
        """Stop the encoder by closing its pipe; kill it after `grace_seconds`."""


NewEncoder: TypeAlias = Callable[[str], Encoder]
"""Makes an encoder, not started yet, at an unused address."""


class EncoderPoolObserver(Protocol):
    """Receives the messages of a pool's encoders. The pool calls it on the event loop."""

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        """An encoder sends events of a song, which may have been closed meanwhile."""

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        """The encoder of these songs has died, and what it has not sent is lost.

        They have another encoder by now, or wait for one; their sound is needed from the beginning.
        """

    def encoder_restarted(self) -> None:
        """An encoder was lost, and the pool is about to start another in its place."""

    def encoders_changed(self) -> None:
        """An encoder has started, has died, or could not be started: the addresses of songs may have changed."""


class EncoderPool(Protocol):
    """Keeps encoders running, and assigns each song to the least loaded one."""

    @property
    def count(self) -> int:
        """The number of encoders."""

    @property
    def ready(self) -> bool:
        """True while an encoder is up."""

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, equal for all encoders; empty while none is up, or if it was not requested."""

    @property
    def unavailable(self) -> bool:
        """True if no encoder is up, and each has failed to start several times: songs should not wait."""

    def require(self) -> None:
        """Check that an encoder is up.

        Raises:
            EngineNotReady: none has come up yet.
            WorkerLost: all of them are being restarted.
        """

    def all_starts_failed(self) -> bool:
        """True if no encoder is up, and each has failed to start many times."""

    async def settled(self) -> None:
        """Wait until every encoder is up, or has failed to start once."""

    def enter(self, song_id: str) -> None:
        """Assign the song to an encoder, now or when one starts, until `leave`."""

    def leave(self, song_id: str) -> None:
        """Remove the song; its encoder drops what it has of it."""

    def address_of(self, song_id: str) -> str | None:
        """The address to which the song's sound is sent; `None` while it waits for an encoder."""

    async def run(self, observer: EncoderPoolObserver) -> None:
        """Keep the encoders running and pass their messages to `observer`, until cancelled; then stop them."""

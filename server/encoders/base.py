"""Protocols of encoders and of the pool that keeps them alive, in terms of messages only."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from server.encoders.messages import Encoded, EncodingFailed, FromEncoder, ToEncoder


class EncoderDied(Exception):
    """An encoder has ended, or was ended because it did not answer in time; the text says which."""


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
        """Fingerprint of the encoding, once it is started; empty where it was not wanted."""

    async def start(self, timeout_seconds: float) -> None:
        """Start it and wait until it takes in sound.

        Raises:
            EncoderDied: it ended before, or took longer.
        """

    def send(self, message: ToEncoder) -> None:
        """Hand it an order without waiting. An encoder that has ended is noticed by `receive`."""

    async def receive(self) -> FromEncoder:
        """Wait for what it tells next.

        Raises:
            EncoderDied: it has ended.
        """

    def kill(self) -> None:
        """End it at once; `receive` tells it."""

    async def stop(self, grace_seconds: float) -> None:
        """End it: by closing its pipe, and by force after `grace_seconds`. Nothing of it is left."""


NewEncoder: TypeAlias = Callable[[str], Encoder]
"""Makes an encoder that is not started yet, for an address that no other one has."""


class EncoderPoolObserver(Protocol):
    """Takes what the encoders of a pool tell. The pool calls it on the event loop."""

    def encoded(self, message: Encoded | EncodingFailed) -> None:
        """An encoder tells of a song, which may have been closed meanwhile."""

    def encoder_lost(self, song_ids: Sequence[str]) -> None:
        """The encoder of these songs has died, and what it has not told of them is lost.

        They have another encoder by now, or wait for one; their sound is needed from its beginning.
        """

    def encoder_restarted(self) -> None:
        """An encoder was lost, and the pool is about to start another in its place."""

    def encoders_changed(self) -> None:
        """An encoder has come up, was lost, or could not be started: songs may have an address now, or none."""


class EncoderPool(Protocol):
    """Keeps encoders alive, and gives each song the one that has the fewest."""

    @property
    def count(self) -> int:
        """The number of encoders."""

    @property
    def ready(self) -> bool:
        """True while an encoder is up."""

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, that of every encoder; empty while none is up, or where it was not wanted."""

    @property
    def unavailable(self) -> bool:
        """True if no encoder is up, and each has failed to start several times: songs should not wait for one."""

    def require(self) -> None:
        """Check that an encoder is up.

        Raises:
            EngineNotReady: none has come up yet.
            WorkerLost: all of them are being restarted.
        """

    def all_starts_failed(self) -> bool:
        """True if no encoder is up, and none could be started for many times."""

    async def settled(self) -> None:
        """Wait until every encoder is up, or has failed to start once."""

    def enter(self, song_id: str) -> None:
        """Give a song an encoder, now or when one comes up, until `leave`."""

    def leave(self, song_id: str) -> None:
        """Let the song's encoder drop what it has of it."""

    def address_of(self, song_id: str) -> str | None:
        """The address to which the sound of a song goes; `None` while it waits for an encoder."""

    async def run(self, observer: EncoderPoolObserver) -> None:
        """Keep the encoders up and tell `observer` what they tell, until cancelled. Then nothing of them is left."""

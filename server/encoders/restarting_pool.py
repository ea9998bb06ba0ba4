"""Base class of pools that keep a fixed number of encoders running and restart each when it dies."""

import asyncio
import logging
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from server.background import in_background
from server.encoders.assignments import Assignments
from server.encoders.base import Encoder, EncoderDied, EncoderPoolObserver
from server.encoders.messages import CloseSong, Encoded, EncoderPing, EncodingFailed
from server.errors import EngineNotReady, WorkerLost

_log = logging.getLogger(__name__)

_MAX_BACKOFF_SECONDS = 30.0
_END_GRACE_SECONDS = 2.0
_HEAD_START_SECONDS = 5.0
_GIVEN_UP_STARTS, _HOPELESS_STARTS = 3, 5
_OF_SONGS = (Encoded, EncodingFailed)


class RestartingEncoders(ABC):
    """Keeps encoder processes running, and assigns each song to one of them; subclasses create the encoders."""

    def __init__(
        self,
        encoders: int,
        *,
        answer_timeout_seconds: float = 10.0,
        start_timeout_seconds: float = 60.0,
        restart_backoff_seconds: float = 0.25,
    ) -> None:
        """Set up a pool of `encoders` processes. An encoder that does not answer a ping within `answer_timeout_seconds`
        is replaced.

        The pause before a restart is `restart_backoff_seconds`, and doubles with every failed start.
        """
        self._answer_timeout_seconds = answer_timeout_seconds
        self._start_timeout_seconds = start_timeout_seconds
        self._restart_backoff_seconds = restart_backoff_seconds
        self._failed_starts: dict[int, int | None] = dict.fromkeys(range(encoders))
        self._assignments = Assignments()
        self._settled = asyncio.Event()
        self._first_tried = asyncio.Event()
        self._message_counts: Counter[str] = Counter()
        self.up: dict[str, Encoder] = {}
        """The running encoders by their address."""

    @property
    def count(self) -> int:
        """Number of encoders that the pool keeps running."""
        return len(self._failed_starts)

    @property
    def ready(self) -> bool:
        """True while an encoder is running."""
        return bool(self.up)

    @property
    def sound(self) -> str:
        """Fingerprint of the encoding, a hash that is equal for all encoders that make the same bytes. It is empty
        while no encoder is running, or if it was not requested.
        """
        return next((encoder.sound for encoder in self.up.values()), "")

    @property
    def unavailable(self) -> bool:
        """True if no encoder is running and each has failed to start several times; the server should then fail waiting
        songs.
        """
        return self._all_failed(_GIVEN_UP_STARTS)

    def pids(self) -> list[int | None]:
        """Return the process ids of the running encoders; `None` for one whose process has no id on this computer."""
        return [encoder.pid for encoder in self.up.values()]

    def require(self) -> None:
        """Raise an error unless an encoder is running.

        Raises:
            EngineNotReady: no encoder has started yet.
            WorkerLost: all encoders are being restarted.
        """
        if self.up:
            return
        if not self._settled.is_set():
            raise EngineNotReady("the encoder of songs is still being started: try again in a moment")
        raise WorkerLost("the encoder of songs is being restarted: try again in a moment")

    def all_starts_failed(self) -> bool:
        """Return True if no encoder is running and each has failed to start many times; the server should then be
        restarted.
        """
        return self._all_failed(_HOPELESS_STARTS)

    async def settled(self) -> None:
        """Wait until every encoder is running or has failed to start once."""
        await self._settled.wait()

    def enter(self, song_id: str) -> None:
        """Assign a song to an encoder, now or when an encoder starts; the assignment lasts until `leave` is called."""
        self._assignments.enter(song_id)

    def leave(self, song_id: str) -> None:
        """Remove a song from the pool; its encoder drops the sound of the song that it has received."""
        address = self._assignments.leave(song_id)
        if address is not None:
            self.up[address].send(CloseSong(song_id))

    def address_of(self, song_id: str) -> str | None:
        """Return the address of the encoder to which a song is assigned; `None` while the song waits for an encoder."""
        return self._assignments.home_of(song_id)

    def address_for(self, song_id: str, device: str) -> str | None:
        """Return the address to which a worker of `device` must send a song's sound from now on; `None` while the song
        waits for an encoder.
        """
        return self._assignments.home_of(song_id)

    async def run(self, observer: EncoderPoolObserver) -> None:
        """Keep the encoders running and pass their messages to `observer`, until cancelled; then stop them."""
        async with asyncio.TaskGroup() as drivers:
            for number in self._failed_starts:
                drivers.create_task(self._drive(number, observer), name=f"drive encoder {number}")

    async def _drive(self, number: int, observer: EncoderPoolObserver) -> None:
        if number > 0:
            # One encoder is enough at first. The others start later, when the workers and the first need less CPU.
            with suppress(TimeoutError):
                async with asyncio.timeout(_HEAD_START_SECONDS):
                    await self._first_tried.wait()
        while True:
            try:
                # The folder is accessible only to the server's user.
                with tempfile.TemporaryDirectory(prefix="melisma-encoder-") as folder:
                    await self._serve_one(number, self._new_encoder(number, str(Path(folder) / "socket")), observer)
            except EncoderDied as error:
                _log.error(
                    "encoder process %d has ended and is restarted; its songs are encoded again: %s", number, error
                )
            except Exception:
                # A bug must not leave the server without an encoder until its restart.
                _log.exception(
                    "encoder process %d failed because of a bug of the server, and is restarted: please report this "
                    "traceback",
                    number,
                )
            self._first_tried.set()
            observer.encoder_restarted()
            seconds = self._restart_backoff_seconds * 2.0 ** (self._failed_starts[number] or 0)
            await asyncio.sleep(min(seconds, _MAX_BACKOFF_SECONDS))

    async def _serve_one(self, number: int, encoder: Encoder, observer: EncoderPoolObserver) -> None:
        """Start an encoder and forward its messages until it ends; then stop it."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(encoder.stop, _END_GRACE_SECONDS)
            await self._start(number, encoder, observer)
            stack.callback(self._lose, encoder, observer)
            self.up[encoder.address] = encoder
            self._assignments.up(encoder.address)
            self._settle()
            self._first_tried.set()
            observer.encoders_changed()
            await stack.enter_async_context(in_background(self._watch(encoder)))
            await self._pass_on(encoder, observer)

    @abstractmethod
    def _new_encoder(self, number: int, address: str) -> Encoder:
        """Return a new encoder, not started yet, for place `number` of the pool; `address` is an unused path on this
        computer.
        """

    async def _start(self, number: int, encoder: Encoder, observer: EncoderPoolObserver) -> None:
        try:
            await encoder.start(self._start_timeout_seconds)
        except EncoderDied:
            self._failed_starts[number] = (self._failed_starts[number] or 0) + 1
            self._settle()
            observer.encoders_changed()
            raise
        self._failed_starts[number] = 0

    async def _pass_on(self, encoder: Encoder, observer: EncoderPoolObserver) -> None:
        while True:
            message = await encoder.receive()
            self._message_counts[encoder.address] += 1
            if isinstance(message, _OF_SONGS):
                observer.encoded(message)

    async def _watch(self, encoder: Encoder) -> None:
        """Ping an encoder periodically; kill it if it has sent no message for the answer timeout."""
        seen = -1
        while self._message_counts[encoder.address] != seen:
            seen = self._message_counts[encoder.address]
            encoder.send(EncoderPing())
            await asyncio.sleep(self._answer_timeout_seconds)
        _log.error(
            "the encoder process at %s did not answer within %g seconds: it is killed and restarted",
            encoder.address,
            self._answer_timeout_seconds,
        )
        encoder.kill()

    def _lose(self, encoder: Encoder, observer: EncoderPoolObserver) -> None:
        del self.up[encoder.address], self._message_counts[encoder.address]
        lost = self._assignments.down(encoder.address)
        if lost:
            observer.encoder_lost(lost)
        observer.encoders_changed()

    def _all_failed(self, starts: int) -> bool:
        return not self.up and all((failed or 0) >= starts for failed in self._failed_starts.values())

    def _settle(self) -> None:
        if all(failed is not None for failed in self._failed_starts.values()):
            self._settled.set()

"""The stream of one song for blocking code: its events, or only its sound."""

import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import grpc

from melisma.v1.music_pb2 import AudioChunk, SongFinished
from melisma_client.connection import CANCELLED_HERE
from melisma_client.errors import Cancelled, ConnectionLost, MelismaError, error_of
from melisma_client.files import sink_at
from melisma_client.receiver import Event, Receiver, Response
from melisma_client.song_stream import SongStream, StreamRequest


class SongCall(Protocol):
    """Protocol of a gRPC call that streams the messages of a song."""

    def __next__(self) -> Response: ...

    def cancel(self) -> bool: ...


class Song:
    """The stream of a song. Iterate over its events or its `audio()`, or `save` it to a file. It can be read only once.

    The call is made when the first event is read. Leaving the `with` block early cancels a song from `generate`, but
    only stops listening to one from `listen`. `received` has the plan, the final event and the number of bytes received
    so far.
    """

    def __init__(
        self,
        stream: SongStream,
        open_call: Callable[[StreamRequest, float], SongCall],
        cancel_remote: Callable[[str], None] = lambda song_id: None,
    ) -> None:
        """Set up the stream. `open_call` makes the gRPC call for a request with a timeout in seconds; `cancel_remote`
        cancels the song with the given id on the server.
        """
        self._stream = stream
        self._open_call = open_call
        self._cancel_remote = cancel_remote
        self._over = False
        self._call: SongCall | None = None
        self._cancelled = threading.Event()
        self._events = self._receive()

    @property
    def received(self) -> Receiver:
        """The part of the song (events and number of bytes) that has arrived so far."""
        return self._stream.received

    def __iter__(self) -> Iterator[Event]:
        """Iterate over the events in order, `SongFinished` last.

        After a broken connection the client connects again, and the song continues at the same byte if the server still
        has it. A song that is lost before its first sound is requested again with the same seed; `SongAccepted` and the
        following events then come once more.

        Raises:
            MelismaError: the song was refused or cannot be completed; see `melisma_client.errors`.
        """
        return self._events

    def audio(self) -> Iterator[bytes]:
        """Iterate over the song's MP3 bytes, chunk by chunk; the chunks received so far are always playable. Raises the
        same errors as the iteration over events.
        """
        return (event.data for event in self._events if isinstance(event, AudioChunk))

    def save(self, path: str | Path) -> SongFinished:
        """Write the song to `path`, under the name `<path>.part` until its last byte has arrived and was verified.

        A device or FIFO is written to as the song arrives.

        Raises:
            MelismaError: the same errors as in the iteration over events.
            OSError: `path` cannot be written, or another song is being written to it; no song was requested yet.
            ValueError: the suffix of `path` is that of another sound format.
        """
        with sink_at(path) as file:
            for data in self.audio():
                file.write(data)
            finished = self.received.close()
            file.complete()
        return finished

    def cancel(self) -> None:
        """Cancel the song on the server and end the stream, from any thread; a pending read of an event raises
        `Cancelled`.
        """
        self._cancelled.set()
        if self._call is not None:
            self._call.cancel()
        if self.received.accepted and not self._over:
            self._over = True
            self._cancel_remote(self.received.accepted.song_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cancel()

    def _receive(self) -> Generator[Event, None, None]:
        try:
            while not self.received.finished:
                try:
                    yield from self._attempt()
                except (grpc.RpcError, ConnectionLost) as failure:
                    error = failure if isinstance(failure, MelismaError) else self._error_of(failure)
                    wait = self._stream.wait_seconds(error)
                    self._cancelled.wait(wait)
            self._over = True
        except (GeneratorExit, KeyboardInterrupt, Cancelled):
            raise
        except BaseException:
            self._over = True
            raise
        finally:
            self.cancel()

    def _attempt(self) -> Generator[Event, None, None]:
        if not self._cancelled.is_set():
            self._call = self._open_call(self._stream.request, self._stream.remaining_seconds)
        while (response := self._read()) is not None:
            if event := self.received.take(response):
                yield event
        if not self.received.finished:
            raise ConnectionLost(
                "the stream ended before the song was complete: listen to the song again from the last byte"
            )

    def _error_of(self, failure: grpc.RpcError) -> MelismaError:
        return Cancelled(CANCELLED_HERE) if self._cancelled.is_set() else error_of(failure)

    def _read(self) -> Response | None:
        if self._call is None or self._cancelled.is_set():
            raise Cancelled(CANCELLED_HERE)
        return next(self._call, None)

"""Encodes the songs of an encoder process, one window after another, and sends the resulting events to the server."""

import time
import traceback
from collections.abc import Callable, Sequence

from server.audio.codecs.base import EncoderFactory
from server.encoders.messages import CloseSong, Encoded, EncoderPing, EncoderPong, EncodingFailed, FromEncoder
from server.encoders.song_inbox import EncodeWindow, EndSection, Work
from server.encoders.song_queues import QueuesStopped, SongQueues
from server.encoders.song_stream import SongStream
from server.logs import bound
from server.song import Chunk, SongCompleted
from server.workers.sound.messages import OpenSong

_GATHERING_SECONDS = 0.02
_BEGINNING_CHUNKS = 8


class EncodingLoop:
    """Encodes all songs of the process; only the thread that calls `run` encodes.

    While more work waits, chunks from the middle of songs are collected for some milliseconds and sent together,
    because every message costs processor time of the server.
    """

    def __init__(
        self,
        queues: SongQueues,
        factory: EncoderFactory,
        send: Callable[[Sequence[FromEncoder]], None],
        producer: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the encoding loop; `clock` returns monotonic seconds."""
        self._queues = queues
        self._producer = producer
        self._factory = factory
        self._send = send
        self._clock = clock
        self._unsent: list[FromEncoder] = []
        self._unsent_since = 0.0
        self._streams: dict[str, SongStream] = {}

    def run(self) -> None:
        """Encode until the queues are stopped.

        Raises:
            PipeClosed: the server has closed the pipe.
        """
        while True:
            try:
                taken = self._queues.take_now()
                if taken is None:
                    self._send_all()
                    taken = self._queues.take()
            except QueuesStopped:
                return
            match taken:
                case CloseSong(song_id):
                    self._streams.pop(song_id, None)
                case EncoderPing():
                    self._queue_message(EncoderPong())
                case (song_id, work):
                    with bound(song_id=song_id):
                        self._queue_message(self._encoded(song_id, work))

    def _queue_message(self, message: FromEncoder) -> None:
        now = self._clock()
        if not self._unsent:
            self._unsent_since = now
        self._unsent.append(message)
        if not _can_wait(message) or now >= self._unsent_since + _GATHERING_SECONDS:
            self._send_all()

    def _send_all(self) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            self._send(unsent)

    def _encoded(self, song_id: str, work: Work) -> FromEncoder:
        """Encode one window and return its events. An error fails only that song."""
        try:
            encoded = self._do(song_id, work)
        except Exception as error:
            self._end(song_id)
            return EncodingFailed(song_id, "".join(traceback.format_exception(error)))
        if encoded.events and isinstance(encoded.events[-1], SongCompleted):
            self._end(song_id)
        return encoded

    def _do(self, song_id: str, work: Work) -> Encoded:
        start_ns, started = time.time_ns(), time.perf_counter()
        if isinstance(work, OpenSong):
            self._streams[song_id] = SongStream(work, self._factory, self._producer)
        stream = self._streams[song_id]
        events = tuple(stream.do(work))
        seconds = time.perf_counter() - started
        return Encoded(
            song_id,
            events,
            stream.digest,
            work.seconds if isinstance(work, EncodeWindow) else 0.0,
            seconds,
            start_ns,
            time.time_ns(),
            work.index if isinstance(work, EndSection) else None,
        )

    def _end(self, song_id: str) -> None:
        self._queues.close(song_id)
        self._streams.pop(song_id, None)


def _can_wait(message: FromEncoder) -> bool:
    """Return True if a chunk may be sent later: it comes from the middle of a song whose listener still has sound
    buffered, and more work waits.
    """
    if not isinstance(message, Encoded) or message.seconds >= _GATHERING_SECONDS:
        return False
    return all(isinstance(event, Chunk) and event.sequence >= _BEGINNING_CHUNKS for event in message.events)

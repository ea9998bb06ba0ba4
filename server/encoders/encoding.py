"""Encodes the songs of an encoder process, one piece after another, and tells the server what came of each."""

import time
import traceback
from collections.abc import Callable

from server.audio.codecs.base import EncoderFactory
from server.encoders.messages import CloseSong, Encoded, EncoderPing, EncoderPong, EncodingFailed, FromEncoder
from server.encoders.song_inbox import EncodeWindow, EndSection, Work
from server.encoders.song_queues import QueuesStopped, SongQueues
from server.encoders.song_stream import SongStream
from server.logs import bound
from server.song import SongCompleted
from server.workers.sound.messages import OpenSong


class EncodingLoop:
    """Does the work of all songs; `run` is the one thread that encodes."""

    def __init__(
        self,
        queues: SongQueues,
        factory: EncoderFactory,
        send: Callable[[FromEncoder], None],
        producer: str | None = None,
    ) -> None:
        self._queues = queues
        self._producer = producer
        self._factory = factory
        self._send = send
        self._streams: dict[str, SongStream] = {}

    def run(self) -> None:
        """Encode until the queues are stopped.

        Raises:
            PipeClosed: nobody takes the events any more.
        """
        while True:
            try:
                taken = self._queues.take()
            except QueuesStopped:
                return
            match taken:
                case CloseSong(song_id):
                    self._streams.pop(song_id, None)
                case EncoderPing():
                    self._send(EncoderPong())
                case (song_id, work):
                    with bound(song_id=song_id):
                        self._send(self._encoded(song_id, work))

    def _encoded(self, song_id: str, work: Work) -> FromEncoder:
        """Do a piece of work. A fault of a song ends that song alone."""
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

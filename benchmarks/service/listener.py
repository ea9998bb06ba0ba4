"""Requests a song and records the arrival time of every chunk."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, TypeAlias

import grpc.aio
from google.protobuf.duration_pb2 import Duration

from melisma.v1 import music_pb2

GENERATE = "/melisma.v1.MusicService/Generate"
SONG_TIMEOUT_SECONDS = 600.0
STALL_SECONDS = 0.1
"""Shortest pause in seconds that counts as a stall."""

Reader: TypeAlias = Callable[[bytes], music_pb2.SongEvent]
"""Function that extracts the event from a response message of the stream of Generate, given as bytes."""


@dataclass(slots=True)
class Heard:
    """The chunks that one listener received; `arrivals` are pairs of a chunk's arrival time in seconds since the
    request and its start in seconds from the start of the song.
    """

    name: str
    seed: int = 0
    plan: music_pb2.SongPlan = field(default_factory=music_pb2.SongPlan)
    finished: music_pb2.SongFinished = field(default_factory=music_pb2.SongFinished)
    sections: list[music_pb2.SectionFinished] = field(default_factory=list)
    arrivals: list[tuple[float, float]] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    total_seconds: float = 0.0
    estimated_first_audio_seconds: float | None = None
    estimated_finish_seconds: float | None = None

    @property
    def first_audio_seconds(self) -> float:
        """Time from the request to the first chunk."""
        return self.arrivals[0][0]

    @property
    def stall_seconds(self) -> float:
        """Total time without sound of a player that starts with the first chunk and never stops."""
        late = 0.0
        for arrival, position in self.arrivals:
            late = max(late, arrival - self.first_audio_seconds - position)
        return late


def played_at_once(songs: Sequence[tuple[float, Heard]]) -> int:
    """Return the largest number of songs that were played at once; each song comes with the time of its request."""
    changes: list[tuple[float, int]] = []
    for asked_at, heard in songs:
        start = asked_at + heard.first_audio_seconds
        changes += [(start, 1), (start + heard.finished.duration_seconds + heard.stall_seconds, -1)]
    return max(accumulate(change for _, change in sorted(changes)))


def in_response(data: bytes) -> music_pb2.SongEvent:
    """Return the event in a response message of the stream."""
    return music_pb2.GenerateResponse.FromString(data).event


def events(
    channel: grpc.aio.Channel, request: music_pb2.GenerateRequest, timeout: float, read: Reader = in_response
) -> AsyncIterator[music_pb2.SongEvent]:
    """Request a song and yield its events; the call ends after `timeout` seconds. `read` extracts the event from the
    bytes of a response.
    """
    generate = channel.unary_stream(GENERATE, music_pb2.GenerateRequest.SerializeToString, read)
    found: AsyncIterator[music_pb2.SongEvent] = aiter(generate(request, timeout=timeout))
    return found


async def listen(
    channel: grpc.aio.Channel, name: str, request: music_pb2.GenerateRequest, read: Reader = in_response
) -> Heard:
    """Request one song and receive it to its end; return its chunks with their times, under the name `name`."""
    heard, started = Heard(name), time.monotonic()
    async for event in events(channel, request, SONG_TIMEOUT_SECONDS, read):
        _note(heard, event, time.monotonic() - started)
    heard.total_seconds = time.monotonic() - started
    return heard


def _note(heard: Heard, event: music_pb2.SongEvent, now: float) -> None:
    match event.WhichOneof("event"):
        case "accepted":
            heard.seed = event.accepted.seed
            heard.estimated_first_audio_seconds = _seconds(event.accepted, "estimated_first_audio")
            heard.estimated_finish_seconds = _seconds(event.accepted, "estimated_finish")
        case "plan":
            heard.plan = event.plan
        case "chunk":
            heard.arrivals.append((now, event.chunk.start_seconds))
            heard.data += event.chunk.data
        case "section_finished":
            heard.sections.append(event.section_finished)
        case "finished":
            heard.finished = event.finished


def _seconds(
    accepted: music_pb2.SongAccepted, name: Literal["estimated_first_audio", "estimated_finish"]
) -> float | None:
    if not accepted.HasField(name):
        return None
    duration: Duration = getattr(accepted, name)
    return duration.ToTimedelta().total_seconds()

"""One listener: asks for a song and notes when every piece of it came."""

import time
from dataclasses import dataclass, field
from typing import Literal

import grpc.aio
from google.protobuf.duration_pb2 import Duration

from melisma.v1 import music_pb2, music_pb2_grpc

SONG_TIMEOUT_SECONDS = 600.0


@dataclass(slots=True)
class Heard:
    """What one listener received; times in seconds since the request, audio positions in seconds of the song."""

    name: str
    seed: int = 0
    plan: music_pb2.Plan = field(default_factory=music_pb2.Plan)
    finished: music_pb2.Finished = field(default_factory=music_pb2.Finished)
    sections: list[music_pb2.SectionFinished] = field(default_factory=list)
    arrivals: list[tuple[float, float]] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    total_seconds: float = 0.0
    told_first_audio_seconds: float | None = None
    told_finish_seconds: float | None = None

    @property
    def first_audio_seconds(self) -> float:
        """Time from the request to the first chunk."""
        return self.arrivals[0][0]

    @property
    def stall_seconds(self) -> float:
        """How long a player that starts with the first chunk and never stops would have run dry in all."""
        late = 0.0
        for arrival, position in self.arrivals:
            late = max(late, arrival - self.first_audio_seconds - position)
        return late


async def listen(channel: grpc.aio.Channel, name: str, request: music_pb2.GenerateRequest) -> Heard:
    """Receive one song to its end."""
    heard, started = Heard(name), time.monotonic()
    async for response in music_pb2_grpc.MusicServiceStub(channel).Generate(request, timeout=SONG_TIMEOUT_SECONDS):
        _note(heard, response, time.monotonic() - started)
    heard.total_seconds = time.monotonic() - started
    return heard


def _note(heard: Heard, response: music_pb2.GenerateResponse, now: float) -> None:
    match response.WhichOneof("event"):
        case "accepted":
            heard.seed = response.accepted.seed
            heard.told_first_audio_seconds = _seconds(response.accepted, "estimated_first_audio")
            heard.told_finish_seconds = _seconds(response.accepted, "estimated_finish")
        case "plan":
            heard.plan = response.plan
        case "chunk":
            heard.arrivals.append((now, response.chunk.start_seconds))
            heard.data += response.chunk.data
        case "section_finished":
            heard.sections.append(response.section_finished)
        case "finished":
            heard.finished = response.finished


def _seconds(accepted: music_pb2.Accepted, name: Literal["estimated_first_audio", "estimated_finish"]) -> float | None:
    if not accepted.HasField(name):
        return None
    duration: Duration = getattr(accepted, name)
    return duration.ToTimedelta().total_seconds()

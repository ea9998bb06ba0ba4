"""Real servers of one service: they share a directory and objects, and their logs are kept."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import grpc

from melisma.v1.music_pb2 import SongFinished
from melisma.v1.music_pb2_grpc import MusicServiceStub
from tests.support.servers import eventually
from tests.support.service import Service, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"
SLOW = "fake=tests.deploy.engines:SlowEngine"


@dataclass
class Replica:
    """A server, a client of it, and the records of its log so far."""

    service: Service
    stub: Any
    lines: list[dict[str, Any]]

    def accepted(self, song_id: str) -> bool:
        """True where this server has let the song in."""
        return any(
            line["message"] == "a song was accepted" and line["song_id"] == song_id for line in tuple(self.lines)
        )

    def calls(self, method: str) -> int:
        """Return calls so far of the methods whose names end so; those of REST are called "GET /v1/engines" and the
        like.
        """
        return sum(
            line["method"].endswith(method) for line in tuple(self.lines) if line["message"].endswith("call has ended")
        )

    def said(self, text: str) -> bool:
        """True once a message of the log has this in it."""
        return any(text in line["message"] for line in tuple(self.lines))


@contextmanager
def replica(directory: str, objects: str, *, engines: str = FAKE, **settings: str) -> Iterator[Replica]:
    """Context manager with a server that makes songs; `directory` and `objects` are URLs, settings come without their
    prefix.

    It is killed at the end, if it still runs.
    """
    shared = {"STORE__KIND": "shared", "STORE__FOLDER": "", "STORE__DIRECTORY": directory, "STORE__OBJECTS": objects}
    with running_service(engines, **shared, **settings) as service, grpc.insecure_channel(service.address) as channel:
        opened = Replica(service, MusicServiceStub(channel), service.keep_log())
        service.wait_serving(channel)
        yield opened


@dataclass(frozen=True)
class ReceivedSong:
    """All that one call told of a song: its sound, and its end or the error in the place of it."""

    sound: bytes
    finished: SongFinished | None
    error: grpc.RpcError | None

    @property
    def code(self) -> grpc.StatusCode:
        """The status with which the call ended."""
        return grpc.StatusCode.OK if self.error is None else cast(grpc.Call, self.error).code()


def told(stream: Iterable[Any]) -> ReceivedSong:
    """What the rest of a stream tells."""
    sound, finished = [], None
    try:
        for response in stream:
            match response.event.WhichOneof("event"):
                case "chunk":
                    sound.append(response.event.chunk.data)
                case "finished":
                    finished = response.event.finished
    except grpc.RpcError as error:
        return ReceivedSong(b"".join(sound), finished, error)
    return ReceivedSong(b"".join(sound), finished, None)


def maker_of(replicas: list[Replica], song_id: str) -> Replica:
    """Return the one of idle replicas that let the song in, and so makes it."""
    eventually(lambda: any(one.accepted(song_id) for one in replicas))
    return next(one for one in replicas if one.accepted(song_id))

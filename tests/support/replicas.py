"""Real servers of one service, which share a song directory and an object store, and whose logs are recorded."""

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
    """A server, a stub that calls it, and the records of its log so far."""

    service: Service
    stub: Any
    lines: list[dict[str, Any]]

    def accepted(self, song_id: str) -> bool:
        """Return True if this server has accepted the song."""
        return any(
            line["message"] == "a song was accepted" and line["song_id"] == song_id for line in tuple(self.lines)
        )

    def calls(self, method: str) -> int:
        """Return the number of ended calls whose method name ends with `method`; REST calls have names like "GET
        /v1/engines".
        """
        return sum(
            line["method"].endswith(method) for line in tuple(self.lines) if line["message"].endswith("call has ended")
        )

    def said(self, text: str) -> bool:
        """Return True if a message in the server's log contains the text."""
        return any(text in line["message"] for line in tuple(self.lines))


@contextmanager
def replica(directory: str, objects: str, *, engines: str = FAKE, **settings: str) -> Iterator[Replica]:
    """Context manager with a server that makes songs; `directory` and `objects` are URLs, `settings` have no prefix
    MELISMA_.

    The server is killed at the end if it still runs.
    """
    shared = {"STORE__KIND": "shared", "STORE__FOLDER": "", "STORE__DIRECTORY": directory, "STORE__OBJECTS": objects}
    with running_service(engines, **shared, **settings) as service, grpc.insecure_channel(service.address) as channel:
        opened = Replica(service, MusicServiceStub(channel), service.keep_log())
        service.wait_serving(channel)
        yield opened


@dataclass(frozen=True)
class ReceivedSong:
    """The result of one call: the received sound, and the final event or the error."""

    sound: bytes
    finished: SongFinished | None
    error: grpc.RpcError | None

    @property
    def code(self) -> grpc.StatusCode:
        """Status code with which the call ended."""
        return grpc.StatusCode.OK if self.error is None else cast(grpc.Call, self.error).code()


def told(stream: Iterable[Any]) -> ReceivedSong:
    """Receive the responses of a call to its end, and return the received sound with the final event or the error."""
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
    """Wait until one of the servers, all of them without other songs, has accepted the song to make it, and return that
    server.
    """
    eventually(lambda: any(one.accepted(song_id) for one in replicas))
    return next(one for one in replicas if one.accepted(song_id))

"""Data types for the engines and the queue of a service of several servers, as its song directory stores them."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.engine import EngineInfo
from server.costs import Costs


@dataclass(frozen=True, slots=True)
class ServedEngine:
    """An engine that one or more servers serve: its properties, the names of its devices, and its slots (songs made at
    the same time).

    `costs` are the mean costs (device times) of its songs, `None` if none was measured yet.
    """

    info: EngineInfo
    devices: Sequence[str]
    slots: int
    costs: Costs | None = None


@dataclass(frozen=True, slots=True)
class KnownEngine:
    """An engine that a server has announced at some time, with the latest announcement.

    `away_seconds` is the time since a server last served the engine, 0 while one does. `start_seconds` is the mean time
    that a server of the engine needs to start, measured by the waiting times of songs; `None` if not measured yet.
    """

    engine: ServedEngine
    away_seconds: float
    start_seconds: float | None


@dataclass(frozen=True, slots=True)
class WaitingSong:
    """A song in the queue: admitted, but not yet assigned to a server. `sound_seconds` (length, 0 if unknown) and
    `steps` are those of its request.

    `waited_seconds` is the time since the song's admission.
    """

    song_id: str
    caller: str
    engine: str
    sound_seconds: float
    steps: int | None
    waited_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of a service: the waiting songs in the order in which they will start, and the number of running
    songs.
    """

    waiting: Sequence[WaitingSong]
    running: int


class QueueFull(Exception):
    """The service already has the largest allowed number of songs."""

    def __init__(self, songs: int) -> None:
        super().__init__(f"the queue is full: {songs} songs are running or waiting")
        self.songs = songs

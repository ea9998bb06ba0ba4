"""Data types for the engines and songs of a whole service, as its song directory knows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.engine import EngineInfo
from server.costs import Costs


@dataclass(frozen=True, slots=True)
class ServedEngine:
    """An engine that one or more servers serve: its properties, the names of its devices, and its number of slots.

    `costs` are the mean costs of its songs, `None` until one was measured.
    """

    info: EngineInfo
    devices: Sequence[str]
    slots: int
    costs: Costs | None = None


@dataclass(frozen=True, slots=True)
class KnownEngine:
    """An engine that a server has announced at some time, with the last announcement.

    `away_seconds` is the time for which no server has served it, 0 while one does. `start_seconds` is the measured time
    for which songs waited for a server of the engine to start; `None` if none ever waited.
    """

    engine: ServedEngine
    away_seconds: float
    start_seconds: float | None


@dataclass(frozen=True, slots=True)
class WaitingSong:
    """An admitted song that no server has claimed yet; `sound_seconds` and `steps` are those of its ticket.

    `waited_seconds` is the time since its admission.
    """

    song_id: str
    caller: str
    engine: str
    sound_seconds: float
    steps: int | None
    waited_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """The waiting songs of the service in the order in which they would be claimed now, and the number of running
    songs.
    """

    waiting: Sequence[WaitingSong]
    running: int


class QueueFull(Exception):
    """The service already has as many songs as the ticket allows."""

    def __init__(self, songs: int) -> None:
        super().__init__(f"the queue is full: {songs} songs are running or waiting")
        self.songs = songs

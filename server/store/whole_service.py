"""The engines and songs of a whole service, as its directory tells them."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.engine import EngineInfo
from server.costs import Costs


@dataclass(frozen=True, slots=True)
class ServedEngine:
    """An engine of one or more replicas: what it can do, the names of its devices, and the songs it makes at once.

    `costs` are those of its songs, `None` while none was measured.
    """

    info: EngineInfo
    devices: Sequence[str]
    slots: int
    costs: Costs | None = None


@dataclass(frozen=True, slots=True)
class KnownEngine:
    """An engine that some replica has announced at some time, as one told it last.

    `away_seconds` is the time for which nobody has served it, 0 while somebody does. `start_seconds` is the measured
    time that songs waited for a replica to start where nobody served the engine; `None` where that never happened.
    """

    engine: ServedEngine
    away_seconds: float
    start_seconds: float | None


@dataclass(frozen=True, slots=True)
class WaitingSong:
    """An admitted song that nobody has claimed; `sound_seconds` and `steps` are those of its ticket.

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
    """The songs of the service that wait, in the order in which they would be claimed now, and how many are made."""

    waiting: Sequence[WaitingSong]
    running: int


class QueueFull(Exception):
    """As many songs are in the service as the ticket allows."""

    def __init__(self, songs: int) -> None:
        super().__init__(f"{songs} songs are running or waiting")
        self.songs = songs

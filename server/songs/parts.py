"""Groups the objects that all parts of a server's songs service use, such as song store, song directory and clocks."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from server.songs.eviction import Eviction
from server.songs.ports import SongRunner
from server.songs.recordings.open_recordings import OpenRecordings
from server.store.base import SongStore
from server.store.directory import Directory
from server.store.watcher import UNWATCHED, StoreWatcher


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of a server: wall-clock time in nanoseconds since 1970, and monotonic seconds, in which deadlines are
    given.
    """

    now_ns: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic


SYSTEM_CLOCKS = Clocks()


@dataclass(frozen=True, slots=True)
class SongParts:
    """The objects of one server with which its songs are made, stored and found.

    `opened` has the recordings (event logs) in memory, `eviction` deletes old songs, `watcher` counts the store's
    failures and lost songs.
    """

    runner: SongRunner
    store: SongStore
    directory: Directory
    opened: OpenRecordings
    eviction: Eviction
    clocks: Clocks = SYSTEM_CLOCKS
    watcher: StoreWatcher = UNWATCHED

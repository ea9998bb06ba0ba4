"""The part of the songs of one replica that depends on others: what is made elsewhere, and for others."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from server.contract.events import event_message
from server.song import SongRequest, SongState
from server.songs.eviction import Eviction
from server.songs.open_recordings import OpenRecordings
from server.songs.ports import CheckedSong, SongRunner
from server.songs.recording import Recording
from server.songs.shared.attending import Attending
from server.songs.shared.making import SharedMaking
from server.songs.shared.mirrors import Mirrors
from server.songs.shared.storing import Pace
from server.songs.shared.tending import Tending
from server.songs.tickets import Tickets
from server.store.base import SongStore
from server.store.directory import Admitted, Directory, Ticket

LEASE_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The wall clock in nanoseconds, and the clock of deadlines in seconds."""

    now_ns: Callable[[], int]
    monotonic: Callable[[], float]


class Sharing:
    """Follows, makes and tends songs of a service of several replicas."""

    def __init__(
        self,
        store: SongStore,
        directory: Directory,
        runner: SongRunner,
        opened: OpenRecordings,
        eviction: Eviction,
        tickets: Tickets,
        *,
        default_engine: str,
        clocks: Clocks,
        pace: Pace,
        lease_seconds: float,
    ) -> None:
        """`lease_seconds` are those of the directory."""
        self._directory = directory
        self._attending = Attending(directory)
        self.mirrors = Mirrors(store, directory, opened, self._attending)
        self.making = SharedMaking(
            store,
            directory,
            opened,
            eviction,
            attending=self._attending,
            mirrors=self.mirrors,
            now_ns=clocks.now_ns,
            pace=pace,
        )
        self._tending = Tending(
            directory,
            runner,
            self.making,
            tickets,
            default_engine=default_engine,
            lease_seconds=lease_seconds,
            clock=clocks.monotonic,
        )

    def waiting(self, ticket: Ticket, admitted: Admitted, request: SongRequest, checked: CheckedSong) -> Recording:
        """A song that was admitted here and waits; it is told as accepted at once."""
        accepted = checked.accepted(admitted.song_id, admitted.queue_position)
        first = event_message(accepted, request)
        return self.mirrors.open(ticket.song, (), ticket.linger_seconds, first)

    async def cancel(self, song_id: str) -> None:
        """Ask for the end of a song that is not made here; one that waits is ended here."""
        if claim := await self._directory.cancel(song_id):
            await self.making.end_unmade(claim, SongState.CANCELLED)

    async def run(self) -> None:
        """Tend and attend for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tending.run())
            tasks.create_task(self._attending.run())

    async def close(self) -> None:
        """Follow nothing any more."""
        await self.mirrors.close()
        await self._attending.close()

"""Lets one server cooperate with others that share its store: follows the songs of other servers, and makes or takes
over songs for them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.background import BackgroundTasks
from server.contract.events import accepted_message
from server.song import Accepted, SongState
from server.songs.parts import SongParts
from server.songs.ports import CheckedSong, ServiceState
from server.songs.recordings.logged_event import Message
from server.songs.recordings.recording import Recording
from server.songs.shared.attending import Attending
from server.songs.shared.beginning import Beginning, GeneratorParts
from server.songs.shared.demand import Demand
from server.songs.shared.heartbeat import Heartbeat
from server.songs.shared.making import SharedMaking
from server.songs.shared.mirrors import Mirrors
from server.songs.shared.storing import Pace
from server.songs.shared.survey import Survey
from server.songs.shared.takeover import Takeover
from server.songs.shared.tending import Tending, with_room
from server.songs.shared.unmade import UnmadeSongs
from server.songs.tickets import Tickets
from server.store.base import SongRecord, StoredEvent, StoreFailed
from server.store.claim import Resume
from server.store.directory import Admitted, Ticket

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resumption:
    """Rules for songs whose server was lost: `rule` returns for an engine which songs another server continues; for
    `max_lost_seconds` a song waits for such a server.
    """

    rule: Callable[[str], Resume] = lambda engine: Resume.SAME_SOUND
    max_lost_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class SharingRules:
    """Rules that only a server with a shared store follows: for storing songs, for the duration of the leases of songs
    in seconds, and for songs whose server was lost.
    """

    pace: Pace = Pace()  # noqa: RUF009  # it cannot change
    lease_seconds: float = 6.0
    resumption: Resumption = Resumption()


class Sharing:
    """The part of the songs service for a shared store: follows, makes and takes over songs of a service of several
    servers.
    """

    def __init__(self, parts: SongParts, tickets: Tickets, *, engines: Sequence[str], rules: SharingRules) -> None:
        """Set up the cooperation with other servers; `engines` are the configured engines."""
        pace, lease_seconds, tasks = rules.pace, rules.lease_seconds, BackgroundTasks()
        self._directory = parts.directory
        self._runner = parts.runner
        self._open = parts.opened
        self.survey = Survey(parts.directory, parts.clocks.monotonic)
        self.attending = Attending(parts.directory, parts.opened)
        self.mirrors = Mirrors(parts.store, parts.directory, parts.opened, self.attending)
        self.making = SharedMaking(
            parts, tasks, attending=self.attending, mirrors=self.mirrors, pace=pace, lease_seconds=lease_seconds
        )
        self._unmade = UnmadeSongs(parts, tasks)
        self.demand = Demand(parts.directory, self.survey, parts.runner, engines)
        self._heartbeat = Heartbeat(self.survey, parts.runner, self.mirrors, self.making, pace.heartbeat_seconds)
        makers = self._generator_parts(parts, rules.resumption.max_lost_seconds)
        takeover = Takeover(
            makers,
            engines=lambda: with_room(parts.runner),
            resume=rules.resumption.rule,
            max_lost_seconds=rules.resumption.max_lost_seconds,
        )
        self._tending = Tending(makers, takeover, tickets, self.survey, lease_seconds=lease_seconds)

    def _generator_parts(self, parts: SongParts, max_lost_seconds: float) -> GeneratorParts:
        beginning = Beginning(parts, self.making, self._unmade, max_lost_seconds=max_lost_seconds)
        return GeneratorParts(parts.directory, parts.runner, self.making, self._unmade, beginning)

    async def queue_before(self, engine: str) -> ServiceState | None:
        """Return the state of the service whose queue a new song of `engine` must join; `None` if this server can make
        the song at once.
        """
        service = await self.survey.state()
        waits = any(song.engine == engine for song in service.queue.waiting)
        return None if self.takes(engine) and not waits else service

    def takes(self, engine: str) -> bool:
        """Return True while this server can start another song of `engine`."""
        return self._runner.ready(engine) and self._runner.room().free > 0

    def waiting(self, ticket: Ticket, admitted: Admitted, checked: CheckedSong) -> Recording:
        """Return the recording (event log) of a song that was just admitted and waits; the event `accepted` is its
        first.
        """
        accepted = checked.accepted(admitted.song_id, admitted.queue_position)
        return self.mirrors.open(ticket.song, (), ticket.linger_seconds, accepted_message(accepted, ticket.song))

    async def found(self, song: SongRecord, events: Sequence[StoredEvent], linger_seconds: float | None) -> Recording:
        """Return the recording (event log) of a stored song that waits or that another server makes. For a waiting song
        it begins with the event `accepted`. Without a listener the song is made for `linger_seconds` more; with `None`
        to its end.
        """
        first = None if events else await self._accepted(song)
        # Another call may have opened the recording meanwhile.
        return self._open.get(song.song_id) or self.mirrors.open(song, events, linger_seconds, first)

    async def cancel(self, song_id: str) -> None:
        """Cancel a song that this server does not make; if the song waits, this server also stores its final state."""
        if claim := await self._directory.cancel(song_id):
            await self._unmade.end(claim, SongState.CANCELLED)

    async def offer(self) -> None:
        """Offer the songs of this server to other servers; if the song directory is unreachable, the songs stay
        here.
        """
        await self._tending.withdraw()
        try:
            await self.making.offer()
        except StoreFailed as error:
            logger.error(
                "at the shutdown songs could not be offered to other servers, so this server goes on making them: %s",
                error,
            )

    async def hand_over(self) -> int:
        """Release the songs of this server for other servers, if the song directory can be reached; return their
        number.
        """
        try:
            return await self.making.hand_over()
        except StoreFailed as error:
            logger.error(
                "at the shutdown songs could not be handed over; other servers take them when their leases expire: %s",
                error,
            )
            return 0

    async def prepare(self) -> None:
        """Read the engines of the service from the song directory, if it can be reached."""
        try:
            await self.survey.read_engines()
        except StoreFailed as error:
            logger.warning(
                "the list of engines of all servers could not be read yet; the server tries again: %s", error
            )

    async def run(self) -> None:
        """Run the background tasks of the cooperation (leases, listeners, heartbeats, counts), until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tending.run())
            tasks.create_task(self.attending.run())
            tasks.create_task(self._heartbeat.run())
            tasks.create_task(self.demand.run())

    async def close(self) -> None:
        """Stop following the songs of other servers, and withdraw the announcement of this server's engines."""
        await self.mirrors.close()
        await self.attending.close()
        await self._tending.withdraw()

    async def _accepted(self, song: SongRecord) -> Message:
        """Return the first event of a song, `accepted`, with the song's present queue position, which counts waiting
        and running songs before it.
        """
        service = await self.survey.state(anew=True)
        accepted = Accepted(song.song_id, 0)
        if waiting := self._runner.waiting(service).get(song.song_id):
            before = service.queue.running + waiting.queue_position - 1
            etas = (waiting.estimated_first_audio_seconds, waiting.estimated_finish_seconds)
            accepted = Accepted(song.song_id, before, *etas)
        return accepted_message(accepted, song)

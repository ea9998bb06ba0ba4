"""Makes the songs of a shared directory: claims them, renews their leases, and ends those that nobody makes."""

import asyncio
import logging
from collections.abc import Callable

from melisma.v1 import music_pb2
from server.contract.midi_melody import with_melody
from server.contract.requests import song_request
from server.contract.status import outcome_of
from server.errors import Draining, EndedElsewhere, EngineNotReady, ServiceError, UnknownEngine, WorkerLost
from server.song import SongState
from server.songs.ports import SongRunner
from server.songs.shared.making import SharedMaking
from server.songs.shared.survey import Survey
from server.songs.tickets import Tickets
from server.store.base import INTERRUPTED, LeaseLost, StoreFailed
from server.store.directory import Claim, Directory, ServedEngine

INTERRUPTED_TEXT = "the server stopped before the song was complete"

_UNABLE = (Draining, EngineNotReady, UnknownEngine, WorkerLost)
"""Errors of a replica, not of a song."""

logger = logging.getLogger(__name__)


class Tending:
    """One round whenever the directory has news, and at least three in the time of a lease."""

    def __init__(
        self,
        directory: Directory,
        runner: SongRunner,
        making: SharedMaking,
        tickets: Tickets,
        survey: Survey,
        *,
        lease_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        """`clock` is the one of deadlines, in seconds."""
        self._directory = directory
        self._runner = runner
        self._making = making
        self._tickets = tickets
        self._survey = survey
        self._lease_seconds = lease_seconds
        self._clock = clock

    async def run(self) -> None:
        """Tend for ever; a directory that fails is asked again."""
        while True:
            try:
                await self.round()
                await self._directory.wait(self._lease_seconds / 3)
            except (StoreFailed, LeaseLost) as error:
                logger.error("the directory of songs failed: %s", error)
                await asyncio.sleep(self._lease_seconds / 6)
            except Exception:  # a bug in one song must not let the leases of all others run out
                logger.exception("the songs of the service could not be tended")
                await asyncio.sleep(self._lease_seconds / 6)

    async def round(self) -> None:
        """Renew what is made here, end what is lost, and claim what there is room for; a full store takes no claims."""
        await self._making.renew()
        await self._announce()
        while lost := await self._directory.claim_lost():
            self._making.watcher.found_lost()
            await self._making.end_unmade(lost, SongState.FAILED, EndedElsewhere(INTERRUPTED, INTERRUPTED_TEXT))
        while (engines := self._engines()) and (claim := await self._directory.claim(engines)):
            if not await self._begin(claim):
                return

    def _engines(self) -> tuple[str, ...]:
        """The engines that have room here."""
        return tuple(filter(self._runner.ready, self._runner.engines())) if self._runner.room().free > 0 else ()

    async def _announce(self) -> None:
        slots = self._runner.room().slots
        served = [
            ServedEngine(info, self._runner.engine_devices(name), slots)
            for name, info in self._runner.engines().items()
            if self._runner.ready(name)
        ]
        await self._directory.announce(served, self._lease_seconds)
        await self._survey.read_engines()
        self._tickets.service_slots = max((engine.slots for engine in self._survey.engines.values()), default=0)

    async def _begin(self, claim: Claim) -> bool:
        """Make a song; returns False for one that was given back, as this replica has just ceased to make such."""
        try:
            deadline = None if claim.deadline_seconds is None else self._clock() + claim.deadline_seconds
            message = music_pb2.GenerateRequest.FromString(claim.request)
            known = (self._runner.engines(), claim.song.engine, deadline, claim.song.caller)
            request = await asyncio.to_thread(with_melody, song_request(message, *known))
            self._making.begin(claim, request, self._runner.check(request), 0)
        except _UNABLE:
            await self._directory.release(claim.lease)
            return False
        except ServiceError as error:
            failure = EndedElsewhere(outcome_of(error).reason, str(error), error.violations)
            await self._making.end_unmade(claim, SongState.FAILED, failure)
        return True

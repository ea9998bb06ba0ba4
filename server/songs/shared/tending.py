"""Does a server's regular work in the shared song directory: renews the leases of this server's songs, starts waiting
songs, and takes over lost ones.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from server.background import first_of
from server.costs import Costs
from server.songs.ports import SongRunner
from server.songs.shared.beginning import GeneratorParts
from server.songs.shared.survey import Survey
from server.songs.shared.takeover import Takeover
from server.songs.tickets import Tickets
from server.store.base import LeaseLost, StoreFailed
from server.store.whole_service import ServedEngine

_WITHDRAW_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Tending:
    """Checks the song directory (shared registry of songs) whenever it changes or this server can start another song,
    and at least three times per lease duration.
    """

    def __init__(
        self,
        parts: GeneratorParts,
        takeover: Takeover,
        tickets: Tickets,
        survey: Survey,
        *,
        lease_seconds: float,
    ) -> None:
        self._parts = parts
        self._takeover = takeover
        self._tickets = tickets
        self._survey = survey
        self._lease_seconds = lease_seconds
        self._announced: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Check the song directory at intervals until cancelled: renew leases, and start waiting songs while this
        server has free slots for them.

        If the song directory returns an error, the check is repeated after a sixth of the lease duration.
        """
        while True:
            try:
                self._parts.making.room.clear()
                if not await self.check():
                    await asyncio.sleep(self._lease_seconds / 6)
                await self._pause()
            except (StoreFailed, LeaseLost) as error:
                logger.error(
                    "waiting songs could not be started and leases not renewed; the server tries again soon: %s", error
                )
                await asyncio.sleep(self._lease_seconds / 6)
            except Exception:  # a bug in one song must not let the leases of all other songs expire
                logger.exception(
                    "starting songs and renewing leases failed because of a bug of the server; the server tries again "
                    "soon: please report this traceback"
                )
                await asyncio.sleep(self._lease_seconds / 6)

    async def check(self) -> bool:
        """Check the song directory once: renew leases, take over lost or offered songs, and start waiting songs while
        this server has free slots for them.

        Even if many songs are lost, the next renewal is in time. While the store is full, no songs are started. Returns
        False if a song was released again; the caller then pauses, so that this server does not take the song again at
        once.
        """
        await self._parts.making.renew()
        await self._announce()
        if not await self._takeover.take_over(self._lease_seconds / 6):
            return False
        while (sounds := self._sounds()) and (
            claim := await self._parts.directory.claim(sounds, self._parts.beginning.left)
        ):
            if not await self._parts.beginning.begin(claim):
                return False
        return True

    async def withdraw(self) -> None:
        """Withdraw the announcement of this server's engines, if the song directory can be reached."""
        with suppress(StoreFailed, TimeoutError):
            async with asyncio.timeout(_WITHDRAW_SECONDS):
                await self._parts.directory.announce([], 0.0)

    async def _pause(self) -> None:
        seconds = self._lease_seconds / 3
        await first_of(self._parts.directory.wait(seconds), self._parts.making.room.wait(), timeout_seconds=seconds)

    def _sounds(self) -> Mapping[str, str]:
        """Return the engines for which this server has free slots, each with its sound fingerprint: a hash that is
        equal on servers whose songs are identical byte for byte.

        An engine that has become ready since the last announcement is left out until the next one. From an announcement
        of an engine that no server served before, the song directory learns how long a server needs to start: as long
        as the engine's first waiting song has waited. The engine's songs must therefore still be waiting at that
        announcement.
        """
        return {
            engine: self._parts.runner.sound(engine)
            for engine in with_room(self._parts.runner)
            if engine in self._announced
        }

    async def _announce(self) -> None:
        slots = self._parts.runner.room().slots
        served = [
            ServedEngine(info, self._parts.runner.engine_devices(name), slots, self._costs(name))
            for name, info in self._parts.runner.engines().items()
            if self._parts.runner.ready(name)
        ]
        await self._parts.directory.announce(served, self._lease_seconds)
        self._announced = frozenset(engine.info.name for engine in served)
        await self._survey.read_engines()
        self._tickets.service_slots = max((engine.slots for engine in self._survey.engines.values()), default=0)

    def _costs(self, engine: str) -> Costs | None:
        """Return the mean costs (device times) of an engine's songs as measured here. A server that has just started
        has none, so the costs last announced by any server are returned.
        """
        known = self._survey.known.get(engine)
        return self._parts.runner.costs(engine) or (known.engine.costs if known else None)


def with_room(runner: SongRunner) -> tuple[str, ...]:
    """Return the engines for which the runner (the part that makes songs) can start another song now."""
    return tuple(filter(runner.ready, runner.engines())) if runner.room().free > 0 else ()

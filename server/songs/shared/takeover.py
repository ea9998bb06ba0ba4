"""Takes over songs of other servers that died or are shutting down."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Final

from server.errors import EndedElsewhere
from server.song import SongState
from server.songs.shared.beginning import GeneratorParts
from server.store.base import INTERRUPTED, INTERRUPTED_TEXT
from server.store.claim import Claim, ClaimAction, Resume, Skill

AT_ONCE: Final = 2
"""Maximum number of songs per device that are made again at the same time; further songs wait."""
MOST_EPOCHS: Final = 12
"""Maximum number of attempts by servers to make one song; a song that loses its server more often is interrupted,
because the song may cause the losses.
"""
_PAUSE_SECONDS: Final = 0.02
"""Longest pause in seconds between two songs that this server takes over, in which another server may take one."""

logger = logging.getLogger(__name__)


class Takeover:
    """Continues songs of lost servers if this server has the engine and free slots, and ends songs that no server may
    continue.
    """

    def __init__(
        self,
        parts: GeneratorParts,
        *,
        engines: Callable[[], tuple[str, ...]],
        resume: Callable[[str], Resume],
        max_lost_seconds: float,
    ) -> None:
        """Set up the takeover; `engines` returns the engines for which this server has free slots, `resume` the rule of
        an engine for songs that lost their server.

        A song that was without a server for `max_lost_seconds` is not continued.
        """
        self._parts = parts
        self._engines = engines
        self._resume = resume
        self._max_lost_seconds = max_lost_seconds

    async def take_over(self, seconds: float) -> bool:
        """Take over the lost or offered songs that this server can continue; after `seconds` start no further one,
        because the next renewal of leases is due.

        Returns False if a song was released again, because this server cannot make it now.

        Raises:
            StoreFailed, LeaseLost: the song directory is unreachable, or another server has a song.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while claim := await self._claim():
            if claim.action is not ClaimAction.TAKE:
                self._parts.making.watcher.found_lost()
            if not await self._do(claim):
                return False
            if loop.time() >= until:
                self._parts.making.room.set()
                break
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))
        return True

    async def _claim(self) -> Claim | None:
        return await self._parts.directory.claim_lost(
            self._skills(), self._max_lost_seconds, self._parts.beginning.left
        )

    async def _do(self, claim: Claim) -> bool:
        """Continue, complete, cancel or interrupt a song that was assigned to this server, as `claim.action` says;
        return False if the song was released again.
        """
        match claim.action:
            case ClaimAction.MAKE | ClaimAction.TAKE if (
                claim.action is ClaimAction.TAKE or claim.lease.epoch <= MOST_EPOCHS
            ):
                begun = await self._parts.beginning.begin(claim)
                if begun and claim.extent.events:
                    logger.info("this server has taken over a song of another one", extra=_log_fields(claim))
                    self._parts.making.watcher.taken_over()
                return begun
            case ClaimAction.COMPLETE:
                seconds = claim.song.duration_seconds
                self._parts.unmade.end_soon(claim, SongState.COMPLETED, sound_seconds=seconds)
            case ClaimAction.CANCEL:
                self._parts.unmade.end_soon(claim, SongState.CANCELLED)
            case _:
                self._parts.unmade.end_soon(claim, SongState.FAILED, EndedElsewhere(INTERRUPTED, INTERRUPTED_TEXT))
        return True

    def _skills(self) -> Mapping[str, Skill]:
        with_room = self._engines()
        return {name: self._skill(name, room=name in with_room) for name in self._parts.runner.engines()}

    def _skill(self, engine: str, *, room: bool) -> Skill:
        slots = AT_ONCE * len(self._parts.runner.engine_devices(engine))
        return Skill(
            self._resume(engine), self._parts.runner.sound(engine), room and self._parts.making.repeating < slots
        )


def _log_fields(claim: Claim) -> dict[str, object]:
    """Return the log fields that identify a song that was assigned to this server."""
    return {"song_id": claim.song.song_id, "claims": claim.lease.epoch, "stored_bytes": claim.extent.size_bytes}

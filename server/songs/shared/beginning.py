"""Starts songs that the song directory (shared registry of songs) has assigned to this server, also songs that another
server has admitted or begun.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from melisma.v1 import music_pb2
from server.contract.midi_melody import with_melody
from server.contract.requests import song_request
from server.contract.status import outcome_of
from server.errors import (
    ControlNotSupported,
    Draining,
    EndedElsewhere,
    EngineNotReady,
    InvalidRequest,
    ServiceError,
    UnknownEngine,
    WorkerLost,
)
from server.song import SongRequest, SongState
from server.songs.parts import SongParts
from server.songs.ports import SongRunner
from server.songs.shared.making import SharedMaking
from server.songs.shared.repetition import stored_part
from server.songs.shared.unmade import UnmadeSongs
from server.store.base import StoreFailed
from server.store.claim import Claim
from server.store.directory import Directory

_UNABLE = (Draining, EngineNotReady, UnknownEngine, WorkerLost)
"""Errors that concern this server and not the song, so that another server may be able to make the song."""

_NOT_UNDERSTOOD = (InvalidRequest, ControlNotSupported)
"""Errors that another version of the server may not raise for the same request."""


_MOST_LEFT = 1000

logger = logging.getLogger(__name__)


class Beginning:
    """Starts songs that were assigned to this server, from their stored requests."""

    def __init__(
        self,
        parts: SongParts,
        making: SharedMaking,
        unmade: UnmadeSongs,
        *,
        max_lost_seconds: float,
    ) -> None:
        """Set up the start of songs. `unmade` ends songs that no server can make.

        A song whose request this version of the server does not understand is left to other servers for
        `max_lost_seconds`.
        """
        self._store = parts.store
        self._directory = parts.directory
        self._runner = parts.runner
        self._clock = parts.clocks.monotonic
        self._making = making
        self._unmade = unmade
        self._max_lost_seconds = max_lost_seconds
        self._left_to_others: dict[str, float] = {}

    @property
    def left(self) -> Collection[str]:
        """Ids of the songs that this server now leaves to servers of another version."""
        return [song_id for song_id, until in self._left_to_others.items() if until > self._clock()]

    async def begin(self, claim: Claim) -> bool:
        """Start making a song that was assigned to this server; return False if the song was released again, because
        this server cannot make it now.

        Raises:
            StoreFailed, LeaseLost: the song directory is unreachable, or another server has the song.
        """
        try:
            await self._making.dropped(claim.song.song_id)
            request = await self._request(claim)
            stored = await stored_part(self._store, claim)
            self._making.begin(claim, request, self._runner.check(request), 0, stored)
        except (*_UNABLE, StoreFailed):
            await self._directory.release(claim.lease)
            return False
        except ServiceError as error:
            if isinstance(error, _NOT_UNDERSTOOD) and self._leaves(claim.song.song_id):
                logger.warning(
                    "this server does not understand the request of the waiting song %s, and leaves it to a server of "
                    "another version: %s",
                    claim.song.song_id,
                    error,
                    extra={"song_id": claim.song.song_id},
                )
                await self._directory.release(claim.lease)
                return True
            failure = EndedElsewhere(outcome_of(error).reason, str(error), error.violations)
            self._unmade.end_soon(claim, SongState.FAILED, failure)
        return True

    def _leaves(self, song_id: str) -> bool:
        """Record that a song is left to servers of another version. Return False if this server had already left the
        song and is assigned it again: no other server could make it, so the song must end.
        """
        if song_id in self._left_to_others:
            return False
        self._left_to_others[song_id] = self._clock() + self._max_lost_seconds
        if len(self._left_to_others) > _MOST_LEFT:
            del self._left_to_others[next(iter(self._left_to_others))]
        return True

    async def _request(self, claim: Claim) -> SongRequest:
        deadline = None if claim.deadline_seconds is None else self._clock() + claim.deadline_seconds
        message = music_pb2.GenerateRequest.FromString(claim.request)
        known = (self._runner.engines(), claim.song.engine, deadline, claim.song.caller)
        return await asyncio.to_thread(with_melody, song_request(message, *known))


@dataclass(frozen=True, slots=True)
class GeneratorParts:
    """The objects that a server needs to make songs of a service of several servers."""

    directory: Directory
    runner: SongRunner
    making: SharedMaking
    unmade: UnmadeSongs
    beginning: Beginning

"""Ends songs that were assigned to a server but that it does not make, for example because they were cancelled."""

import logging
from collections.abc import Coroutine
from typing import Any

from server.background import BackgroundTasks
from server.errors import EndedElsewhere
from server.song import SongState
from server.songs.parts import SongParts
from server.songs.recordings.song_record import ended_record
from server.songs.shared.repetition import stored_seconds
from server.store.base import INTERRUPTED, LeaseLost, StoreFailed, WrongOffset
from server.store.claim import Claim

logger = logging.getLogger(__name__)


class UnmadeSongs:
    """Stores the final states of songs that were assigned to this server but that it does not make."""

    def __init__(self, parts: SongParts, tasks: BackgroundTasks) -> None:
        """Set up the ending of songs. The background tasks that `end_soon` starts run in `tasks`, which the creator of
        `tasks` closes.
        """
        self._store = parts.store
        self._directory = parts.directory
        self._now_ns = parts.clocks.now_ns
        self._watcher = parts.watcher
        self._tasks = tasks

    def end_soon(
        self, claim: Claim, state: SongState, failure: EndedElsewhere | None = None, *, sound_seconds: float = 0.0
    ) -> None:
        """Store, as a background task, the final `state` of a song that was assigned to this server but is not made
        here. `failure` is the error of a failed song, for its record.

        The quota of the song's caller is charged for `sound_seconds`, or for the stored sound of a cancelled song; an
        interrupted song is free. If storing fails, the lease expires, and a server is assigned the song again.
        """
        ending = self.end(claim, state, failure, sound_seconds=sound_seconds)
        self._tasks.start(self._logged(ending, claim.song.song_id), f"end {claim.song.song_id}")

    async def end(
        self, claim: Claim, state: SongState, failure: EndedElsewhere | None = None, *, sound_seconds: float = 0.0
    ) -> None:
        """Store the final `state` of a song that was assigned to this server but that this server does not make. Raises
        StoreFailed.

        The parameters are those of `end_soon`, and the quota of the song's caller is charged as there. The call waits
        while the object store is unreachable.
        """
        song = ended_record(claim.song, state, self._now_ns(), failure, failure.reason if failure else "")
        try:
            await self._store.create(claim.song, claim.lease)
            if state is SongState.CANCELLED:
                sound_seconds = await stored_seconds(self._store, claim.song.song_id)
            await self._store.end(song, lease=claim.lease, at=claim.extent)
            await self._directory.settle(claim.lease, state, sound_seconds)
        except (LeaseLost, WrongOffset) as lost:  # the song directory has lost its last writes
            text = (
                "the end of the song %s was not stored, because another server has the song now, or has changed it: %s"
            )
            logger.warning(text, song.song_id, lost)
            return
        if song.reason == INTERRUPTED:
            self._watcher.interrupted(song.engine)

    async def _logged(self, ending: Coroutine[Any, Any, None], song_id: str) -> None:
        try:
            await ending
        except StoreFailed as error:
            text = "the end of the song %s could not be stored; another server ends it when the lease expires: %s"
            logger.error(text, song_id, error)

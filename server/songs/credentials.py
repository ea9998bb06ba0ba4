"""Signs content credentials (C2PA manifests) of complete songs when they are first requested."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Protocol

from server.audio.codecs.registry import format_named
from server.audio.manifest import SigningFailed
from server.audio.marks import GENERATED
from server.errors import CredentialsFailed, NoCredentials, Overloaded, SongDeleted, SongNotComplete
from server.song import Marks, SongState
from server.songs.recordings.recording import Recording
from server.songs.recordings.song_record import failure_of
from server.store.base import SongRecord, StoreFailed

SECONDS: Final = 10.0
"""Time limit in seconds for signing one C2PA manifest, including the wait for its turn and the reading of the sound."""

PLACES: Final = 16
"""Maximum number of C2PA manifests that are being signed or wait for it; further requests are refused."""

KEPT: Final = 256
"""Maximum number of C2PA manifests cached in memory; each has a few kilobytes."""

_RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Signer(Protocol):
    """Protocol of an object that signs C2PA manifests; `server.audio.manifest` implements it."""

    def sign(self, sound: bytes, media_type: str, title: str, digital_source_type: str) -> bytes:
        """Return the signed C2PA manifest for a sound file with the bytes `sound`, in which the song is named `title`.
        `digital_source_type` is a URL of the IPTC NewsCodes that says how the sound was made. Called on a separate
        thread. Raises SigningFailed.
        """


class Credentials:
    """Signs the C2PA manifests of songs, one at a time on a separate thread, and caches the latest ones in memory.

    Manifests are not stored on disk. Once a manifest is no longer cached, or on another server, the same sound gets a
    new manifest, signed with the certificate of that time.
    """

    def __init__(self, signer: Signer | None, *, seconds: float = SECONDS) -> None:
        """Set up the signing of C2PA manifests, with a time limit of `seconds` for each. Without a `signer` no
        manifests are made.
        """
        self._signer = signer
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sign")
        self._turn = asyncio.Lock()
        self._making: dict[str, asyncio.Task[bytes]] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self.made = 0
        """Number of C2PA manifests signed since the start."""
        self.failed = 0
        """Number of C2PA manifests whose signing has failed since the start."""

    def of(self, song: SongRecord) -> bool:
        """Return True if this server can sign a C2PA manifest of the song: a signer is set, and the song is
        complete.
        """
        return self._signer is not None and song.state is SongState.COMPLETED

    async def manifest(self, recording: Recording) -> bytes:
        """Return the C2PA manifest of a song, from the cache or newly signed.

        Raises:
            NoCredentials: this server does not sign manifests.
            SongNotComplete: the song is not complete.
            Overloaded: too many manifests are requested at once.
            SongDeleted: the song's caller has deleted the song meanwhile.
            CredentialsFailed: the manifest could not be signed; the log has the cause. The song can still be played.
        """
        if self._signer is None:
            raise NoCredentials
        song = recording.song
        if song.state is not SongState.COMPLETED:
            raise SongNotComplete(song.state.value, failure_of(song))
        if kept := self._kept.get(song.song_id):
            return kept
        return await asyncio.shield(self._making.get(song.song_id) or self._begin(recording, self._signer))

    def remove(self, song_id: str) -> None:
        """Remove the manifest of a deleted song from the cache; a manifest that is being signed now is not cached
        either.
        """
        self._kept.pop(song_id, None)
        self._making.pop(song_id, None)

    async def close(self) -> None:
        """Cancel the signing of C2PA manifests and stop the signing thread."""
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self, recording: Recording, signer: Signer) -> asyncio.Task[bytes]:
        if len(self._making) >= PLACES:
            raise Overloaded("too many C2PA manifests are being signed: try again later", _RETRY_SECONDS)
        song_id = recording.song.song_id
        work = partial(_signed, signer, recording.song, _marks(recording))
        task = asyncio.create_task(self._make(recording, work), name=f"sign {song_id}")
        self._making[song_id] = task
        task.add_done_callback(lambda done: self._ended(song_id, done))
        return task

    def _ended(self, song_id: str, task: asyncio.Task[bytes]) -> None:
        """Cache the manifest that `task` has signed, unless the task failed or the song was deleted meanwhile."""
        failed = task.cancelled() or task.exception() is not None
        if self._making.get(song_id) is not task:
            return
        del self._making[song_id]
        if not failed:
            self._kept[song_id] = task.result()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    async def _make(self, recording: Recording, signed: Callable[[bytes], bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                sound = await _sound(recording)
                manifest = await asyncio.get_running_loop().run_in_executor(self._thread, signed, sound)
        except SongDeleted:
            raise
        except Exception as error:
            self.failed += 1
            self._report(recording.song.song_id, error)
            raise CredentialsFailed(recording.song.song_id) from error
        self.made += 1
        return manifest

    def _report(self, song_id: str, error: Exception) -> None:
        text = f"its signing took longer than {self._seconds:g} s" if isinstance(error, TimeoutError) else str(error)
        bug = None if isinstance(error, SigningFailed | StoreFailed | TimeoutError) else error
        logger.error(
            "the C2PA manifest of the song %s could not be signed; its caller is asked to try again: %s",
            song_id,
            text,
            extra={"song_id": song_id},
            exc_info=bug,
        )


async def _sound(recording: Recording) -> bytes:
    """Return the whole encoded sound of a song, from memory or from the store."""
    with recording.listened() as events:
        return b"".join([one.message.chunk.data async for one in events])


def _signed(signer: Signer, song: SongRecord, marks: Marks, sound: bytes) -> bytes:
    """Return the signed C2PA manifest of a song. Runs in a thread. Raises SigningFailed if the SHA-256 hash of `sound`
    differs from the hash in the song's record.

    The manifest must not contain the song's id: a manifest may be passed on, and the id grants access to the song.
    """
    if hashlib.sha256(sound).hexdigest() != song.sha256:
        raise SigningFailed(
            "the stored sound differs from the generated sound, so no manifest is signed: restore the sound file from "
            "a backup"
        )
    title = marks.content_id or song.sha256
    return signer.sign(sound, format_named(song.format).media_type, title, marks.digital_source_type or GENERATED)


def _marks(recording: Recording) -> Marks:
    """Return the marks in a song's file that declare its sound as AI-generated; with empty fields if no plan of the
    song was made.
    """
    if (plan := recording.plan) is None:
        return Marks("", "", "")
    return Marks(plan.marks.digital_source_type, plan.marks.producer, plan.marks.content_id)

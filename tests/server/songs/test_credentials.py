"""Tests of C2PA manifests: signed once, only for complete songs, within a time limit, and dropped with their songs."""

import asyncio
import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.audio.manifest import SigningFailed
from server.errors import (
    CredentialsFailed,
    NoCredentials,
    Overloaded,
    SongDeleted,
    SongNotComplete,
    UnknownSong,
)
from server.song import Chunk, Marks, Planned, SongCompleted, SongEvent
from server.songs.credentials import PLACES, Credentials
from server.songs.service import Songs
from tests.support.edge import songs_of
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner
from tests.support.replica_pair import heard, request

DIGEST = hashlib.sha256(b"sound").hexdigest()
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"


def events(sha256: str = DIGEST, marks: Marks | None = None) -> Iterator[SongEvent]:
    """Yield the events of the fake song with a given checksum of its sound, and with `marks` in its plan."""
    for event in FAKE_EVENTS:
        match event:
            case Planned():
                yield replace(event, marks=marks)
            case SongCompleted():
                yield replace(event, sha256=sha256)
            case Chunk():
                yield event


class Pen:
    """A stand-in for the signer of manifests, which records what it signs; a test can make it wait (`go_on`) or raise
    an error.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.signed: list[tuple[bytes, str, str, str]] = []
        self.threads: set[threading.Thread] = set()
        self.go_on = threading.Event()
        self.go_on.set()
        self.begun = threading.Event()
        self._error = error

    def sign(self, sound: bytes, media_type: str, title: str, digital_source_type: str) -> bytes:
        self.begun.set()
        self.go_on.wait(10)
        self.threads.add(threading.current_thread())
        self.signed.append((sound, media_type, title, digital_source_type))
        if self._error:
            raise self._error
        return b"manifest %d" % len(self.signed)


async def made(songs: Songs, seed: int = 1) -> None:
    await heard(await songs.generate(request(seed=seed), "me"))


async def manifest(songs: Songs, song_id: str = "song-1") -> bytes:
    return await songs.credentials.manifest(await songs.find(song_id))


async def test_a_manifest_is_made_once_off_the_event_loop_with_the_marks_of_the_song() -> None:
    pen, marks = Pen(), Marks(COMPOSITE, "", "0f")
    async with songs_of(FakeRunner(list(events(marks=marks))), signer=pen) as songs:
        await made(songs)
        assert songs.credentials.of(await songs.get("song-1", "me"))
        both = await asyncio.gather(manifest(songs), manifest(songs))

        assert [*both, await manifest(songs)] == [b"manifest 1"] * 3
        assert pen.signed == [(b"sound", "audio/mpeg", "0f", COMPOSITE)]
        assert threading.main_thread() not in pen.threads
        assert (songs.credentials.made, songs.credentials.failed) == (1, 0)


async def test_a_song_without_marks_is_signed_as_generated() -> None:
    pen = Pen()
    async with songs_of(FakeRunner(list(events())), signer=pen) as songs:
        await made(songs)
        await manifest(songs)
        assert pen.signed == [(b"sound", "audio/mpeg", DIGEST, COMPOSITE.replace("compositeWithT", "t"))]


async def test_there_is_none_without_a_certificate_and_of_a_song_that_is_not_complete() -> None:
    async with songs_of(FakeRunner(list(events()))) as songs:
        await made(songs)
        assert not songs.credentials.of(await songs.get("song-1", "me"))
        with pytest.raises(NoCredentials):
            await manifest(songs)
    async with songs_of(FakeRunner(hangs=True), signer=Pen()) as songs:
        recording = await songs.generate(request(), "me", detached=True)
        assert not songs.credentials.of(recording.song)
        with pytest.raises(SongNotComplete):
            await manifest(songs)
        await songs.cancel("song-1", "me")


async def test_nothing_is_left_of_a_manifest_whose_song_is_deleted() -> None:
    pen = Pen()
    async with songs_of(FakeRunner(list(events())), signer=pen) as songs:
        for number in (1, 2):
            await made(songs, seed=number)
        await manifest(songs)
        pen.go_on.clear()
        pen.begun.clear()
        making = asyncio.create_task(manifest(songs, "song-2"))
        assert await asyncio.to_thread(pen.begun.wait, 5)
        for song_id in ("song-1", "song-2"):
            await songs.delete(song_id, "me")
        pen.go_on.set()
        await asyncio.wait([making])
        assert (songs.credentials._kept, songs.credentials._making) == ({}, {})
        for song_id in ("song-1", "song-2"):
            with pytest.raises(UnknownSong):
                await manifest(songs, song_id)


@pytest.mark.parametrize(
    ("sha256", "error", "text"),
    [
        ("ab" * 32, None, "the stored sound differs from the generated sound, so no manifest is signed"),
        (DIGEST, SigningFailed("the certificate has expired"), "has expired"),
        (DIGEST, RuntimeError("a bug"), "a bug"),
    ],
)
async def test_a_manifest_that_cannot_be_made_is_told_and_the_song_plays(
    sha256: str, error: Exception | None, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with songs_of(FakeRunner(list(events(sha256))), signer=Pen(error)) as songs:
        await made(songs)
        for _ in range(2):  # the next one who asks makes a new attempt
            with caplog.at_level(logging.ERROR), pytest.raises(CredentialsFailed, match="try again later"):
                await manifest(songs)
        assert [text in record.getMessage() for record in caplog.records] == [True, True]
        assert (songs.credentials.made, songs.credentials.failed) == (0, 2)
        assert await heard(await songs.find("song-1")) == (["accepted", "plan", "chunk", "finished"], b"sound")


async def test_a_manifest_takes_no_longer_than_it_may_and_only_so_many_wait(caplog: pytest.LogCaptureFixture) -> None:
    pen = Pen()
    pen.go_on.clear()
    async with songs_of(FakeRunner(list(events()))) as songs:
        for number in range(1, PLACES + 2):
            await made(songs, seed=number)
        recordings = [await songs.find(f"song-{number}") for number in range(1, PLACES + 2)]
        credentials = Credentials(pen, seconds=0.2)
        answers = await asyncio.gather(*map(credentials.manifest, recordings), return_exceptions=True)

        assert [type(one) for one in answers] == [CredentialsFailed] * PLACES + [Overloaded]
        assert "signing took longer than 0.2 s" in caplog.text
        pen.go_on.set()
        assert (await credentials.manifest(recordings[0])).startswith(b"manifest")
        await credentials.close()


async def test_a_caller_that_leaves_takes_the_manifest_from_nobody_else() -> None:
    pen = Pen()
    pen.go_on.clear()
    async with songs_of(FakeRunner(list(events())), signer=pen) as songs:
        await made(songs)
        first, second = (asyncio.create_task(manifest(songs)) for _ in range(2))
        await asyncio.to_thread(pen.begun.wait, 5)
        first.cancel()
        pen.go_on.set()
        assert await second == b"manifest 1"


async def test_a_song_that_is_deleted_while_it_is_read_is_told_as_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with songs_of(FakeRunner(list(events())), signer=Pen()) as songs:
        await made(songs)
        recording = await songs.find("song-1")
        await songs.delete("song-1", "me")
        with pytest.raises(SongDeleted):
            await songs.credentials.manifest(recording)
        assert songs.credentials.failed == 0

import asyncio
from pathlib import Path

import grpc
import pytest

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import SongAccepted, SongFinished
from melisma_client import (
    AsyncClient,
    Cancelled,
    DeadlineExceeded,
    NotEnded,
    NotFound,
    Retry,
    ServerFault,
    SongRequest,
    Unavailable,
)
from tests.clients.python.fakes import (
    CHUNKS,
    SONG,
    FakeMusic,
    breaks_after,
    drops_after,
    plays,
    refuses,
    rest_from,
    song_responses,
    unknown_response,
)

REQUEST = SongRequest(prompt="pop", seed=7)
AT_ONCE = Retry(first_wait_seconds=0)


async def test_events_come_in_order_and_end_with_finished(address: str) -> None:
    async with AsyncClient(address) as client:
        events = [event async for event in client.generate(REQUEST)]
    assert len(events) == len(song_responses())
    assert isinstance(events[-1], SongFinished)


async def test_an_event_of_a_newer_server_does_not_break_the_song(music: FakeMusic, address: str) -> None:
    known = song_responses()
    async with AsyncClient(address) as client:
        events = [event async for event in client.generate(REQUEST)]
        for place in range(len(known) + 1):
            music.acts = [plays([*known[:place], unknown_response(), *known[place:]])]
            song = client.generate(REQUEST)
            assert [event async for event in song] == events
            assert song.received.close().size_bytes == len(SONG)


async def test_the_caller_is_named(music: FakeMusic, address: str) -> None:
    async with AsyncClient(address, caller="radio") as client:
        await anext(aiter(client.generate(REQUEST)))
    assert music.callers == ["radio"]


async def test_audio_is_the_song_chunk_by_chunk(address: str) -> None:
    async with AsyncClient(address) as client:
        assert tuple([data async for data in client.generate(REQUEST).audio()]) == CHUNKS


async def test_save_writes_the_whole_song(address: str, tmp_path: Path) -> None:
    async with AsyncClient(address) as client:
        await client.generate(REQUEST).save(tmp_path / "song.mp3")
    assert (tmp_path / "song.mp3").read_bytes() == SONG


async def test_a_song_that_breaks_off_is_kept_as_a_part(music: FakeMusic, address: str, tmp_path: Path) -> None:
    music.acts = [breaks_after(song_responses()[:4], grpc.StatusCode.INTERNAL, "bug")]
    async with AsyncClient(address) as client:
        with pytest.raises(ServerFault):
            await client.generate(REQUEST).save(tmp_path / "song.mp3")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"song.mp3.part": b"first"}


async def test_failures_before_the_first_message_are_tried_again(music: FakeMusic, address: str) -> None:
    music.acts = [refuses(grpc.StatusCode.UNAVAILABLE, "draining"), plays(song_responses())]
    async with AsyncClient(address, retry=AT_ONCE) as client:
        assert b"".join([data async for data in client.generate(REQUEST).audio()]) == SONG
    assert len(music.requests) == 2


async def test_a_failure_after_the_first_sound_is_final(music: FakeMusic, address: str) -> None:
    music.acts = [breaks_after(song_responses()[:4], grpc.StatusCode.UNAVAILABLE, "worker lost")]
    async with AsyncClient(address, retry=AT_ONCE) as client:
        song = client.generate(REQUEST)
        assert isinstance(await anext(aiter(song)), SongAccepted)
        with pytest.raises(Unavailable, match="worker lost"):
            [event async for event in song]
    assert len(music.requests) == 1


async def test_a_song_that_is_lost_before_its_first_sound_is_asked_for_again(music: FakeMusic, address: str) -> None:
    music.acts = [breaks_after(song_responses()[:3], grpc.StatusCode.UNAVAILABLE, "lost"), plays(song_responses())]
    async with AsyncClient(address, retry=AT_ONCE) as client:
        song = client.generate(SongRequest(prompt="pop"))
        assert [type(event) async for event in song].count(SongAccepted) == 2
    assert [request.seed if request.HasField("seed") else None for request in music.requests] == [None, 7]


async def test_a_deadline_that_passes_is_told(music: FakeMusic, address: str, tmp_path: Path) -> None:
    music.acts = [music.waits_after(song_responses()[:1])]
    async with AsyncClient(address) as client:
        with pytest.raises(DeadlineExceeded):
            await client.generate(REQUEST, timeout_seconds=0.2).save(tmp_path / "never.mp3")


async def test_leaving_a_song_early_ends_it_on_the_server(music: FakeMusic, address: str) -> None:
    music.acts = [music.waits_after(song_responses()[:4])]
    async with AsyncClient(address) as client:
        async with client.generate(REQUEST) as song:
            await anext(song.audio())
        assert await asyncio.to_thread(music.left.wait, 10)


async def test_a_cancelled_song_says_so_to_whoever_waits(music: FakeMusic, address: str) -> None:
    music.acts = [music.waits_after(song_responses()[:4])]
    async with AsyncClient(address) as client:
        song = client.generate(REQUEST)
        first = asyncio.Event()

        async def listen() -> None:
            async for _ in song:
                first.set()

        listener = asyncio.create_task(listen())
        await first.wait()
        song.cancel()
        with pytest.raises(Cancelled):
            await listener


async def test_a_song_can_be_cancelled_while_it_waits_for_another_try(music: FakeMusic, address: str) -> None:
    music.acts = [refuses(grpc.StatusCode.UNAVAILABLE, "draining")]
    async with AsyncClient(address, retry=Retry(first_wait_seconds=3600, longest_wait_seconds=3600)) as client:
        song = client.generate(REQUEST, timeout_seconds=7200)
        first = asyncio.ensure_future(anext(aiter(song)))
        while not music.requests:
            await asyncio.sleep(0.01)
        song.cancel()
        with pytest.raises(Cancelled):
            await asyncio.wait_for(first, 10)


async def test_a_cancelled_task_stays_cancelled_and_ends_the_song(
    music: FakeMusic, address: str, tmp_path: Path
) -> None:
    music.acts = [music.waits_after(song_responses()[:4])]
    async with AsyncClient(address) as client:
        song = client.generate(REQUEST)
        await anext(aiter(song))
        listener = asyncio.create_task(song.save(tmp_path / "never.mp3"))
        await asyncio.sleep(0)
        listener.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listener
        assert await asyncio.to_thread(music.left.wait, 10)


async def test_engines_can_be_listed_and_looked_up(address: str) -> None:
    async with AsyncClient(address) as client:
        assert await client.list_engines() == (await client.get_engine("studio"),)


async def test_engines_are_read_page_by_page(music: FakeMusic, address: str) -> None:
    music.engines = [music_pb2.Engine(name=f"engine_{number}") for number in range(5)]
    async with AsyncClient(address) as client:
        assert await client.list_engines() == tuple(music.engines)


async def test_an_unknown_engine_is_not_found(address: str) -> None:
    async with AsyncClient(address) as client:
        with pytest.raises(NotFound):
            await client.get_engine("nothing")


async def test_a_song_goes_on_where_its_connection_broke(music: FakeMusic, address: str) -> None:
    music.acts, music.encores = [drops_after(song_responses()[:4])], [plays(rest_from(1))]
    async with AsyncClient(address, retry=AT_ONCE) as client:
        assert b"".join([data async for data in client.generate(REQUEST).audio()]) == SONG
    assert music.resumptions == [5]


async def test_a_song_can_be_listened_to_from_a_byte_on(music: FakeMusic, address: str) -> None:
    music.encores = [plays(rest_from(1))]
    async with AsyncClient(address) as client:
        assert b"".join([data async for data in client.listen("song-1", 5).audio()]) == SONG[5:]
    assert (music.resumptions, music.cancelled) == ([5], [])


async def test_the_server_is_told_of_a_song_that_is_left_before_the_client_closes(
    music: FakeMusic, address: str
) -> None:
    music.acts = [music.waits_after(song_responses()[:4])]
    async with AsyncClient(address) as client, client.generate(REQUEST) as song:
        await anext(song.audio())
    assert music.cancelled == ["song-1"]


async def test_songs_can_be_looked_up_listed_and_cancelled(music: FakeMusic, address: str) -> None:
    music.songs = [music_pb2.Song(song_id=f"song-{number}") for number in range(5)]
    async with AsyncClient(address) as client:
        assert (await client.get_song("song-3")).song_id == "song-3"
        assert [len(await client.list_songs(limit)) for limit in (1, 3, 50)] == [1, 3, 5]
        assert (await client.cancel_song("song-2")).song_id == "song-2"


async def test_a_song_that_has_ended_is_deleted_although_the_answer_is_lost(music: FakeMusic, address: str) -> None:
    music.lost_answers = 1
    async with AsyncClient(address, retry=Retry(first_wait_seconds=0)) as client:
        await client.delete_song("song-1")
        assert music.songs == []
        with pytest.raises(NotFound):
            await client.delete_song("song-1")
        music.songs = [music_pb2.Song(song_id="song-2", state=music_pb2.SONG_STATE_QUEUED)]
        with pytest.raises(NotEnded):
            await client.delete_song("song-2")

import asyncio

import pytest

from model.song import Violation
from server.errors import (
    ChecksOverloaded,
    Draining,
    InvalidRequest,
    Overloaded,
    QuotaExceeded,
    RequestIdReused,
    ServiceError,
    UnknownEngine,
    UnknownSong,
    WorkerLost,
)
from server.quota import Quota
from server.song import SongState
from server.songs.tickets import Terms
from server.store.base import StoreFailed
from tests.support.checking import PassingChecker
from tests.support.edge import songs_of
from tests.support.fake_runner import FAKE_EVENTS, FakeRunner
from tests.support.song_requests import REQUEST_ID, heard, request, until


async def test_a_song_is_told_kept_and_found_again() -> None:
    async with songs_of(FakeRunner()) as songs:
        recording = await songs.generate(request(), "me")
        assert await heard(recording) == ["accepted", "plan", "chunk", "finished"]
        await until(lambda: not songs.listeners)
        again = await songs.find("song-1", "me")
        assert await heard(again) == ["accepted", "plan", "chunk", "finished"]
        assert (await songs.get("song-1", "me")).state is SongState.COMPLETED


async def test_a_request_that_its_engine_refuses_is_told_so_before_it_is_a_song() -> None:
    runner, refusal = FakeRunner(), InvalidRequest(Violation("key", "is no key"))
    async with songs_of(runner, checker=PassingChecker(refusal)) as songs:
        with pytest.raises(InvalidRequest, match="is no key"):
            await songs.generate(request(), "me", detached=True)
        assert (await songs.page("me"))[0] == []
    assert not runner.requests


@pytest.mark.parametrize("refusal", [ChecksOverloaded("too many", 1.0), WorkerLost("it is being restarted")])
async def test_a_song_that_cannot_be_checked_counts_as_refused(refusal: ServiceError) -> None:
    runner = FakeRunner()
    async with songs_of(runner, checker=PassingChecker(refusal)) as songs:
        with pytest.raises(type(refusal)):
            await songs.generate(request(), "me")
    assert runner.counted == [refusal]


@pytest.mark.parametrize("fault", [KeyError("a bug"), StoreFailed("away")])
async def test_a_song_that_a_fault_of_the_service_keeps_out_is_counted(fault: Exception) -> None:
    runner = FakeRunner(refusal=fault)
    async with songs_of(runner) as songs:
        with pytest.raises(type(fault)):
            await songs.generate(request(), "me")
    assert runner.faults == [("fake", fault)]


async def test_a_song_that_the_fault_of_its_caller_keeps_out_is_no_fault_of_the_service() -> None:
    runner = FakeRunner()
    async with songs_of(runner) as songs:
        with pytest.raises(UnknownEngine):
            await songs.generate(request(engine="none"), "me")
    assert runner.faults == []


async def test_a_song_is_made_with_what_its_check_has_found() -> None:
    runner, checker = FakeRunner(), PassingChecker()
    async with songs_of(runner, checker=checker) as songs:
        await heard(await songs.generate(request(), "me"))
    assert [(asked.caller, asked.engine) for asked in checker.requests] == [("me", "fake")]
    assert runner.requests == checker.requests


async def test_a_refusal_leaves_no_song() -> None:
    async with songs_of(FakeRunner(refusal=Overloaded("full", 2.0))) as songs:
        with pytest.raises(Overloaded):
            await songs.generate(request(), "me")
        assert (await songs.page("me"))[0] == []


async def test_a_page_of_songs_is_never_longer_than_200() -> None:
    async with songs_of(FakeRunner()) as songs:
        for number in range(202):
            await heard(await songs.generate(request(seed=number), "me"))
        for asked, size in ((0, 50), (1, 1), (200, 200), (201, 200), (5000, 200)):
            page, token = await songs.page("me", asked)
            assert (len(page), bool(token)) == (size, True)


async def test_leaving_a_song_without_a_request_id_cancels_it_at_once() -> None:
    runner = FakeRunner(hangs=True)
    async with songs_of(runner) as songs:
        recording = await songs.generate(request(), "me")
        with recording.listened() as told:
            await anext(told)
        assert runner.jobs[0].closed.is_set()
        assert recording.song.state is SongState.CANCELLED


async def test_a_song_with_a_request_id_waits_for_its_listener_to_come_back() -> None:
    runner = FakeRunner(hangs=True)
    async with songs_of(runner, linger_seconds=0.3) as songs:
        recording = await songs.generate(request(request_id=REQUEST_ID), "me")
        with recording.listened() as told:
            await anext(told)
        assert not runner.jobs[0].closed.is_set()
        again = await songs.generate(request(request_id=REQUEST_ID), "me")
        assert again is recording
        with again.listened() as told:
            await asyncio.sleep(0.4)
            assert not runner.jobs[0].closed.is_set()
        await until(runner.jobs[0].closed.is_set)
        assert len(runner.jobs) == 1


async def test_a_detached_song_needs_no_listener() -> None:
    runner = FakeRunner()
    async with songs_of(runner, linger_seconds=0.0) as songs:
        recording = await songs.generate(request(), "me", detached=True)
        with recording.listened():
            pass
        await until(lambda: recording.song.state is SongState.COMPLETED)


async def test_an_id_that_was_used_for_another_request_is_refused_and_another_callers_is_not() -> None:
    runner = FakeRunner()
    async with songs_of(runner) as songs:
        await heard(await songs.generate(request(request_id=REQUEST_ID), "me"))
        with pytest.raises(RequestIdReused):
            await songs.generate(request(request_id=REQUEST_ID, seed=6), "me")
        await heard(await songs.generate(request(request_id=REQUEST_ID, seed=6), "other"))
        assert len(runner.jobs) == 2


@pytest.mark.parametrize("again", [5, 6])
async def test_a_failed_song_is_made_again(again: int) -> None:
    runner = FakeRunner(FAKE_EVENTS[:2], error=WorkerLost("gone"))
    async with songs_of(runner) as songs:
        for seed in (5, again):
            with pytest.raises(WorkerLost):
                await heard(await songs.generate(request(request_id=REQUEST_ID, seed=seed), "me"))
        assert len(runner.jobs) == 2


async def test_two_calls_with_the_same_id_at_once_make_one_song() -> None:
    runner = FakeRunner(hangs=True)
    async with songs_of(runner) as songs:
        one, other = await asyncio.gather(*(songs.generate(request(request_id=REQUEST_ID), "me") for _ in range(2)))
        assert one is other
        await songs.cancel(one.song.song_id, "me")


async def test_a_failure_is_told_and_noted() -> None:
    async with songs_of(FakeRunner(FAKE_EVENTS[:2], error=WorkerLost("gone"))) as songs:
        with pytest.raises(WorkerLost):
            await heard(await songs.generate(request(), "me"))
        song = await songs.get("song-1", "me")
        assert (song.state, song.reason, song.error) == (SongState.FAILED, "WORKER_LOST", "gone")


async def test_songs_of_others_are_unknown() -> None:
    async with songs_of(FakeRunner()) as songs:
        await heard(await songs.generate(request(), "me"))
        for ask in (songs.find, songs.get, songs.cancel):
            with pytest.raises(UnknownSong):
                await ask("song-1", "other")
        assert (await songs.find("song-1")).song.caller == "me"


async def test_cancelling_a_song_that_has_ended_changes_nothing() -> None:
    async with songs_of(FakeRunner()) as songs:
        await heard(await songs.generate(request(), "me"))
        assert (await songs.cancel("song-1", "me")).state is SongState.COMPLETED


async def test_songs_beyond_the_queue_are_refused_until_one_ends() -> None:
    runner = FakeRunner(hangs=True)
    runner.slots, runner.queued = 1, 1
    async with songs_of(runner) as songs:
        recordings = [await songs.generate(request(), "me") for _ in range(2)]
        assert [one.entries[0].message.accepted.queue_position for one in recordings] == [0, 1]
        with pytest.raises(Overloaded, match="2 songs"):
            await songs.generate(request(), "me")
        await songs.cancel("song-1", "me")
        await runner.jobs[0].ended.wait()
        await songs.generate(request(), "me")
        await songs.cancel("song-2", "me")
        await songs.cancel("song-4", "me")


async def test_who_has_heard_a_song_to_its_end_may_ask_for_the_next_one() -> None:
    async with songs_of(FakeRunner(), terms=lambda caller: Terms(Quota(concurrent_songs=1))) as songs:
        for _ in range(3):
            recording = await songs.generate(request(), "me")
            with pytest.raises(QuotaExceeded, match="1 songs at once"):
                await songs.generate(request(), "me")
            assert await heard(recording) == ["accepted", "plan", "chunk", "finished"]


async def test_a_repeated_request_finds_its_song_whatever_is_refused_now() -> None:
    runner = FakeRunner(hangs=True)
    async with songs_of(runner, terms=lambda caller: Terms(Quota(concurrent_songs=1))) as songs:
        recording = await songs.generate(request(request_id=REQUEST_ID), "me")
        assert await songs.generate(request(request_id=REQUEST_ID), "me") is recording
        runner.draining = True
        assert await songs.generate(request(request_id=REQUEST_ID), "me") is recording
        with pytest.raises(RequestIdReused):
            await songs.generate(request(request_id=REQUEST_ID, seed=6), "me")
        with pytest.raises(Draining):
            await songs.generate(request(), "me")
        await songs.cancel("song-1", "me")

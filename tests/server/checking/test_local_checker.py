"""Tests of the process that checks requests: no request can block it for other callers."""

import asyncio
import io
import pickle
import time
from collections.abc import AsyncIterator

import mido
import psutil
import pytest
import pytest_asyncio

from model.song import AnchorNote, SongParams, SongPlan
from server.checking.local_checker import CheckLimits, LocalChecker
from server.errors import ChecksOverloaded, EngineNotReady, InvalidRequest, SongFailed, WorkerLost
from server.song import SongRequest
from server.workers.pipes.piped_process import PipedProcess
from server.workers.worker_spec import EngineSpec

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = CheckLimits(cpu_seconds=0.3, silent_seconds=0.6, total_seconds=60.0, waiting_per_caller=20)


def midi_file() -> bytes:
    """Return a MIDI file with a beat of C and half a beat of D."""
    track = [
        mido.Message(kind, note=pitch, time=time)
        for pitch, length in ((60, 480), (62, 240))
        for kind, time in (("note_on", 0), ("note_off", length))
    ]
    buffer = io.BytesIO()
    mido.MidiFile(tracks=[mido.MidiTrack(track)], ticks_per_beat=480).save(file=buffer)
    return buffer.getvalue()


def request(prompt: str = "", caller: str = "me", **changes: object) -> SongRequest:
    params = SongParams(prompt, str(changes.pop("lyrics", "")), 1)
    return SongRequest("id", str(changes.pop("engine", "obedient")), params, caller=caller, **changes)  # type: ignore[arg-type]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def checker() -> AsyncIterator[LocalChecker]:
    made = LocalChecker(
        (EngineSpec("studio"), EngineSpec("obedient")),
        LIMITS,
        new_process=lambda: PipedProcess("tests.server.checking.obedient_checker"),
    )
    async with made.running():
        yield made


async def test_the_plan_that_was_made_goes_on_to_the_worker(checker: LocalChecker) -> None:
    checked = await checker.check(request("pop", engine="studio", lyrics="[verse]\n春天醒来花就开"))
    plan = pickle.loads(checked.plan)
    assert isinstance(plan, SongPlan)
    assert next(line.text for section in plan.sections for line in section.lines) == "春天醒来花就开"


async def test_a_melody_is_read_in_the_checking_process_for_every_engine(checker: LocalChecker) -> None:
    for engine in ("obedient", "of_another_server"):
        checked = await checker.check(request(engine=engine, midi=midi_file()))
        assert checked.params.anchor == (AnchorNote(60, 1.0), AnchorNote(62, 0.5))
        assert checked.midi == b""


async def test_a_bad_melody_is_refused_by_its_field(checker: LocalChecker) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await checker.check(request(midi=b"\xff" * 1000))
    assert [violation.field for violation in caught.value.violations] == ["anchor.midi"]


async def test_an_engine_of_another_factory_is_not_checked_and_needs_no_process() -> None:
    asked = request("refuse")
    assert await LocalChecker((EngineSpec("obedient", "a:B"),)).check(asked) is asked


async def test_all_violations_of_a_refusal_arrive(checker: LocalChecker) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await checker.check(request("refuse"))
    assert [(one.field, one.description) for one in caught.value.violations] == [
        ("key", "is no key"),
        ("lyrics", "cannot be sung"),
    ]


async def test_a_bug_is_logged_without_the_caller_s_words_and_refuses_the_request(
    checker: LocalChecker, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SongFailed):
        await checker.check(request("raise", lyrics="my secret"))
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_check_that_takes_too_long_is_refused_and_the_process_goes_on(checker: LocalChecker) -> None:
    pid = checker.pid
    with pytest.raises(InvalidRequest, match="too long"):
        await checker.check(request("spin"))
    await checker.check(request())
    assert checker.pid == pid


async def test_a_long_check_holds_up_nobody_not_even_its_own_caller(checker: LocalChecker) -> None:
    spinning = [asyncio.create_task(checker.check(request("spin", caller="hostile"))) for _ in range(3)]
    await asyncio.sleep(0)
    started = time.monotonic()
    await asyncio.gather(*(checker.check(request(caller=f"{number}")) for number in range(20)))
    assert not any(task.done() for task in spinning[:2]), time.monotonic() - started
    told = await asyncio.gather(*spinning, return_exceptions=True)
    assert all(isinstance(error, InvalidRequest) for error in told)


@pytest.mark.parametrize("prompt", ["die", "hang"])
async def test_a_request_that_ends_the_process_twice_is_given_up_and_the_others_are_checked(
    checker: LocalChecker, prompt: str
) -> None:
    bad = asyncio.create_task(checker.check(request(prompt, caller="hostile")))
    good = [asyncio.create_task(checker.check(request("sleep", caller=f"{number}"))) for number in range(2)]
    with pytest.raises(SongFailed):
        await bad
    await asyncio.gather(*good)


async def test_a_process_that_is_killed_is_replaced(checker: LocalChecker) -> None:
    await checker.check(request())
    pid = checker.pid
    assert pid is not None
    psutil.Process(pid).kill()
    await checker.check(request("sleep"))
    assert checker.pid != pid


async def test_too_many_requests_of_one_caller_are_refused_and_of_others_not(checker: LocalChecker) -> None:
    many = [asyncio.create_task(checker.check(request("sleep", caller="many"))) for _ in range(30)]
    await asyncio.sleep(0)
    await checker.check(request(caller="one"))
    for task in many:
        if not task.done():
            task.cancel()
    told = await asyncio.gather(*many, return_exceptions=True)
    assert sum(isinstance(error, ChecksOverloaded) for error in told) == 30 - 20 - 2


async def test_requests_that_wait_hold_only_so_many_bytes() -> None:
    checker = LocalChecker((), CheckLimits(total_seconds=0.1, start_seconds=0.1, waiting_bytes=1000))
    large = asyncio.create_task(checker.check(request(midi=bytes(700))))
    await asyncio.sleep(0)
    with pytest.raises(ChecksOverloaded, match="too many requests are waiting"):
        await checker.check(request(midi=bytes(400)))
    with pytest.raises(EngineNotReady):
        await large
    with pytest.raises(EngineNotReady):  # and no longer that it is too many
        await checker.check(request(midi=bytes(400)))


async def test_a_request_waits_only_so_long() -> None:
    checker = LocalChecker((), CheckLimits(total_seconds=0.05, start_seconds=0.05))
    with pytest.raises(EngineNotReady, match="still being started"):
        await checker.check(request())


async def test_the_first_requests_wait_for_the_process_longer_than_for_a_check() -> None:
    limits = CheckLimits(total_seconds=0.05)
    checker = LocalChecker((EngineSpec("studio"),), limits, restart_backoff_seconds=60.0)
    async with checker.running():
        assert (await checker.check(request(engine="studio", lyrics="[verse]\n春天醒来"))).plan
        pid = checker.pid
        assert pid is not None
        psutil.Process(pid).kill()
        async with asyncio.timeout(20):
            while checker.pid == pid:
                await asyncio.sleep(0.01)
        with pytest.raises(WorkerLost, match="being restarted"):
            await checker.check(request(engine="studio"))


async def test_a_process_that_cannot_be_started_is_told_to_liveness(caplog: pytest.LogCaptureFixture) -> None:
    checker = LocalChecker((), new_process=lambda: PipedProcess("no.such.module"), restart_backoff_seconds=0.0)
    assert checker.liveness_problem() is None
    async with checker.running(), asyncio.timeout(20):
        while checker.liveness_problem() is None:
            await asyncio.sleep(0.01)
    assert "the process that checks requests has ended and is restarted" in caplog.text


async def test_the_process_is_started_for_the_first_request_if_not_before() -> None:
    checker = LocalChecker(())
    async with checker.running(start_after=asyncio.Event().wait):
        await asyncio.sleep(0)
        assert checker.pid is None
        await checker.check(request())
        assert checker.pid is not None


async def test_nothing_is_left_of_the_process() -> None:
    checker = LocalChecker(())
    async with checker.running():
        await checker.check(request())
        pid = checker.pid
        assert pid is not None
    assert not psutil.pid_exists(pid)

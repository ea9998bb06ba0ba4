import asyncio
from dataclasses import replace

import pytest

from server.generation.devices.engines import engine_readiness, expected_slots, ready_slots
from server.generation.readiness import EngineReadiness
from tests.support.fakes import FAKE, MISSING
from tests.support.runners import CPU, running


async def test_a_server_whose_check_gives_a_reason_is_unready_and_says_so_by_itself() -> None:
    async with running() as bench:
        readiness = bench.runner.readiness
        reasons: list[str | None] = [None]
        told = asyncio.Event()
        assert readiness.readiness_problem() is None
        watching = asyncio.create_task(readiness.watch(lambda: reasons[0]))
        await asyncio.sleep(0)
        readiness.subscribe(told.set)
        reasons[0] = "the song directory (Redis or Valkey) cannot be reached now"
        async with asyncio.timeout(10.0):
            await told.wait()
        watching.cancel()
        assert readiness.readiness_problem() == "the song directory (Redis or Valkey) cannot be reached now"


async def test_a_server_without_an_engine_is_ready_while_others_make_its_songs(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as bench:
        readiness, served, told = bench.runner.readiness, [False], asyncio.Event()
        counting = asyncio.create_task(readiness.count_on(lambda: served[0]))
        await asyncio.sleep(0)
        assert readiness.readiness_problem() is None
        monkeypatch.setattr(readiness, "ready", lambda engine: False)
        assert readiness.readiness_problem() == "no engine is ready"
        readiness.subscribe(told.set)
        served[0] = True
        async with asyncio.timeout(10.0):
            await told.wait()
        counting.cancel()
        assert readiness.readiness_problem() is None


async def test_a_server_that_still_loads_is_no_successor_of_those_that_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as bench:
        readiness, ready = bench.runner.readiness, [False]
        monkeypatch.setattr(readiness, "ready", lambda engine: ready[0])
        counting = asyncio.create_task(readiness.count_on(lambda: True))
        await asyncio.sleep(0)
        assert readiness.readiness_problem() == "no engine is ready"
        ready[0] = True
        assert readiness.readiness_problem() is None
        ready[0] = False
        assert readiness.readiness_problem() is None
        counting.cancel()


async def test_every_configured_engine_has_to_be_ready_unless_any_is_enough() -> None:
    async with running(any_engine=False) as bench:
        readiness = bench.runner.readiness
        assert readiness.readiness_problem() == "engine 'missing' is not ready"
        assert readiness.engine_unready("missing") == "engine 'missing' is not ready"
        assert readiness.engine_unready("fake") is None
    async with running(any_engine=True) as bench:
        assert bench.runner.readiness.readiness_problem() is None


async def test_a_server_that_is_nearly_full_is_ready_where_its_balancer_looks_at_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running() as bench:
        readiness = bench.runner.readiness
        monkeypatch.setattr(EngineReadiness, "saturated", True)
        assert readiness.readiness_problem() == "the queue is nearly full"
        assert readiness.readiness_problem(full_is_ready=True) is None


async def test_places_are_those_of_devices_that_have_an_engine() -> None:
    """The second device has only an engine that cannot be loaded, so it makes no songs."""
    broken = replace(CPU, name="cpu#2", engines=("missing",))
    async with running(devices=(CPU, broken), engines=(FAKE, MISSING)) as bench:
        assert engine_readiness(bench.pool) == {
            ("fake", "cpu"): True,
            ("missing", "cpu"): False,
            ("missing", broken.name): False,
        }
        assert ready_slots(bench.pool) == bench.runner.room().slots == CPU.running_songs


async def test_a_worker_that_is_being_replaced_leaves_the_queue_as_it_is() -> None:
    """A worker that is missing for a second must not reduce the number of songs that the server accepts."""
    async with running(devices=(CPU, replace(CPU, name="cpu#2"))) as bench:
        pool = bench.pool
        pool._availability.lost("cpu#2")
        assert ready_slots(pool) == CPU.running_songs
        assert expected_slots(pool) == bench.runner.room().slots == 2 * CPU.running_songs
        pool._availability.start_failed("cpu#2")
        assert expected_slots(pool) == CPU.running_songs

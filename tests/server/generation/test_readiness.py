import asyncio

import pytest

from tests.support.runners import running


async def test_a_server_whose_check_gives_a_reason_is_unready_and_says_so_by_itself() -> None:
    async with running() as bench:
        readiness = bench.runner.readiness
        reasons: list[str | None] = [None]
        told = asyncio.Event()
        assert readiness.readiness_problem() is None
        watching = asyncio.create_task(readiness.watch(lambda: reasons[0]))
        await asyncio.sleep(0)
        readiness.subscribe(told.set)
        reasons[0] = "the directory of songs is away"
        async with asyncio.timeout(10.0):
            await told.wait()
        watching.cancel()
        assert readiness.readiness_problem() == "the directory of songs is away"


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

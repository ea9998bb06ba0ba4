import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.workers.base import Worker, WorkerDied
from server.workers.messages import Done, Lane, Ping, Plan, Planned, Prepare, Ready, SectionKey, SongKey, Step
from server.workers.worker_process import WorkerProcess, seen_alone
from server.workers.worker_spec import WorkerSpec
from tests.support.fakes import FAKE, params
from tests.support.table import table
from tests.support.workers.engines import ENDLESS_LOAD, MODULE_LIST, SURROUNDINGS
from tests.support.workers.observers import exchange, is_alive

TIMEOUT_SECONDS = 30.0
SONG = SongKey("a")


async def launched(worker: WorkerProcess, timeout_seconds: float = TIMEOUT_SECONDS) -> Ready:
    await worker.launch()
    return await worker.loaded(timeout_seconds)


@asynccontextmanager
async def started(
    exchange_timeout_seconds: float = TIMEOUT_SECONDS,
) -> AsyncIterator[tuple[WorkerProcess, asyncio.Event]]:
    exited = asyncio.Event()
    worker = WorkerProcess(
        WorkerSpec("cpu", (FAKE,)), exchange_timeout_seconds=exchange_timeout_seconds, on_exit=exited.set
    )
    try:
        await launched(worker)
        yield worker, exited
    finally:
        await worker.stop(TIMEOUT_SECONDS)


async def crash(worker: Worker, prompt: str) -> None:
    section = SectionKey(SONG, 0)
    await exchange(worker, Plan(SONG, "fake", params(prompt)))
    await exchange(worker, Prepare(section))
    await exchange(worker, Step((section,)))


async def test_commands_are_answered_by_another_process_that_is_gone_afterwards() -> None:
    async with started() as (worker, _):
        assert worker.pid != os.getpid()
        assert isinstance(await exchange(worker, Plan(SONG, "fake", params())), Planned)
        assert await exchange(worker, Ping()) == Done()
    assert not is_alive(worker.pid)


async def test_a_worker_that_dies_in_the_middle_of_a_command_is_noticed() -> None:
    async with started() as (worker, exited):
        with pytest.raises(WorkerDied):
            await crash(worker, "crash")
        await exited.wait()
        assert worker.exited


async def test_a_worker_that_does_not_answer_in_time_is_killed() -> None:
    async with started(exchange_timeout_seconds=0.5) as (worker, exited):
        with pytest.raises(WorkerDied, match=r"0.5 seconds.*MELISMA_LIMITS__EXCHANGE_TIMEOUT_SECONDS"):
            await crash(worker, "hang")
        await exited.wait()


async def test_a_worker_leaves_signals_to_the_server() -> None:
    async with started() as (worker, _):
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGTERM)
        os.kill(worker.pid, signal.SIGINT)
        assert await exchange(worker, Ping()) == Done()


async def test_lanes_of_one_worker_answer_beside_each_other() -> None:
    lanes = (Lane.DENOISE, Lane.RENDER)
    worker = WorkerProcess(WorkerSpec("cpu", (FAKE,), lanes=lanes), exchange_timeout_seconds=2.0, on_exit=lambda: None)
    try:
        await launched(worker)
        section = SectionKey(SONG, 0)
        for command in (Plan(SONG, "fake", params("hang")), Prepare(section)):
            await exchange(worker, command, Lane.RENDER)
        hanging = asyncio.create_task(exchange(worker, Step((section,)), Lane.DENOISE))
        await asyncio.sleep(0)
        assert await exchange(worker, Ping(), Lane.RENDER) == Done()
        with pytest.raises(WorkerDied):
            await hanging
    finally:
        await worker.stop(TIMEOUT_SECONDS)


async def test_no_file_of_the_working_directory_is_taken_for_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("server", "numpy", "pickle"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    async with started() as (worker, _):
        assert await exchange(worker, Ping()) == Done()


async def test_a_worker_imports_nothing_that_it_does_not_need() -> None:
    worker = WorkerProcess(WorkerSpec("cpu", (MODULE_LIST,)), exchange_timeout_seconds=1.0, on_exit=lambda: None)
    try:
        ready = await launched(worker)
    finally:
        await worker.stop(TIMEOUT_SECONDS)
    (info,) = ready.engines
    assert {"server", "numpy"} < set(info.languages)
    assert not {"asyncio", "grpc", "google", "melisma", "prometheus_client", "torch"} & set(info.languages)


async def test_a_start_that_is_cancelled_leaves_no_process() -> None:
    worker = WorkerProcess(WorkerSpec("cpu", (ENDLESS_LOAD,)), exchange_timeout_seconds=1.0, on_exit=lambda: None)
    start = asyncio.create_task(launched(worker))
    while worker.pid is None:
        await asyncio.sleep(0.01)
    start.cancel()
    await worker.stop(grace_seconds=0.1)
    with pytest.raises(asyncio.CancelledError):
        await start
    assert not is_alive(worker.pid)


async def test_a_stop_that_is_cancelled_leaves_no_process() -> None:
    worker = WorkerProcess(WorkerSpec("cpu", (ENDLESS_LOAD,)), exchange_timeout_seconds=1.0, on_exit=lambda: None)
    start = asyncio.create_task(launched(worker))
    while worker.pid is None:
        await asyncio.sleep(0.01)
    stop = asyncio.create_task(worker.stop(TIMEOUT_SECONDS))
    await asyncio.sleep(0)
    stop.cancel()
    await asyncio.wait([start, stop])
    assert stop.cancelled()
    assert isinstance(start.exception(), WorkerDied)
    assert not is_alive(worker.pid)


async def test_a_worker_that_does_not_load_in_time_is_killed() -> None:
    exited = asyncio.Event()
    worker = WorkerProcess(WorkerSpec("cpu", (ENDLESS_LOAD,)), exchange_timeout_seconds=1.0, on_exit=exited.set)
    try:
        with pytest.raises(WorkerDied, match=r"within 0.2 seconds.*MELISMA_LIMITS__LOAD_TIMEOUT_SECONDS"):
            await launched(worker, 0.2)
        await exited.wait()
    finally:
        await worker.stop(TIMEOUT_SECONDS)
    assert not is_alive(worker.pid)


GROWING = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}


@table(
    ("device", "inherited", "seen", "environment"),
    [
        ("cpu", {"A": "b"}, "cpu", {"A": "b"}),
        ("cuda", {}, "cuda:0", {"CUDA_VISIBLE_DEVICES": "0", **GROWING}),
        ("cuda:1", {"A": "b"}, "cuda:0", {"A": "b", "CUDA_VISIBLE_DEVICES": "1", **GROWING}),
        ("cuda:1", {"CUDA_VISIBLE_DEVICES": "5, GPU-8a7b"}, "cuda:0", {"CUDA_VISIBLE_DEVICES": "GPU-8a7b", **GROWING}),
        ("cuda:2", {"CUDA_VISIBLE_DEVICES": "5,7"}, "cuda:2", {"CUDA_VISIBLE_DEVICES": "5,7", **GROWING}),
        ("cuda:0", {"CUDA_VISIBLE_DEVICES": ""}, "cuda:0", {"CUDA_VISIBLE_DEVICES": "", **GROWING}),
        (
            "cuda:0",
            {"PYTORCH_ALLOC_CONF": "max_split_size_mb:64"},
            "cuda:0",
            {"PYTORCH_ALLOC_CONF": "max_split_size_mb:64", "CUDA_VISIBLE_DEVICES": "0"},
        ),
    ],
)
def test_a_worker_sees_no_gpu_but_its_own(
    device: str, inherited: dict[str, str], seen: str, environment: dict[str, str]
) -> None:
    assert seen_alone(device, inherited) == (seen, environment)


async def test_a_worker_knows_its_gpu_by_the_name_that_it_has_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    spec = WorkerSpec("cuda:1", (SURROUNDINGS,))
    worker = WorkerProcess(spec, exchange_timeout_seconds=1.0, on_exit=lambda: None)
    try:
        (info,) = (await launched(worker)).engines
    finally:
        await worker.stop(TIMEOUT_SECONDS)
    assert info.description == "cuda:0 of 6, expandable_segments:True"


async def test_a_worker_ends_with_its_server() -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.workers.owner",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert server.stdout is not None
    assert is_alive(int(await server.stdout.readline()))
    server.kill()
    await server.wait()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        # The worker has inherited this pipe, which ends with the last process that holds it.
        assert await server.stdout.read() == b""

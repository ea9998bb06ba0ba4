import asyncio
import os
import time

from prometheus_client import CollectorRegistry

from server.background import in_background
from server.telemetry.process_metrics import LAG_INTERVAL_SECONDS, LoopLag, expose_processes, resident_bytes

NO_PROCESS = 2**22 + 1
"""A process id above the maximum of Linux."""


def test_memory_is_that_of_all_processes_of_a_kind() -> None:
    registry, own = CollectorRegistry(), os.getpid()
    expose_processes(registry, lambda: {("worker", "cpu"): [own, own, None], ("encoders", ""): [NO_PROCESS]})

    def value(process: str, device: str) -> float | None:
        return registry.get_sample_value("melisma_process_resident_bytes", {"process": process, "device": device})

    one = resident_bytes(own)
    assert one > 10 << 20
    worker = value("worker", "cpu")
    assert worker is not None
    assert 1.5 * one < worker < 3 * one
    assert value("encoders", "") == 0


async def test_a_blocked_event_loop_is_measured() -> None:
    registry = CollectorRegistry()

    def measured(name: str) -> float:
        return registry.get_sample_value(f"melisma_event_loop_lag_seconds_{name}") or 0.0

    async with in_background(LoopLag(registry).run()), asyncio.timeout(10):
        await asyncio.sleep(0)
        time.sleep(LAG_INTERVAL_SECONDS + 0.2)  # noqa: ASYNC251  # what a bug would do
        while not measured("count"):
            await asyncio.sleep(0.01)
        assert measured("sum") >= 0.2

"""Metrics of the server's processes: resident memory by kind of process, and the lag of the event loop."""

import asyncio
import mmap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from server.telemetry.instruments import LabelValues, Scraped, gauge_family, histogram

LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LAG_INTERVAL_SECONDS = 0.25

Pids: TypeAlias = Mapping[tuple[str, str], Iterable[int | None]]
"""Ids of the server's processes by kind and device; the device is empty for kinds that have none.

`None` stands for a process that does not run now.
"""


def expose_processes(registry: CollectorRegistry, pids: Callable[[], Pids]) -> None:
    """Register a gauge of the resident memory of the server's child processes, read at every scrape; `pids` returns
    their ids.
    """
    registry.register(Scraped(lambda: _families(pids())))


class LoopLag:
    """Measures the event loop lag: the delay with which the event loop runs tasks that are due."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Delay in seconds with which the asyncio event loop runs tasks that are due; it delays all calls"
        self._lag = histogram(registry, "event_loop_lag_seconds", text, LAG_BUCKETS)

    async def run(self) -> None:
        """Measure the event loop lag every quarter of a second, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL_SECONDS
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            self._lag.observe(max(0.0, loop.time() - due))


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 if the process has ended or the system does not report it."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * mmap.PAGESIZE
    return 0


def _families(pids: Pids) -> Iterator[Metric]:
    memory: dict[LabelValues, float] = {
        kind: sum(resident_bytes(pid) for pid in numbers if pid is not None) for kind, numbers in pids.items()
    }
    text = "Resident memory of child processes in bytes: the worker of a device, all encoders, the request checker"
    yield gauge_family("process_resident_bytes", text, ["process", "device"], memory)

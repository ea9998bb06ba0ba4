"""Measures the time of work on the device and on the host, and the memory that it needs."""

import gc
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from benchmarks.gpu.figures import Setup

WARM_UPS, REPEATS = 3, 7


class Times(NamedTuple):
    """Median times of some work in milliseconds: on the device, and on the host until the last launch.

    On a CPU both are the same time.
    """

    device_ms: float
    host_ms: float


def settle(device: str) -> None:
    """Wait until the device has finished all queued work."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def timed(setup: Setup, work: Callable[[], object], repeats: int = REPEATS, warm_ups: int = WARM_UPS) -> Times:
    """Return the median times of `repeats` runs of `work`, after `warm_ups` runs that are not measured; with small
    networks there is at most one of each.
    """
    for _ in range(setup.pick(warm_ups, min(warm_ups, 1))):
        work()
    times = [once(setup, work) for _ in range(setup.pick(repeats, 1))]
    return Times(statistics.median(t.device_ms for t in times), statistics.median(t.host_ms for t in times))


def once(setup: Setup, work: Callable[[], object]) -> Times:
    """Return the times of one run, after earlier work has finished."""
    if not setup.on_gpu:
        started = time.perf_counter()
        work()
        milliseconds = (time.perf_counter() - started) * 1e3
        return Times(milliseconds, milliseconds)
    settle(setup.device)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    begin.record()
    started = time.perf_counter()
    work()
    host = time.perf_counter() - started
    end.record()
    settle(setup.device)
    return Times(begin.elapsed_time(end), host * 1e3)


class Memory(NamedTuple):
    """Peak device memory of some work in GiB: allocated in addition to earlier allocations, and reserved in total."""

    allocated: float
    reserved: float


def peak_memory(setup: Setup, work: Callable[[], object]) -> Memory | None:
    """Return the peak memory while `work` runs; `None` on a CPU, for which torch does not measure it."""
    if not setup.on_gpu:
        return None
    release(setup)
    torch.cuda.reset_peak_memory_stats(setup.device)
    before = torch.cuda.memory_allocated(setup.device)
    work()
    settle(setup.device)
    allocated = torch.cuda.max_memory_allocated(setup.device) - before
    return Memory(allocated / (1 << 30), torch.cuda.max_memory_reserved(setup.device) / (1 << 30))


def release(setup: Setup) -> None:
    """Free the device memory that is not used any more."""
    gc.collect()
    if setup.on_gpu:
        torch.cuda.empty_cache()


def decibels(reference: torch.Tensor, other: torch.Tensor) -> float:
    """Return the signal-to-noise ratio of `other` against `reference`, of the same shape, at most 999 (equal)."""
    noise = (other.double() - reference.double()).square().mean()
    if noise == 0:
        return 999.0
    return float(10 * torch.log10(reference.double().square().mean() / noise))


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Context manager in which another thread runs `work` repeatedly; the thread's error is raised at the end."""
    stop, errors = threading.Event(), list[Exception]()

    def again() -> None:
        try:
            while not stop.is_set():
                work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if errors:
        raise errors[0]

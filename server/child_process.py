"""Starts Python modules of this package as child processes, and ends these processes."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment variables that limit OpenMP, OpenBLAS and MKL to one thread each; more threads do not speed up small
matrices.
"""

_ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""Environment variable that gives glibc's malloc one heap for all threads. One thread allocates buffers of sound and
another frees them; with a heap per thread this memory would return to the system and be mapped again page by page,
which takes 0.5 ms of processor time per second of sound.
"""


def child_environment() -> dict[str, str]:
    """Return the environment of this process, with the import path of this process as PYTHONPATH."""
    places = (str(Path(entry).absolute()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


def lean_environment() -> dict[str, str]:
    """Return the environment of a child process in which numeric libraries start no threads and malloc has a single
    heap.
    """
    return {**child_environment(), **_ONE_THREAD, **_ONE_HEAP}


def module_command(module: str, *arguments: object) -> list[str]:
    """Return the command line that runs a Python module with `arguments`. The option -P keeps Python from importing
    files of the working directory.
    """
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


async def start_module(
    module: str, *arguments: object, descriptors: Sequence[int], environment: dict[str, str]
) -> Process:
    """Start a Python module as a child process, which inherits the file `descriptors` and has no standard input."""
    command = module_command(module, *arguments)
    return await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=descriptors, env=environment
    )


def kill(process: Process | None) -> None:
    """Kill a child process; no effect if the process has not started or has ended."""
    if process is not None:
        with suppress(ProcessLookupError):
            process.kill()


def _ignore() -> None:
    """Do nothing; the default for `on_stuck`."""


async def wait_or_kill(
    process: Process, grace_seconds: float, killed_seconds: float | None = None, on_stuck: Callable[[], None] = _ignore
) -> bool:
    """Wait until a process has ended; kill it after `grace_seconds`, or when the waiting task is cancelled.

    If the killed process has not ended after `killed_seconds`, `on_stuck` is called and the function returns; `None`
    means no time limit. Returns True if the process had to be killed.
    """
    killed = False
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await process.wait()
    finally:
        if killed := process.returncode is None:
            kill(process)
            try:
                async with asyncio.timeout(killed_seconds):
                    await process.wait()
            except TimeoutError:
                on_stuck()
    return killed

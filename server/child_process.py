"""Starts modules of this package in separate processes, and ends these processes."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Environment that stops libraries from starting threads, which are useless for small matrices."""

_ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""Makes glibc reuse memory that one thread allocates and another frees, such as windows of sound. With one heap per
thread it would go back to the system and come again page by page: 0.5 ms of processor time per second of sound.
"""


def child_environment() -> dict[str, str]:
    """Return the environment of this process, with the import path of this process as PYTHONPATH."""
    places = (str(Path(entry).absolute()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


def lean_environment() -> dict[str, str]:
    """Return the environment of a child process with one thread for each of its own threads, and one heap."""
    return {**child_environment(), **_ONE_THREAD, **_ONE_HEAP}


def module_command(module: str, *arguments: object) -> list[str]:
    """Return the command line that runs a module. With -P no file of the working directory is imported as a module."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]


async def start_module(
    module: str, *arguments: object, descriptors: Sequence[int], environment: dict[str, str]
) -> Process:
    """Start a module in a process that inherits the `descriptors` and has no standard input."""
    command = module_command(module, *arguments)
    return await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, pass_fds=descriptors, env=environment
    )


def kill(process: Process | None) -> None:
    """Kill a process; no effect if it has not started or has ended."""
    if process is not None:
        with suppress(ProcessLookupError):
            process.kill()


def _ignore() -> None:
    """Do nothing; the default for `on_stuck`."""


async def wait_or_kill(
    process: Process, grace_seconds: float, killed_seconds: float | None = None, on_stuck: Callable[[], None] = _ignore
) -> bool:
    """Wait until a process has ended; kill it after `grace_seconds`, or when the waiting task is cancelled.

    If it has not ended `killed_seconds` later, calls `on_stuck` and returns; with `None` waits without limit.
    Returns True if it had to be killed.
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

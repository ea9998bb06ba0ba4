"""Helper functions for background tasks on the event loop."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Context manager that runs a coroutine as a background task, which is cancelled at the end of the context."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()


def is_cancelled() -> bool:
    """Return True if the running task was cancelled but continues, for example because a library has caught the
    cancellation.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def first_of(*waits: Coroutine[Any, Any, object], timeout_seconds: float) -> None:
    """Wait until one of the coroutines ends or the timeout has passed, then cancel the remaining coroutines; errors of
    the coroutines are dropped.
    """
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until_one_ends(*bodies: Coroutine[Any, Any, object]) -> None:
    """Run several coroutines until one ends, then cancel the others. If the one that ended first did so with an error,
    raise that error.
    """
    tasks = [asyncio.ensure_future(body) for body in bodies]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class BackgroundTasks:
    """Runs coroutines as background tasks of which each ends by itself, and waits for them at the end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine as a background task with a name, and return the task."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self, timeout_seconds: float) -> None:
        """Wait at most `timeout_seconds` until all tasks have ended, then cancel those that still run."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_seconds)
        self.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cancel(self) -> None:
        """Cancel all tasks that still run, without waiting for them."""
        for task in self._tasks:
            task.cancel()

"""A program that starts a worker process, prints its process id, and waits until it is killed."""

import asyncio

from server.workers.worker_process import WorkerProcess
from server.workers.worker_spec import WorkerSpec
from tests.support.fakes import FAKE


async def main() -> None:
    """Start the worker, and wait until this process is killed."""
    worker = WorkerProcess(WorkerSpec("cpu", (FAKE,)), exchange_timeout_seconds=30.0, on_exit=lambda: None)
    await worker.launch()
    await worker.loaded(30.0)
    print(worker.pid, flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

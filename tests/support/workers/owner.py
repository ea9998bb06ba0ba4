"""A process that starts a worker, writes its number, and waits to be killed."""

import asyncio

from server.workers.worker_process import WorkerProcess
from server.workers.worker_spec import WorkerSpec
from tests.support.fakes import FAKE


async def main() -> None:
    """Run until killed."""
    worker = WorkerProcess(WorkerSpec("cpu", (FAKE,)), exchange_timeout_seconds=30.0, on_exit=lambda: None)
    await worker.launch()
    await worker.loaded(30.0)
    print(worker.pid, flush=True)  # noqa: T201
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

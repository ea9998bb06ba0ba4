"""How tests talk to a worker and look at its process."""

import os

from server.workers.base import Worker
from server.workers.messages import Command, Lane, Reply


async def exchange(worker: Worker, command: Command, lane: Lane = Lane.BOTH) -> Reply:
    """Send a command to a lane and wait for its reply."""
    worker.send(command, lane)
    return await worker.receive(lane)


def is_alive(pid: int | None) -> bool:
    """True while the process exists, a zombie included."""
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

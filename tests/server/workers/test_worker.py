import asyncio
import socket
import threading
from contextlib import closing

import pytest

from server.workers.execution.executor import CommandExecutor
from server.workers.messages import Done, Ping
from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.blocking_pipe import BlockingPipe
from server.workers.pipes.pipe import PipeClosed
from server.workers.worker import serve_commands
from tests.support.fakes import FakeEngine


async def test_the_loop_ends_with_the_other_end_of_the_pipe() -> None:
    near, far = socket.socketpair()
    ended = threading.Event()

    def loop() -> None:
        with closing(BlockingPipe(far.detach())) as end, pytest.raises(PipeClosed):
            serve_commands(end, CommandExecutor({"fake": FakeEngine()}), threads=1)
        ended.set()

    thread = threading.Thread(target=loop)
    thread.start()
    server = await AsyncPipe.open(near)
    server.send(Ping())
    assert await server.receive() == Done()
    server.close()
    await asyncio.to_thread(thread.join)
    assert ended.is_set()

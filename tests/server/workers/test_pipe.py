import asyncio
import random
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress

import pytest

from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.blocking_pipe import BlockingPipe
from server.workers.pipes.pipe import PipeClosed

LARGE = bytes(5_000_000)


@asynccontextmanager
async def pipe(work: Callable[[BlockingPipe], None]) -> AsyncIterator[AsyncPipe]:
    """Context manager with the server's end of a pipe; a thread runs `work` with the other end."""
    near, far = socket.socketpair()
    thread = threading.Thread(target=work, args=(BlockingPipe(far.detach()),))
    thread.start()
    end = await AsyncPipe.open(near)
    try:
        async with asyncio.timeout(30.0):
            yield end
    finally:
        end.close()
        await asyncio.to_thread(thread.join)


def echo(end: BlockingPipe) -> None:
    with closing(end), suppress(PipeClosed):
        while True:
            end.send(end.receive())


def take_one(end: BlockingPipe) -> None:
    with closing(end):
        end.receive()


async def exchange(end: AsyncPipe, value: object) -> object:
    end.send(value)
    return await end.receive()


@pytest.mark.parametrize("value", [None, ("a", 1, b"\x00"), LARGE], ids=["nothing", "small", "large"])
async def test_values_come_back_whole(value: object) -> None:
    async with pipe(echo) as end:
        for _ in range(3):
            assert await exchange(end, value) == value


async def test_values_of_all_lengths_that_come_at_once_are_told_apart() -> None:
    lengths = random.Random(0)
    values = [bytes([number]) * int(2 ** lengths.uniform(0, 19)) for number in range(200)]

    def send_all(end: BlockingPipe) -> None:
        with closing(end):
            for value in values:
                end.send(value)

    async with pipe(send_all) as end:
        for value in values:
            assert await end.receive() == value


async def test_an_end_that_is_gone_is_noticed() -> None:
    async with pipe(take_one) as end:
        with pytest.raises(PipeClosed):
            await exchange(end, "a")
        with pytest.raises(PipeClosed):
            await exchange(end, "b")

"""Encoders that are threads of this process, with real sockets, for tests of the code around encoders."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from server.audio.codecs.base import EncoderFactory
from server.encoders.base import EncoderDied
from server.encoders.encoder import serve
from server.encoders.local_pool import LocalEncoders
from server.encoders.messages import FromEncoder, ToEncoder
from server.workers.pipes.async_pipe import AsyncPipe
from server.workers.pipes.blocking_pipe import BlockingPipe
from server.workers.pipes.pipe import PipeClosed
from tests.support.fakes import FakeEncoder


class InProcessEncoder:
    """An encoder that runs the code of an encoder process in a thread; an error in the thread ends the encoder."""

    def __init__(self, address: str, factory: EncoderFactory) -> None:
        self.address, self.sound = address, ""
        self.pid: int | None = None
        self._factory = factory
        self._pipe: AsyncPipe | None = None
        self._far: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)

    async def start(self, timeout_seconds: float) -> None:
        near, self._far = socket.socketpair()
        self._pipe = await AsyncPipe.open(near)
        self._thread.start()
        async with asyncio.timeout(timeout_seconds):
            await self.receive()

    def send(self, message: ToEncoder) -> None:
        assert self._pipe is not None
        self._pipe.send(message)

    async def receive(self) -> FromEncoder:
        assert self._pipe is not None
        try:
            return cast(FromEncoder, await self._pipe.receive())
        except PipeClosed as error:
            raise EncoderDied("it ended") from error

    def kill(self) -> None:
        assert self._far is not None
        with suppress(OSError):
            self._far.shutdown(socket.SHUT_RDWR)

    async def stop(self, grace_seconds: float) -> None:
        if self._far is None:
            return
        if self._pipe is not None:
            self._pipe.close()
        self.kill()
        try:
            while self._thread.is_alive():
                await asyncio.sleep(0.001)
        finally:
            if self._thread.ident is not None:
                self._thread.join()
            self._far.close()

    def _run(self) -> None:
        assert self._far is not None
        pipe = BlockingPipe(self._far.dup().detach())
        with suppress(PipeClosed):
            serve(pipe, self.address, self._factory, self._or_die)
        pipe.close()

    def _or_die(self, body: Callable[[], None]) -> None:
        try:
            with suppress(PipeClosed):
                body()
        except BaseException:
            self.kill()
            raise


def in_process_encoders(factory: EncoderFactory = FakeEncoder, encoders: int = 1) -> LocalEncoders:
    """Return a pool of encoders in this process, which are restarted without delay."""
    return LocalEncoders(lambda address: InProcessEncoder(address, factory), encoders, restart_backoff_seconds=0.0)

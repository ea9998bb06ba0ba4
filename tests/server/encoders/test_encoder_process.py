import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from server.audio.song_encoder import SongEncoder
from server.encoders.base import EncoderDied
from server.encoders.encoder_process import EncoderProcess
from server.encoders.fingerprint import encoding_fingerprint
from server.encoders.local_pool import LocalEncoders
from server.encoders.messages import EncoderPing, EncoderPong, EncoderSpec
from tests.support.encoders.observed import running
from tests.support.fakes import FAKE_ENCODER, FakeEncoder
from tests.support.workers.observers import is_alive

TIMEOUT_SECONDS = 30.0


@asynccontextmanager
async def started(folder: Path, spec: EncoderSpec = FAKE_ENCODER) -> AsyncIterator[EncoderProcess]:
    (folder / "own").mkdir()
    encoder = EncoderProcess(str(folder / "own" / "socket"), spec)
    try:
        await encoder.start(TIMEOUT_SECONDS)
        yield encoder
    finally:
        await encoder.stop(TIMEOUT_SECONDS)


async def test_an_encoder_leaves_signals_to_the_server_and_is_gone_afterwards(tmp_path: Path) -> None:
    async with started(tmp_path) as encoder:
        assert encoder.pid is not None
        os.kill(encoder.pid, signal.SIGTERM)
        os.kill(encoder.pid, signal.SIGINT)
        encoder.send(EncoderPing())
        assert await encoder.receive() == EncoderPong()
    assert not is_alive(encoder.pid)
    assert not [*tmp_path.iterdir()]


async def test_an_encoder_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(EncoderDied):
        async with started(tmp_path, EncoderSpec("tests.support.fakes:NoSuchEncoder")):
            pass


async def test_an_encoder_that_hangs_is_replaced() -> None:
    pool = LocalEncoders(
        lambda address: EncoderProcess(address, FAKE_ENCODER), answer_timeout_seconds=0.2, restart_backoff_seconds=0.0
    )
    async with running(pool, "a") as (server, _):
        (encoder,) = pool.up.values()
        assert isinstance(encoder, EncoderProcess)
        assert encoder.pid is not None
        os.kill(encoder.pid, signal.SIGSTOP)
        while not server.lost or not pool.ready:
            await server.change()
        assert not is_alive(encoder.pid)


async def test_an_encoder_ends_with_its_server_and_clears_its_socket_away() -> None:
    command = [sys.executable, "-m", "tests.support.encoders.owner"]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, env=path)
    assert server.stdout is not None
    pid, address = (await server.stdout.readline()).split()
    assert is_alive(int(pid))
    server.kill()
    await server.wait()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        # The encoder has inherited this pipe, which ends with the last process that holds it.
        assert await server.stdout.read() == b""
    assert not Path(address.decode()).parent.exists()


async def test_an_encoder_tells_the_fingerprint_of_its_sound_where_it_is_wanted(tmp_path: Path) -> None:
    sounds = []
    for number, spec in enumerate((replace(FAKE_ENCODER, fingerprinted=True), FAKE_ENCODER)):
        (tmp_path / str(number)).mkdir()
        async with started(tmp_path / str(number), spec) as encoder:
            sounds.append(encoder.sound)
    assert sounds == [encoding_fingerprint(FakeEncoder), ""]
    assert encoding_fingerprint(SongEncoder) != sounds[0]

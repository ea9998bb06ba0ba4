import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.song import AudioSettings, Origin
from server.workers.messages import SectionKey, SongKey, SoundTarget
from server.workers.pipes.pipe import PipeClosed
from server.workers.sound.links import EncoderLinks
from server.workers.sound.messages import OpenSong, Sound, pcm_of
from server.workers.sound.pipe import SoundPipe
from tests.support.fakes import RATE_HERTZ, FakeEngine, params

WINDOW = np.zeros((2, 4), np.float32)


class Encoder:
    """A stand-in for an encoder: a Unix socket, whose connection from a worker `accept` returns."""

    def __init__(self, folder: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "socket"))
        self._listener.listen()
        self.target = SoundTarget(str(folder / "socket"), AudioSettings())

    def accept(self) -> SoundPipe:
        connection, _ = self._listener.accept()
        return SoundPipe(connection.detach())

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def encoder(tmp_path: Path) -> Iterator[Encoder]:
    with closing(Encoder(tmp_path)) as listening:
        yield listening


@pytest.fixture
def links() -> Iterator[EncoderLinks]:
    with closing(EncoderLinks()) as opened:
        yield opened


def opened(song_id: str) -> OpenSong:
    return OpenSong(SongKey(song_id), AudioSettings(), "", "", FakeEngine().plan(params()), RATE_HERTZ, Origin("0f"))


def sound(song_id: str) -> Sound:
    return Sound(SectionKey(SongKey(song_id), 0), pcm_of(WINDOW), 4)


def test_messages_of_all_songs_arrive_in_their_order_on_one_connection(encoder: Encoder, links: EncoderLinks) -> None:
    links.open(encoder.target, opened("a"))
    links.open(encoder.target, opened("b"))
    links.send(sound("a"))
    with closing(encoder.accept()) as end:
        assert [end.receive() for _ in range(3)] == [opened("a"), opened("b"), sound("a")]


def test_the_connection_ends_with_the_last_song_after_what_was_sent(encoder: Encoder, links: EncoderLinks) -> None:
    for song in "ab":
        links.open(encoder.target, opened(song))
    links.release(SongKey("a"))
    links.send(sound("a"))
    links.send(sound("b"))
    links.release(SongKey("b"))
    with closing(encoder.accept()) as end:
        assert [end.receive() for _ in range(3)] == [opened("a"), opened("b"), sound("b")]
        with pytest.raises(PipeClosed):
            end.receive()


def test_an_encoder_that_is_gone_costs_nothing(encoder: Encoder, links: EncoderLinks, tmp_path: Path) -> None:
    links.open(encoder.target, opened("a"))
    encoder.accept().close()
    for _ in range(3):
        links.send(sound("a"))
    encoder.close()
    links.open(encoder.target, opened("b"))
    links.open(SoundTarget(str(tmp_path / "nowhere"), AudioSettings()), opened("c"))
    links.send(sound("c"))


def test_samples_arrive_as_they_were_sent_however_many_and_however_they_lie(
    encoder: Encoder, links: EncoderLinks
) -> None:
    mono, long = np.arange(4, dtype=np.float32)[None], np.random.default_rng(0).random((2, 500_000), np.float32)
    windows: tuple[Any, ...] = (
        mono,
        long,
        long[:, ::2],
        long.astype(np.float64),
        np.zeros((2, 0), np.float32),
        long[:, :1],
    )
    key = SectionKey(SongKey("a"), 0)
    links.open(encoder.target, opened("a"))
    with closing(encoder.accept()) as end, ThreadPoolExecutor(1) as sender:
        assert end.receive() == opened("a")
        for window in windows:
            sent = sender.submit(links.send, Sound(key, pcm_of(window), window.shape[1]))
            heard = end.receive()
            sent.result()
            assert isinstance(heard, Sound)
            assert bytes(heard.pcm) == window.astype(np.float32).tobytes()
            assert heard.samples == window.shape[1]


def test_a_message_that_breaks_off_is_the_end(encoder: Encoder) -> None:
    with socket.socket(socket.AF_UNIX) as worker:
        worker.connect(encoder.target.address)
        with closing(encoder.accept()) as end:
            worker.sendall(b"\0\0\0\x05\0\0\0\0ab")
            worker.close()
            with pytest.raises(PipeClosed):
                end.receive()

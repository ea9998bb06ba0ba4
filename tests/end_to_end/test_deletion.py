"""What is left of a song that its caller deletes: nothing, in no file, no directory and no log of any server."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from melisma.v1.music_pb2 import SongAccepted
from melisma_client import Client, NotFound, SongRequest
from tests.support.rest import MUSIC, Rest
from tests.support.servers import DirectoryServer, eventually
from tests.support.service import Service, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"
PROMPT, LYRICS = "7f3a鲸鱼之梦 in a minor mood", "[verse]\n月光下的9c41秘密\n"
WORDS = ("7f3a鲸鱼之梦", "月光下的9c41秘密")
NEEDLES = {word.encode(encoding) for word in WORDS for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
NEEDLES |= {word.encode("unicode_escape") for word in WORDS}
TIMEOUT_SECONDS = 60.0


def found(data: bytes) -> set[bytes]:
    return {needle for needle in NEEDLES if needle in data}


def in_files(folder: Path) -> set[str]:
    """The files of a folder that have anything of the song's words."""
    return {path.name for path in folder.rglob("*") if path.is_file() and found(path.read_bytes())}


def in_directory(client: Any) -> set[bytes]:
    """The keys of a directory that have anything of the song's words, in their names or values."""
    return {key for key in client.scan_iter() if found(key + content(client, key))}


def content(client: Any, key: bytes) -> bytes:
    """The bytes of a value, whatever its type."""
    match client.type(key):
        case b"hash":
            return b" ".join(chain.from_iterable(client.hgetall(key).items()))
        case b"list":
            return b" ".join(client.lrange(key, 0, -1))
        case b"zset":
            return b" ".join(client.zrange(key, 0, -1))
        case b"set":
            return b" ".join(client.smembers(key))
        case _:
            return bytes(client.get(key) or b"")


class Log:
    """All that a server writes to its log from now on."""

    def __init__(self, service: Service) -> None:
        self.text = ""
        self._stream = service.process.stderr
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._stream or ():
            self.text += line


def made(client: Client, words: bool = True) -> str:
    """A whole song, with the words or without."""
    request = SongRequest(prompt=PROMPT, lyrics=LYRICS) if words else SongRequest(prompt="noise")
    accepted, *_ = client.generate(request)
    assert isinstance(accepted, SongAccepted)
    return accepted.song_id


def test_nothing_is_left_in_the_files_and_the_log_of_a_server_alone(tmp_path: Path) -> None:
    with running_service(FAKE, STORE__FOLDER=str(tmp_path)) as service:
        log = Log(service)
        with Client(service.address) as client:
            eventually(lambda: bool(client.list_engines()[0].ready))
            kept, song_id = made(client, words=False), made(client)
            eventually(lambda: {f"{song_id}.mp3", "songs.sqlite3-wal"} <= in_files(tmp_path))
            client.delete_song(song_id)
            assert in_files(tmp_path) == set()
            assert not found(log.text.encode())
            assert [song.song_id for song in client.list_songs()] == [kept]
            eventually(lambda: '"song deleted by its caller"' in log.text and song_id in log.text)
            # Of several songs with the same words, whatever was written and moved in between.
            for deleted in [made(client) for _ in range(3)]:
                client.delete_song(deleted)
            assert in_files(tmp_path) == set()


@pytest.fixture
def directory() -> Iterator[DirectoryServer]:
    server = DirectoryServer()
    yield server
    server.remove()


@pytest.mark.shared
def test_nothing_is_left_in_directory_objects_and_logs_of_two_servers(
    directory: DirectoryServer, tmp_path: Path
) -> None:
    settings = {"STORE__KIND": "shared", "STORE__FOLDER": "", "STORE__DIRECTORY": directory.url}
    with ExitStack() as stack:
        here, there = (
            stack.enter_context(running_service(FAKE, **settings, STORE__OBJECTS=f"file://{tmp_path}"))
            for _ in range(2)
        )
        logs = [Log(here), Log(there)]
        mine, yours = (stack.enter_context(Client(one.address)) for one in (here, there))
        memory = stack.enter_context(Redis.from_url(directory.url))
        eventually(lambda: all(client.list_engines()[0].ready for client in (mine, yours)))
        song_id = made(mine)
        assert in_files(tmp_path) >= {"song.mp3", "record.json"}
        assert in_directory(memory) >= {f"m:song:{song_id}".encode(), f"m:sound:{song_id}".encode()}
        rests = [Rest(one.http_address, {}) for one in (here, there)]
        assert [rest.ask("GET", f"/audio/{song_id}.mp3").status for rest in rests] == [200, 200]
        assert rests[1].ask("DELETE", f"{MUSIC}/{song_id}").status == 204
        for client, rest in zip((mine, yours), rests, strict=True):
            for call in (client.get_song, client.cancel_song, client.delete_song):
                with pytest.raises(NotFound):
                    call(song_id)
            with pytest.raises(NotFound):
                list(client.listen(song_id))
            assert client.list_songs() == ()
            for path in (f"/audio/{song_id}.mp3", f"{MUSIC}/{song_id}", f"{MUSIC}/{song_id}/events"):
                assert rest.ask("GET", path).status == 404
        assert in_files(tmp_path) == set()
        assert in_directory(memory) == set()
        assert {key for key in memory.scan_iter() if song_id.encode() in key} == {f"m:deleted:{song_id}".encode()}
        assert not any(found(log.text.encode()) for log in logs)

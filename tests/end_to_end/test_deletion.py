"""What is left of a song that its caller deletes from a server alone: nothing, in no file and not in the log."""

import threading
from pathlib import Path

from melisma_client import Client
from tests.support.residue import found, in_files, made
from tests.support.servers import eventually
from tests.support.service import Service, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"


class Log:
    """All that a server writes to its log from now on."""

    def __init__(self, service: Service) -> None:
        self.text = ""
        self._stream = service.process.stderr
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._stream or ():
            self.text += line


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

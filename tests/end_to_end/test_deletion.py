"""Tests that nothing remains of a deleted song on a single server: in files, log, traces and metrics."""

import threading
from pathlib import Path

import pytest

from melisma_client import Client
from tests.support.collector import collecting
from tests.support.residue import found, in_files, made
from tests.support.rest import Rest
from tests.support.servers import eventually
from tests.support.service import Service, running_service
from tests.support.signing import signing_in

FAKE = "fake=tests.support.fakes:FakeEngine"


class Log:
    """The text that a server writes to its log after this object was created; a thread reads it."""

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
            eventually(lambda: '"a song was deleted by its caller"' in log.text and song_id in log.text)
            # Of several songs with the same words, whatever was written and moved in between.
            for deleted in [made(client) for _ in range(3)]:
                client.delete_song(deleted)
            assert in_files(tmp_path) == set()


def test_nothing_is_left_in_traces_metrics_and_manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, store = signing_in(tmp_path), tmp_path / "songs"
    signing = {"MARKING__CERTIFICATE": str(files.certificate), "MARKING__KEY": str(files.key)}
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{collector.address}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with running_service(FAKE, STORE__FOLDER=str(store), **signing) as service, Client(service.address) as client:
            log, rest = Log(service), Rest(service.http_address, {})
            eventually(lambda: bool(client.list_engines()[0].ready))
            song_id = made(client)
            manifest = rest.ask("GET", f"/audio/{song_id}.c2pa")
            client.delete_song(song_id)
            spans = collector.wait_for("melisma.v1.MusicService/DeleteSong")
            assert rest.ask("GET", f"/audio/{song_id}.c2pa").status == 404
            assert (manifest.status, found(manifest.data)) == (200, set())
            assert {"render", "encode", "GET /audio/{task_id}.c2pa"} <= {told.span.name for told in spans}
            assert not found(b"".join(told.span.SerializeToString() for told in spans))
            assert not found(rest.ask("GET", "/metrics").data + log.text.encode())
            assert in_files(store) == set()

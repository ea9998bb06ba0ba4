"""Tests that alerts fire for a real server in trouble, and that the most serious alert inhibits the alerts that it
causes.
"""

import re
from pathlib import Path

import pytest

from melisma_client import Client, MelismaError, SongRequest
from tests.deploy.monitors import (
    ENGINES,
    PATIENCE_SECONDS,
    Prometheus,
    alertmanager,
    healthy,
    prometheus,
    tell,
    told,
    watched_service,
)
from tests.support.servers import eventually, free_port
from tests.support.service import Service, running_service, start

pytestmark = pytest.mark.deploy

SONG_SECONDS = 10.0


def test_alerts_fire_and_the_worst_silences_the_others(tmp_path: Path) -> None:
    """A worker process crashes repeatedly, then the server is killed."""
    patience = {"MelismaServerDown": "1s", "MelismaNoServer": "1s"}
    with (
        watched_service() as service,
        alertmanager(tmp_path) as manager,
        prometheus(service.http_address, tmp_path, patience=patience, alertmanager=manager) as watcher,
    ):
        watcher.wait_for("melisma_worker_restarts_total", 0)
        end_workers(service)
        watcher.wait_for("melisma_worker_restarts_total", 4)
        eventually(lambda: "MelismaWorkerRestarts" in watcher.alerts(), PATIENCE_SECONDS)
        assert watcher.alerts().keys() == {"MelismaWorkerRestarts"}
        fired = watcher.alerts()["MelismaWorkerRestarts"]
        assert fired["annotations"]["summary"] == f"The worker of cpu at {service.http_address} restarts repeatedly"
        assert re.match(r"The worker was restarted 4 times in half an hour", fired["annotations"]["description"])
        eventually(lambda: told(manager) == {"MelismaWorkerRestarts": "active"}, PATIENCE_SECONDS)

        service.process.terminate()
        silenced = {"MelismaServerDown": "suppressed", "MelismaWorkerRestarts": "suppressed"}
        eventually(lambda: told(manager) == {"MelismaNoServer": "active", **silenced}, PATIENCE_SECONDS)
        assert watcher.alerts().keys() == {"MelismaNoServer", "MelismaServerDown", "MelismaWorkerRestarts"}


def end_workers(service: Service) -> None:
    """Request two songs, each of which crashes two workers. The server must be ready before each, or it would refuse
    the song.
    """
    with Client(service.address) as client:
        for lyrics in ("one", "other"):
            eventually(lambda: healthy(f"http://{service.http_address}/readyz"), PATIENCE_SECONDS)
            with pytest.raises(MelismaError):
                list(client.generate(SongRequest(prompt="crash", lyrics=lyrics, duration_seconds=SONG_SECONDS)))


def test_a_server_without_engines_is_told(tmp_path: Path) -> None:
    """The server responds and its worker runs, but no engine can be loaded."""
    patience = {"MelismaNoServerReady": "1s"}
    with (
        running_service("fake=tests.support.fakes:MissingEngine") as service,
        alertmanager(tmp_path) as manager,
        prometheus(service.http_address, tmp_path, patience=patience, alertmanager=manager),
    ):
        eventually(lambda: told(manager) == {"MelismaNoServerReady": "active"}, PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("worst", "others"),
    [
        ("MelismaNoServer", {"MelismaNoServerReady", "MelismaServerRestarts", "MelismaNoWorker"}),
        ("MelismaNoWorker", {"MelismaNoServerReady", "MelismaWorkerDown", "MelismaSongsRefused"}),
        ("MelismaNoWorker", {"MelismaSongsBadFast", "MelismaNoEngine"}),
        ("MelismaNoServerReady", {"MelismaQueueDeep", "MelismaDeadlinesShort"}),
        ("MelismaSongsRefused", {"MelismaQueueDeep", "MelismaDeadlinesShort"}),
    ],
)
def test_what_follows_from_an_alert_is_silenced(tmp_path: Path, worst: str, others: set[str]) -> None:
    """An alert inhibits others of the same deployment, but none of another deployment."""
    with alertmanager(tmp_path) as manager:
        tell(manager, "trial", {"MelismaQueueDeep"})
        tell(manager, "songs", {worst, *others})
        silenced = dict.fromkeys(others, "suppressed")
        eventually(lambda: told(manager, "songs") == {worst: "active", **silenced}, PATIENCE_SECONDS)
        assert told(manager, "trial") == {"MelismaQueueDeep": "active"}


def test_a_server_that_is_started_again_and_again_is_told(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with prometheus(address, tmp_path) as watcher:
        for restarts in range(3):
            assert "MelismaServerRestarts" not in watcher.alerts()
            wait_for_another_server(watcher, address, restarts)
        assert watcher.alerts()["MelismaServerRestarts"]["labels"]["instance"] == address


def wait_for_another_server(watcher: Prometheus, address: str, restarts: int) -> None:
    """Start a server, wait until Prometheus has counted `restarts` of the server process, and kill it."""
    server = start("--port", "0", "--http-port", address.rpartition(":")[2], ENGINES=ENGINES)
    try:
        watcher.wait_for('changes(process_start_time_seconds{job="melisma"}[30m])', restarts)
    finally:
        server.kill()
        server.communicate()

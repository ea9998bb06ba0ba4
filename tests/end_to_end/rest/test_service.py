"""Tests of REST with settings that the shared service of the other modules does not have, such as API keys, and of
shutdown.
"""

import json
import signal
from pathlib import Path

from server.auth.api_keys import new_key
from tests.support.rest import LONG, MUSIC, SONG, TIMEOUT_SECONDS, Rest
from tests.support.service import ready, running_service

FAKE = "fake=tests.support.fakes:FakeEngine"


def test_keys_scopes_and_quotas_are_those_of_grpc(tmp_path: Path) -> None:
    (secret, games), (weak, viewer) = new_key("games"), new_key("viewer")
    entries = [
        games.model_dump(mode="json", exclude_none=True) | {"concurrent_songs": 1},
        viewer.model_dump(mode="json", exclude_none=True) | {"scopes": ["engines"]},
    ]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": entries}))
    with running_service(FAKE, API_KEYS=str(tmp_path / "keys.json")) as service:
        ready(service)
        nobody = Rest(service.http_address, {})
        refused = nobody.generate(SONG)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert nobody.generate(SONG, Authorization="Bearer wrong").status == 401
        assert Rest(service.http_address, {"Authorization": f"Bearer {weak}"}).generate(SONG).status == 403
        mine = Rest(service.http_address, {"Authorization": f"Bearer {secret}", "X-Caller": "viewer"})
        task_id = mine.begin(LONG)
        full = mine.generate(SONG)
        assert (full.status, full.json["reason"]) == (429, "QUOTA_EXCEEDED")
        assert int(full.headers["retry-after"]) >= 1
        mine.ask("DELETE", f"{MUSIC}/{task_id}")
        made = mine.generate(SONG).json["task_id"]
        assert nobody.ask("GET", f"{MUSIC}/{made}").status == 401
        assert nobody.ask("GET", f"/audio/{made}.mp3").status == 200


def test_a_drain_lets_songs_and_their_listeners_finish(tmp_path: Path) -> None:
    with running_service(FAKE, STORE__FOLDER=str(tmp_path)) as service:
        ready(service)
        rest = Rest(service.http_address, {})
        task_id = rest.begin(LONG | {"duration": 60})
        connection, response = rest.open("GET", f"/audio/{task_id}.mp3")
        heard = response.read(1000)
        service.process.send_signal(signal.SIGTERM)
        heard += response.read()
        connection.close()
        assert service.process.wait(TIMEOUT_SECONDS) == 0
    assert heard == (tmp_path / f"{task_id}.mp3").read_bytes()

"""A caller of the REST API."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 60.0
MUSIC = "/v1/audio/music"
SONG = {"prompt": "noise", "duration": 10, "seed": 3, "output_format": "mp3"}
LONG = SONG | {"duration": 240}


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.data)


@dataclass(frozen=True)
class Rest:
    """Asks the server at one address, with the same headers every time."""

    address: str
    headers: Mapping[str, str]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One question and its whole answer; names of headers with _ for -. A body is JSON, or bytes as they are."""
        connection, response = self.open(method, path, body, **headers)
        try:
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def open(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """One question, and its answer to be read piece by piece."""
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {} if data is None else {"Content-Type": "application/json"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, {**self.headers, **kind, **given})
        return connection, connection.getresponse()

    def generate(self, body: Any, **headers: str) -> Answer:
        """Ask for a song."""
        return self.ask("POST", f"{MUSIC}/generate", body, **headers)

    def begin(self, body: Any, **headers: str) -> str:
        """Ask for a song without waiting for it; its name."""
        answer = self.generate(body, Prefer="respond-async", **headers)
        assert answer.status == 202, answer.data
        return str(answer.json["task_id"])

    def status_of(self, task_id: str) -> str:
        """Return the state of a song."""
        return str(self.ask("GET", f"{MUSIC}/{task_id}").json["status"])

    def wait_until(self, task_id: str, wanted: str) -> None:
        """Return once the song has come to that status."""
        pause = threading.Event()
        for _ in range(round(TIMEOUT_SECONDS / 0.02)):
            if self.status_of(task_id) == wanted:
                return
            pause.wait(0.02)
        raise AssertionError(f"{task_id} never was {wanted}")

    def events(self, task_id: str, **headers: str) -> Iterator[tuple[str, str, Any]]:
        """What happens to a song: id, name and data of each event; heartbeats left out."""
        connection, response = self.open("GET", f"{MUSIC}/{task_id}/events", **headers)
        fields: dict[str, str] = {}
        try:
            for line in response:
                if line.startswith(b":"):
                    continue  # a heartbeat
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif fields:
                    yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
                    fields = {}
        finally:
            connection.close()

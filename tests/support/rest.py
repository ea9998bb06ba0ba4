"""A client of the REST API for tests."""

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
    """An HTTP response: status, headers with names in lower case, and body."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        """The body of the response, parsed as JSON."""
        return json.loads(self.data)


@dataclass(frozen=True)
class Rest:
    """A client of the REST API at one address, which sends the same headers with every request."""

    address: str
    headers: Mapping[str, str]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request, and return the whole response. Header names are keyword arguments with _ in place of -; a
        body that is not bytes is sent as JSON.
        """
        connection, response = self.open(method, path, body, **headers)
        try:
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def open(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Send one request, and return its connection and its response, which can be read in pieces."""
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_SECONDS)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {} if data is None else {"Content-Type": "application/json"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, {**self.headers, **kind, **given})
        return connection, connection.getresponse()

    def generate(self, body: Any, **headers: str) -> Answer:
        """Request a song, and return the response."""
        return self.ask("POST", f"{MUSIC}/generate", body, **headers)

    def begin(self, body: Any, **headers: str) -> str:
        """Request a song without waiting for its end, and return its id."""
        answer = self.generate(body, Prefer="respond-async", **headers)
        assert answer.status == 202, answer.data
        return str(answer.json["task_id"])

    def status_of(self, task_id: str) -> str:
        """Return the status of a song, such as "running"."""
        return str(self.ask("GET", f"{MUSIC}/{task_id}").json["status"])

    def wait_until(self, task_id: str, wanted: str) -> None:
        """Wait until a song has the status `wanted`."""
        pause = threading.Event()
        for _ in range(round(TIMEOUT_SECONDS / 0.02)):
            if self.status_of(task_id) == wanted:
                return
            pause.wait(0.02)
        raise AssertionError(f"{task_id} never was {wanted}")

    def events(self, task_id: str, **headers: str) -> Iterator[tuple[str, str, Any]]:
        """Yield id, name and data of each event of a song, without heartbeats."""
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

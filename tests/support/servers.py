"""Real servers of other projects for tests, in temporary folders and on free ports of the loopback address."""

import atexit
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.support.requirements import not_tried

START_TIMEOUT_SECONDS = 30.0
_ANYBODY = {"name": "anonymous", "actions": ["Admin", "Read", "Write", "List"]}
_BUCKET = "songs"
_KEYS = {"accessKey": "any", "secretKey": "any"}


class DirectoryServer:
    """A Redis or Valkey server that stores its data in an append-only file."""

    def __init__(self, *options: str, port: int = 0, folder: Path | None = None) -> None:
        self.port = port or free_port()
        self.folder = folder or Path(tempfile.mkdtemp(prefix="directory-"))
        self._options = options
        self.start()

    def start(self) -> None:
        command = [program("valkey-server", "redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "yes", *self._options]
        self._process = started(command, lambda: answers(self.port))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def directory_server() -> DirectoryServer:
    """Return the directory server that all tests share; it starts at the first call, and ends with this process."""
    server = DirectoryServer()
    atexit.register(server.remove)
    return server


class S3Server:
    """An S3-compatible server with one bucket for all tests, which stores its data in a folder."""

    def __init__(self) -> None:
        self._folder, self._port = Path(tempfile.mkdtemp(prefix="objects-")), free_port()
        self._ports = [f"-{part}.port={free_port()}" for part in ("master", "volume", "filer")]
        self._ports += [f"-{part}.port.grpc={free_port()}" for part in ("master", "volume", "filer", "s3")]
        self.start()

    def start(self) -> None:
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": [_ANYBODY, {**_ANYBODY, "name": "us", "credentials": [_KEYS]}]}))
        options = ["-s3", f"-s3.port={self._port}", f"-s3.config={config}", f"-dir={self._folder}"]
        options += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", *self._ports, "-volume.max=20"]
        self._process = started([program("weed"), "server", *options], lambda: _takes_objects(self._port))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def s3_server() -> str:
    """Return the URL of the S3-compatible server that all tests share; it starts at the first call, and ends with this
    process.
    """
    server = S3Server()
    atexit.register(server.remove)
    return server.url


def _takes_objects(port: int) -> bool:
    """Create the bucket for all tests and an object in it; return True if both succeeded.

    There is only one bucket, because each bucket has its own volumes, of which the server has few. The server creates
    buckets before it has a volume for objects.
    """
    bucket, made = f"http://127.0.0.1:{port}/{_BUCKET}", (HTTPStatus.OK, HTTPStatus.CONFLICT)
    return _put(bucket) in made and _put(f"{bucket}/ready") == HTTPStatus.OK


def _put(url: str) -> int:
    """Send a PUT request, and return the HTTP status; 0 if there is no response."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"", method="PUT"), timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def new_prefix() -> str:
    """Return a new URL prefix without objects on the shared S3 server, and set its access keys in the environment."""
    os.environ.update({"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"})
    return f"s3://{_BUCKET}/{secrets.token_hex(4)}"


def program(*names: str) -> str:
    """Return the path of the first of these programs that is installed; ends the test with `not_tried` if there is
    none.
    """
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = next(filter(None, (shutil.which(name, path=places) for name in names)), None)
    if found is None:
        not_tried(f"{' or '.join(names)} is missing: run `make test-shared`")
    return found


def started(command: list[str], ready: Callable[[], bool]) -> "subprocess.Popen[bytes]":
    """Start a program in the background, and return its process once it is `ready`."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up_at = time.monotonic() + START_TIMEOUT_SECONDS
    while not ready():
        assert process.poll() is None, f"{command[0]} has ended"
        if time.monotonic() > give_up_at:
            process.kill()
            pytest.fail(f"{command[0]} was not ready in time")
        time.sleep(0.02)
    return process


def eventually(true: Callable[[], object], timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
    """Wait until the function returns a true value; fails the test after `timeout_seconds`."""
    give_up_at = time.monotonic() + timeout_seconds
    while not true():
        assert time.monotonic() < give_up_at, "it did not come true in time"
        time.sleep(0.02)


def free_port() -> int:
    """Return a port of the loopback address on which no program listens now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Return True if a program listens on this port of the loopback address."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

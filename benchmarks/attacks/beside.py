"""Measures how long a listener receives no sound while other clients read nothing, or while the store deletes old
songs.
"""

import asyncio
import json
import logging
import socket
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.attacks import store
from benchmarks.attacks.attacked_server import GENERATE, JSON, Attacked, Figures, ask, attacked
from benchmarks.attacks.listener import Listener

NON_READERS = 500
_SECONDS = 20.0


def non_readers(checkout: Path) -> Figures:
    """Measure a server while many clients request the download of a complete song and do not read it; yield, each with
    its name, the responses to one more download and to one more request for a song, and the longest time for which a
    listener receives no sound.
    """
    with attacked(checkout) as server, Listener(server) as listener:
        path = _complete_song(server)
        connections = [_asking(server.http, path) for _ in range(NON_READERS)]
        yield f"{NON_READERS} that read nothing: a download", _download(server, path)
        yield f"{NON_READERS} that read nothing: a song", ask(server.http, "POST", GENERATE, '{"prompt": "x"}')
        time.sleep(_SECONDS / 2)
        yield f"{NON_READERS} that read nothing: longest silence of a listener beside", listener
        for connection in connections:
            connection.close()


def cleaning(checkout: Path) -> Figures:
    """Measure the stalls of a listener while the server deletes old songs after its start; yield, each with its name,
    the number of songs left at the beginning, the seconds of the clean-up, the response to a request for the list of
    songs, and the longest time for which the listener receives no sound.
    """
    with tempfile.TemporaryDirectory() as folder:
        logging.disable(logging.WARNING)
        asyncio.run(store.with_old_songs(Path(folder)))
        settings = {"STORE__FOLDER": folder, "STORE__MAX_AGE_HOURS": "1"}
        began = time.monotonic()
        with attacked(checkout, None, **settings) as server, Listener(server) as listener:
            before = _files(folder)
            while _files(folder) > store.OLD_SONGS // 100 and time.monotonic() - began < 90:
                time.sleep(0.1)
            yield "clean-up: songs left when the listener began", before
            yield f"clean-up of {store.OLD_SONGS} songs: seconds from the start of the server", time.monotonic() - began
            yield "clean-up: a list of songs beside", ask(server.http, "GET", "/v1/audio/music")
            yield "clean-up: longest silence of a listener beside", listener


def _files(folder: str) -> int:
    return sum(1 for _ in Path(folder).glob("*.mp3"))


def _complete_song(server: Attacked) -> str:
    """Make a song of 240 s on the server and return the URL path of its sound."""
    url = f"http://{server.http[0]}:{server.http[1]}{GENERATE}"
    body = json.dumps({"prompt": "x", "duration": 240}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, JSON), timeout=60) as answer:
        return f"/audio/{json.load(answer)['task_id']}.mp3"


def _asking(address: tuple[str, int], path: str) -> socket.socket:
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def _download(server: Attacked, path: str) -> str:
    began = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://{server.http[0]}:{server.http[1]}{path}", timeout=60) as answer:
            result = f"{len(answer.read()):,} bytes"
    except OSError as error:
        result = type(error).__name__
    return f"{result} after {1000 * (time.monotonic() - began):.0f} ms"


ATTACKS = (non_readers, cleaning)

"""Shows the responses of a server whose store is full or damaged: injects one fault after the other, and prints what
the server answers. Mounting disks needs root.

`python -m benchmarks.attacks.store_server [attack ...]`, by the names of the functions below; store.py has the attacks
on the store without a server.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc

from melisma.v1 import music_pb2, music_pb2_grpc
from tests.support.rest import MUSIC, SONG, Rest
from tests.support.service import Service, ready, running_service

ENGINE = "fake=tests.support.fakes:FakeEngine"


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Context manager with `folder` as the mount point of a disk in memory (tmpfs) of a given size."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk of a folder with a file, and return the file's path."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


@contextmanager
def server(folder: Path, **environment: str) -> Iterator[tuple[Service, Rest]]:
    """Context manager with a server, which stores its songs in a folder, and a REST client of it; `environment` are the
    server's settings, without the prefix MELISMA_.
    """
    with running_service(ENGINE, STORE__FOLDER=str(folder), **environment) as service:
        ready(service)
        yield service, Rest(service.http_address, {})


def missing_sound(folder: Path) -> str:
    """Delete the sound file of a stored song, then request the song; return the responses over HTTP and gRPC as text
    (F17).
    """
    with server(folder) as (service, rest):
        song = rest.generate(SONG).json
        for path in folder.rglob("*.mp3"):
            path.unlink()
        time.sleep(6)  # so that none of its sound is in memory any more
        results = []
        for method, headers in (("GET", {}), ("GET", {"Range": "bytes=5-9"}), ("HEAD", {})):
            try:
                answer = rest.ask(method, f"/audio/{song['task_id']}.mp3", **headers)
                results.append(f"{method} {answer.status} with {len(answer.data)} bytes")
            except Exception as error:
                results.append(f"{method} {type(error).__name__}")
        with grpc.insecure_channel(service.address) as channel:
            try:
                list(music_pb2_grpc.MusicServiceStub(channel).Listen(music_pb2.ListenRequest(song_id=song["task_id"])))
                results.append("gRPC OK")
            except grpc.RpcError as error:
                results.append(f"gRPC {error.code().name}")
    return ", ".join(results)


def full_disk(folder: Path) -> str:
    """Request songs while the disk is full; return the responses, the metric of songs that are not stored, and the
    number of sound files as text (F14).
    """
    with small_disk(folder, "3m"), server(folder) as (_, rest):
        fill(folder)
        waited = rest.generate(SONG)
        results = [f"POST {waited.status} {waited.json.get('reason', waited.json.get('status'))}"]
        if "task_id" in waited.json:
            results.append(f"then {rest.ask('GET', f'{MUSIC}/' + waited.json['task_id']).status}")
        later = rest.generate(SONG, Prefer="respond-async")
        results.append(f"async {later.status} {later.json.get('reason', later.json.get('status'))}")
        if "task_id" in later.json:
            time.sleep(1)
            results.append(f"then {rest.ask('GET', f'{MUSIC}/' + later.json['task_id']).status}")
        page = rest.ask("GET", "/readyz")
        results.append(f"readyz {page.status} {page.data.decode().strip()!r}")
        lines = rest.ask("GET", "/metrics").data.decode().splitlines()
        results.extend([line for line in lines if line.startswith("melisma_songs_not_kept_total")] or ["no metric"])
        results.append(f"{len(list(folder.glob('*.mp3')))} files")
    return ", ".join(results)


def full_at_start(folder: Path) -> str:
    """Start a server on a full disk with songs that it may delete; return as text whether it starts, and the numbers of
    songs before and after (F14).
    """
    with small_disk(folder, "3m"):
        with server(folder) as (_, rest):
            for seed in range(4):
                rest.generate(SONG | {"seed": seed, "duration": 60})
        fill(folder)
        before = len(list(folder.glob("*.mp3")))
        try:
            with server(folder, STORE__MAX_MEBIBYTES="1", STORE__MAX_AGE_HOURS="0.0001") as (_, rest):
                time.sleep(2)
                after = len(list(folder.glob("*.mp3")))
                return f"starts, {before} songs before, {after} after; POST {rest.generate(SONG).status}"
        except Exception as error:
            return f"does not start ({type(error).__name__})"


TRIALS: Mapping[str, Callable[[Path], str]] = {
    trial.__name__: trial for trial in (missing_sound, full_disk, full_at_start)
}


def main(names: list[str]) -> int:
    """Command line: attack a server's store, and print a line for each attack in `names`, or for all attacks if it is
    empty.
    """
    for name in names or TRIALS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name:20} {TRIALS[name](Path(folder))}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Receives songs from a server that is being attacked, and measures how long no sound arrives."""

import threading
import time

import grpc

from benchmarks.attacks.attacked_server import KEY, Attacked
from melisma.v1 import music_pb2, music_pb2_grpc

_SONG = music_pb2.GenerateRequest(prompt="x", duration_seconds=60)
_TIMEOUT_SECONDS = 60.0


class Listener:
    """Receives songs one after the other on its own connection.

    `longest_seconds` is the longest time between two messages, `dry_seconds` the longest stall of a player that plays
    the chunks as they arrive.
    """

    def __init__(self, server: Attacked, *, keyed: bool = False) -> None:
        self.longest_seconds, self.dry_seconds, self.songs, self.failed = 0.0, 0.0, 0, 0
        self._metadata = (("authorization", f"Bearer {KEY}"),) if keyed else ()
        self._ended = threading.Event()
        self._server = server
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> "Listener":
        self._thread.start()
        time.sleep(1.0)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def __str__(self) -> str:
        dry = f"dry for {self.dry_seconds:.2f} s"
        return f"{self.longest_seconds:.2f} s, {dry} ({self.songs} songs, {self.failed} failed)"

    def _listen(self) -> None:
        with grpc.insecure_channel(self._server.target) as channel:
            stub = music_pb2_grpc.MusicServiceStub(channel)
            while not self._ended.is_set():
                try:
                    self._hear(stub)
                    self.songs += 1
                except grpc.RpcError:
                    self.failed += 1

    def _hear(self, stub: music_pb2_grpc.MusicServiceStub) -> None:
        heard_at, began_at = time.monotonic(), 0.0
        for response in stub.Generate(_SONG, timeout=_TIMEOUT_SECONDS, metadata=self._metadata):
            now = time.monotonic()
            self.longest_seconds, heard_at = max(self.longest_seconds, now - heard_at), now
            if response.event.WhichOneof("event") == "chunk":
                began_at = began_at or now
                self.dry_seconds = max(self.dry_seconds, now - began_at - response.event.chunk.start_seconds)

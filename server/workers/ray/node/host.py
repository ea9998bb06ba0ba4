"""Runs companions on one node of a cluster: processes beside the workers, such as encoders, each connected by a
pipe.
"""

import os
import pickle
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from server.child_process import lean_environment, module_command
from server.workers.pipes.blocking_pipe import BlockingPipe
from server.workers.pipes.pipe import PipeClosed
from server.workers.ray.node.device_lock import DeviceLock
from server.workers.ray.node.outbox import Outgoing, deliver
from server.workers.ray.node.silence import SilenceWatch
from server.workers.sound.links import EncoderLinks

_START_SECONDS, _GRACE_SECONDS, _LOCK_SECONDS = 60.0, 2.0, 10.0


def _leave() -> None:
    sys.stderr.flush()
    os._exit(1)


class CompanionHost:
    """Actor that starts companions (processes beside the workers) on its node, and passes messages to and from them.
    The class does not import Ray.

    If no message comes from the server for three ping periods (intervals between the server's heartbeats), the actor
    ends. Companions end when their pipes are closed, so none outlives the actor.
    """

    def __init__(self, ping_seconds: float, leave: Callable[[], None] = _leave) -> None:
        self._ping_seconds = ping_seconds
        self._silence = SilenceWatch(ping_seconds, leave)
        self._companions: dict[int, _Companion] = {}
        self._ending: list[threading.Thread] = []
        self._received: queue.SimpleQueue[tuple[int, bytes | None]] = queue.SimpleQueue()
        self._links = EncoderLinks()
        self._device_lock: DeviceLock | None = None
        self._lock = threading.Lock()
        self._unwanted: set[int] = set()
        self._closed = False

    def hold(self, slot: str) -> None:
        """Take the lock named `slot`, by which the node's reaper (the actor that kills frozen processes) finds this
        process in order to kill it.

        Raises:
            DeviceBusy: another process has the lock.
        """
        self._device_lock = DeviceLock(slot)
        self._device_lock.acquire(_LOCK_SECONDS)

    def start(self, number: int, module: str, spec: bytes) -> tuple[str, bytes]:
        """Start companion `number` (a process beside a worker), which runs the Python module `module` and gets the
        pickled `spec` as its first message; return the path of its socket, and its own first message, pickled.

        Raises:
            RuntimeError: the companion has ended, or has not answered in time.
        """
        self._silence.heartbeat()
        companion = _Companion(module)
        try:
            first = companion.begin(spec)
        except PipeClosed as error:
            companion.end()
            raise RuntimeError(f"the process {module} did not start: see the log of its node") from error
        with self._lock:
            unwanted = self._closed or number in self._unwanted
            self._unwanted.discard(number)
            self._companions[number] = companion
        threading.Thread(target=self._read, args=(number, companion), name=f"companion {number}", daemon=True).start()
        if unwanted:
            self.stop(number)
        return companion.address, first

    def send(self, number: int, message: bytes) -> None:
        """Pass a pickled message to a companion (a process beside a worker); no effect if the companion has ended."""
        self._silence.heartbeat()
        if (companion := self._companions.get(number)) is not None:
            with suppress(PipeClosed):
                companion.pipe.send_pickled(message)

    def take(self) -> list[tuple[int, bytes | None]]:
        """Return the pickled messages of companions (processes beside the workers) since the last call, each with the
        companion's number; `None` instead of a message means that the companion has ended. The call waits at most one
        ping period (interval between the server's heartbeats) for the first message.
        """
        self._silence.heartbeat()
        taken = []
        with suppress(queue.Empty):
            taken.append(self._received.get(timeout=self._ping_seconds))
            while True:
                taken.append(self._received.get_nowait())
        return taken

    def put(self, outgoing: bytes) -> None:
        """Send pickled sound, which a worker of another node has made, to the encoders of this node."""
        deliver(cast(tuple[Outgoing, ...], pickle.loads(outgoing)), self._links)

    def stop(self, number: int) -> None:
        """End a companion (a process beside a worker), which may still be starting. This is done in a thread, so that a
        frozen companion does not delay messages to others.
        """
        self._silence.heartbeat()
        with self._lock:
            companion = self._companions.pop(number, None)
            if companion is None:
                self._unwanted.add(number)
                return
        thread = threading.Thread(target=companion.end, name=f"end of companion {number}")
        thread.start()
        with self._lock:
            self._ending = [*(one for one in self._ending if one.is_alive()), thread]

    def close(self) -> None:
        """End all companions, and wait until their processes have ended; further companions end as soon as they have
        started.
        """
        with self._lock:
            self._closed = True
        for number in [*self._companions]:
            self.stop(number)
        for thread in self._ending:
            thread.join()

    def end(self) -> None:
        """End all companions and release the lock; needed only for an actor that shares its process with others, as in
        tests.
        """
        self._silence.stop()
        self.close()
        self._received.put((0, None))
        self._links.close()
        if self._device_lock is not None:
            self._device_lock.release()

    def _read(self, number: int, companion: "_Companion") -> None:
        with suppress(PipeClosed):
            while True:
                self._received.put((number, companion.pipe.receive_pickled()))
        self._received.put((number, None))


class _Companion:
    """One companion process, and the folder of its socket, which other users cannot enter."""

    def __init__(self, module: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="melisma-encoder-"))
        self.address = str(self._folder / "socket")
        self._near, far = socket.socketpair()
        with far:
            self._process = subprocess.Popen(
                module_command(module, far.fileno(), self.address),
                stdin=subprocess.DEVNULL,
                pass_fds=(far.fileno(),),
                env=lean_environment(),
            )
        self.pipe = BlockingPipe(self._near.dup().detach())

    def begin(self, spec: bytes) -> bytes:
        """Send the companion its first message, the pickled `spec`, and return the companion's first message. Raises
        PipeClosed if the companion has ended.
        """
        self.pipe.send_pickled(spec)
        watch = threading.Timer(_START_SECONDS, self._process.kill)
        watch.start()
        try:
            return self.pipe.receive_pickled()
        finally:
            watch.cancel()

    def end(self) -> None:
        """Close the companion's pipe, which ends the process; kill the process if it does not end."""
        with suppress(OSError):
            self._near.shutdown(socket.SHUT_RDWR)
        self._near.close()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)

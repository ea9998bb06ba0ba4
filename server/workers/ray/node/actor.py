"""The worker on a node of a Ray cluster: an actor around the same command executor that worker processes of the local
pool use.

Its methods take and return pickled messages, so Ray sees only bytes. The module does not import Ray.
"""

import dataclasses
import logging
import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import cast

from server.log_output.lines import configure_logs
from server.version import VERSION
from server.workers.execution.executor import CommandExecutor
from server.workers.execution.worker_start import limit_threads, started
from server.workers.messages import Command
from server.workers.ray.cluster_base import Place
from server.workers.ray.node.device_lock import DeviceLock
from server.workers.ray.node.outbox import Outbox
from server.workers.ray.node.silence import SilenceWatch
from server.workers.worker_spec import WorkerSpec

_log = logging.getLogger(__name__)

_LOCK_SECONDS = 10.0
_SWITCH_SECONDS = 0.0005


def _leave() -> None:
    """End the process at once. A regular end would wait for threads and destructors that may use a broken device."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(1)


class WorkerActor:
    """Worker actor: loads engines and executes commands. Each lane (command queue) calls `run` from its own thread."""

    def __init__(self, ping_seconds: float, leave: Callable[[], None] = _leave) -> None:
        """Set up the worker actor. `leave` ends the process; it is called if no message comes from the server for three
        times `ping_seconds`.
        """
        self._leave = leave
        self._silence = SilenceWatch(ping_seconds, self._deserted)
        self._outbox = Outbox()
        self._executor: CommandExecutor | None = None
        self._lock: DeviceLock | None = None
        self._slot = "none yet"
        self._threads = 0
        self._limited = threading.local()
        self._ended = threading.Event()

    def place(self) -> Place:
        """Return the location of the actor: version of the code, process id, node and GPUs."""
        host, node, gpus = self.where()
        self._outbox.node_id = node
        return Place(VERSION, os.getpid(), host, node, gpus)

    def where(self) -> tuple[str, str, tuple[str, ...]]:
        """Return the address and the id of the node, and the ids of the actor's GPUs. A subclass gets them from the
        cluster.
        """
        return "localhost", "localhost", ()

    def load(self, slot: str, spec: bytes) -> bytes:
        """Lock the device named `slot`, load engines as the pickled `WorkerSpec` says, and return the pickled `Ready`
        message.

        Raises:
            DeviceBusy: another process uses the device.
        """
        wanted = cast(WorkerSpec, pickle.loads(spec))
        self._slot = slot
        self._lock = DeviceLock(slot)
        self._lock.acquire(_LOCK_SECONDS)
        try:
            return self._load(wanted)
        except Exception:
            raise
        except BaseException:  # the device is broken
            self._fail()
            raise

    def run(self, command: bytes) -> bytes:
        """Execute a pickled command. Returns the pickled pair of the pickled reply and the sound for encoders on other
        nodes.

        An unexpected error ends the process, as in a worker process of the local pool.
        """
        self._silence.heartbeat()
        try:
            assert self._executor is not None
            self._limit_threads()
            reply = self._executor.handle(cast(Command, pickle.loads(command)))
            packed = pickle.dumps(reply, pickle.HIGHEST_PROTOCOL)
            data = pickle.dumps((packed, self._outbox.take()), pickle.HIGHEST_PROTOCOL)
        except BaseException:
            self._fail()
            raise
        self._silence.heartbeat()
        return data

    def heartbeat(self) -> None:
        """Record a heartbeat of the server."""
        self._silence.heartbeat()

    def live(self) -> None:
        """Wait until the actor is ended. If the actor's process dies, the remote call of this method fails at once."""
        self._ended.wait()

    def end(self) -> None:
        """Release the device; needed only for an actor that shares its process with others, as in tests."""
        self._silence.stop()
        if self._lock is not None:
            self._lock.release()
        self._ended.set()

    def _load(self, spec: WorkerSpec) -> bytes:
        configure_logs(spec.logs.level, spec.logs.format, bounded=False)  # engines may log any amount of text
        device = "cuda:0" if spec.device == "cuda" else spec.device  # Ray shows an actor only its own GPU
        engines, ready = started(dataclasses.replace(spec, device=device))
        self._threads = spec.threads
        if len(spec.lanes) > 1:
            # Two threads of one Python process take turns; a denoising step must not wait long for its turn.
            sys.setswitchinterval(_SWITCH_SECONDS)
        self._executor = CommandExecutor(engines, encoders=self._outbox)
        return pickle.dumps(ready, pickle.HIGHEST_PROTOCOL)

    def _limit_threads(self) -> None:
        if not getattr(self._limited, "done", False):
            limit_threads(self._threads)
            self._limited.done = True

    def _deserted(self) -> None:
        _log.critical(
            "the worker of device %s received no message from its server for too long, and ends: check the server and "
            "its network",
            self._slot,
        )
        self._leave()

    def _fail(self) -> None:
        text = "the worker of device %s ends because of an unexpected error; the server restarts it"
        _log.critical(text, self._slot, exc_info=True)
        self._leave()

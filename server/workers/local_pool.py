"""Keeps one worker process running for each device of one computer (worker pool), and restarts those that die."""

from collections.abc import Collection, Mapping, Sequence

from typing_extensions import override

from server.logs import Logs
from server.workers.base import WorkerDeath
from server.workers.device_spec import DeviceSpec
from server.workers.oom_kills import OomKills
from server.workers.restarting_pool import RestartingPool
from server.workers.worker_process import WorkerProcess
from server.workers.worker_spec import EngineSpec


class LocalPool(RestartingPool[WorkerProcess]):
    """Keeps one worker process of this computer running for every device, and tracks the devices on which each engine
    is ready.
    """

    def __init__(
        self,
        devices: Sequence[DeviceSpec],
        engines: Sequence[EngineSpec],
        *,
        worker_threads: int = 1,
        exchange_timeout_seconds: float = 30.0,
        load_timeout_seconds: float = 300.0,
        restart_backoff_seconds: float = 0.5,
        logs: Logs = Logs(),
        fingerprinted: Collection[str] = (),
    ) -> None:
        """Set up the worker pool. `worker_threads` is the number of compute threads of each worker (0: chosen by the
        libraries), `logs` the level and format of its log. A worker that does not answer within
        `exchange_timeout_seconds` is killed, and so is one that does not load its engines within
        `load_timeout_seconds`. The pause before a restart is `restart_backoff_seconds`, and doubles with every failed
        start. Workers compute the sound fingerprints (hashes of a test song) of the engines in `fingerprinted`.
        """
        super().__init__(
            devices,
            engines,
            worker_threads=worker_threads,
            load_timeout_seconds=load_timeout_seconds,
            restart_backoff_seconds=restart_backoff_seconds,
            logs=logs,
            fingerprinted=fingerprinted,
        )
        self._exchange_timeout_seconds = exchange_timeout_seconds
        self._kills = OomKills()

    @override
    def process_ids(self) -> Mapping[tuple[str, str], int | None]:
        return {("worker", device): worker.pid for device, worker in self._workers.items()}

    @override
    def _starting(self) -> None:
        self._kills.forget()

    @override
    def _new_worker(self, device: DeviceSpec) -> WorkerProcess:
        return WorkerProcess(
            self._worker_spec(device),
            exchange_timeout_seconds=self._exchange_timeout_seconds,
            on_exit=lambda: self._exited(device.name),
        )

    @override
    def _death(self, worker: WorkerProcess) -> WorkerDeath:
        return worker.death(self._kills)

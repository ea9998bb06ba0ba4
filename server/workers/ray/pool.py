"""Keeps one worker running on a Ray cluster for each configured device (worker pool), on a free device of any node."""

import importlib.util
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence

from typing_extensions import override

from server.logs import Logs
from server.workers.base import WorkerDeath, WorkerPoolObserver
from server.workers.device_spec import DeviceSpec
from server.workers.pipes.piped_process import PipedProcess
from server.workers.ray.bridge import Bridge, DriverProcess
from server.workers.ray.joining import check_token
from server.workers.ray.messages import ClusterSpec
from server.workers.ray.worker import RayWorker
from server.workers.restarting_pool import PoolUnusable, RestartingPool
from server.workers.worker_spec import EngineSpec

INLINE = {"RAY_max_direct_call_object_size": str(16 << 20)}
"""Ray setting: sound and the denoising states of sections are sent inside the messages of calls. Above 100 kB, Ray's
default, they would go through Ray's object store, which may stop answering after a restart of the cluster's head.
"""


def driver_process(token_file: str) -> Callable[[], DriverProcess]:
    """Return a function that creates the handle of a driver process, which joins the cluster with the token in
    `token_file`.

    Raises:
        PoolUnusable: the package ray is not installed, or the token cannot be used.
    """
    if importlib.util.find_spec("ray") is None:
        raise PoolUnusable("MELISMA_POOL__KIND=ray needs the package ray: run pip install 'melisma[ray]'")
    check_token(token_file)
    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": token_file,
        "RAY_USAGE_STATS_ENABLED": "0",
        **INLINE,
    }
    return lambda: PipedProcess("server.workers.ray.driver_process", environment=environment)


class RayPool(RestartingPool[RayWorker]):
    """Keeps one worker on a Ray cluster running for every configured device. Ray itself neither restarts workers nor
    repeats calls.
    """

    def __init__(
        self,
        devices: Sequence[DeviceSpec],
        engines: Sequence[EngineSpec],
        *,
        address: str,
        new_process: Callable[[], DriverProcess],
        ping_seconds: float = 10.0,
        again_seconds: float = 2.0,
        worker_threads: int = 1,
        exchange_timeout_seconds: float = 30.0,
        load_timeout_seconds: float = 300.0,
        restart_backoff_seconds: float = 0.5,
        logs: Logs = Logs(),
        fingerprinted: Collection[str] = (),
    ) -> None:
        """Set up the worker pool; the cluster's head is at `address`, "host:port". `new_process` creates the handle of
        a driver process, which controls the workers there. `worker_threads` is the number of compute threads of each
        worker (0: chosen by the libraries). A worker is ended if the server or the worker gets no message from the
        other for three times `ping_seconds`, or if a command takes longer than `exchange_timeout_seconds`. After the
        loss of a cluster, attempts to join it again are made every `again_seconds`. For the other parameters see
        `RestartingPool`.
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
        self._bridge = Bridge(
            ClusterSpec(address, uuid.uuid4().hex, ping_seconds, logs), new_process, again_seconds=again_seconds
        )

    @override
    def process_ids(self) -> Mapping[tuple[str, str], int | None]:
        return {("ray_driver", ""): self._bridge.pid}

    @override
    def nodes(self) -> Mapping[str, str]:
        return {device: worker.node for device, worker in self._workers.items() if worker.node and not worker.exited}

    @property
    def bridge(self) -> Bridge:
        """The connection to the driver process, which controls the workers on the cluster."""
        return self._bridge

    def node_id(self, device: str) -> str:
        """Return the id of the cluster node on which the worker of a device has loaded its engines; empty if there is
        none.
        """
        worker = self._workers.get(device)
        return "" if worker is None or worker.exited else worker.node_id

    @override
    async def run(self, observer: WorkerPoolObserver) -> None:
        try:
            await super().run(observer)
        finally:
            await self._bridge.close()

    @override
    async def close(self) -> None:
        await super().close()
        await self._bridge.close()

    @override
    def _new_worker(self, device: DeviceSpec) -> RayWorker:
        return RayWorker(
            device.name,
            self._worker_spec(device),
            self._bridge,
            exchange_timeout_seconds=self._exchange_timeout_seconds,
            on_exit=lambda: self._exited(device.name),
        )

    @override
    def _death(self, worker: RayWorker) -> WorkerDeath:
        return worker.death

"""Connects to a Ray cluster. This is the only module that imports ray."""

import asyncio
import threading
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from server.workers.base import WorkerDeath
from server.workers.messages import Lane
from server.workers.ray.cluster_base import CONTROL, LIFE, SOUND, ActorLost
from server.workers.ray.joining import CannotJoin, reason
from server.workers.ray.node.actor import WorkerActor
from server.workers.ray.node.host import CompanionHost
from server.workers.ray.node.reaper import Reaper

_NEVER_AGAIN = {"max_restarts": 0, "max_task_retries": 0}
"""Ray options: Ray neither restarts actors nor repeats calls, which might do a denoising step twice. The server
restarts workers and repeats songs itself.
"""


class RayCluster:
    """A connection to a Ray cluster, of which this computer is a node. A process can have only one connection."""

    def __init__(self, address: str, ping_seconds: float) -> None:
        """Join the cluster whose head is at `address`, "host:port"; blocks for some seconds. The server sends a
        heartbeat to each actor every `ping_seconds`.

        Raises:
            CannotJoin: there is no such cluster, or it does not admit this process; the text says what to do.
        """
        self._ping_seconds = ping_seconds
        try:
            ray.init(address=address, namespace="melisma", log_to_driver=False, logging_level="error")
        except Exception as error:
            raise CannotJoin(reason(address, error)) from error
        groups = {**{lane.value: 1 for lane in Lane}, LIFE: 1, CONTROL: 1}
        self._worker = ray.remote(concurrency_groups=groups)(_NodeWorker)
        self._reaper = ray.remote(concurrency_groups={CONTROL: 1})(Reaper)
        self._host = ray.remote(concurrency_groups={LIFE: 1, CONTROL: 1, SOUND: 1})(CompanionHost)

    def start_worker(self, device: str) -> "RayActor":
        """Start an actor of the class `WorkerActor` on a node with a free device of the kind `device` ("cuda",
        "cpu").
        """
        needs = {"num_gpus": 1, "num_cpus": 0} if device == "cuda" else {"num_cpus": 1}
        return RayActor(self._worker.options(**needs, **_NEVER_AGAIN).remote(self._ping_seconds))

    def start_reaper(self, node: str) -> "RayActor":
        """Start an actor of the class `Reaper`, which kills frozen workers, on the given node."""
        return self._start_on(node, self._reaper)

    def start_host(self, node: str) -> "RayActor":
        """Start an actor of the class `CompanionHost`, which runs companions such as encoders, on the given node."""
        return self._start_on(node, self._host)

    def free_devices(self, device: str) -> float:
        """Return the number of free devices of the kind `device` ("cuda", "cpu") in the cluster."""
        return float(ray.available_resources().get("GPU" if device == "cuda" else "CPU", 0.0))

    def close(self) -> None:
        """Disconnect this process from the Ray cluster."""
        ray.shutdown()

    def _start_on(self, node: str, kind: Any) -> "RayActor":
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        options = {"num_cpus": 0, "scheduling_strategy": there, **_NEVER_AGAIN}
        return RayActor(kind.options(**options).remote(self._ping_seconds))


class RayActor:
    """Handle of one Ray actor (a process on some node with methods that are called remotely)."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._methods: dict[tuple[str, str], Any] = {}

    def call(self, method: str, *arguments: object, group: str = "") -> asyncio.Future[Any]:
        """Call a method of the actor; return a future for its result. `group` is Ray's concurrency group of the
        call.
        """
        bound = self._methods.get((method, group))
        if bound is None:
            bound = getattr(self._handle, method)
            bound = self._methods[method, group] = bound.options(concurrency_group=group) if group else bound
        # In some versions of Ray, awaiting Ray's own object reference leaks memory.
        return asyncio.ensure_future(_answer(asyncio.wrap_future(bound.remote(*arguments).future())))

    def kill(self) -> None:
        """End the actor's process without waiting. A frozen process does not end; the reaper of its node kills it."""
        # Ray's call blocks while the cluster's head is unreachable, so it runs in a thread.
        threading.Thread(target=ray.kill, args=(self._handle,), daemon=True).start()


async def _answer(future: asyncio.Future[Any]) -> Any:
    try:
        return await future
    except RayTaskError as error:
        raise RuntimeError(str(error.cause or error)) from error
    except RayError as error:
        text = " ".join(str(error).split())
        raise ActorLost(text, _death_of(error), never_ran="never ran" in text) from error


def _death_of(error: RayError) -> WorkerDeath:
    """Return the cause of an actor's end, judged by the text of Ray's error. Ray does not distinguish a kill from a
    crash, and mentions lack of memory as a possible cause of every unexpected end.
    """
    if isinstance(error, ActorUnavailableError):
        return WorkerDeath.UNRESPONSIVE
    text = str(error)
    if isinstance(error, OutOfMemoryError) or "running low on memory" in text:
        return WorkerDeath.OUT_OF_MEMORY
    return WorkerDeath.KILLED if "SYSTEM_ERROR" in text else WorkerDeath.EXITED


class _NodeWorker(WorkerActor):
    """A worker actor that asks Ray on which node it runs."""

    def where(self) -> tuple[str, str, tuple[str, ...]]:
        """Return the address and the id of the node, and the ids of the GPUs that Ray has given to the actor."""
        context = ray.get_runtime_context()
        gpus = tuple(map(str, context.get_accelerator_ids().get("GPU", ())))
        return ray.util.get_node_ip_address(), context.get_node_id(), gpus

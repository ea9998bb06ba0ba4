"""Loads the engines of a worker and sets its number of compute threads, on this computer or on a node of a cluster."""

import sys
from collections.abc import Mapping

from threadpoolctl import threadpool_limits

from model.engine import Engine
from server.garbage import uncollected
from server.workers.execution.engine_loading import fingerprints, load_engines, ready_message
from server.workers.messages import Ready
from server.workers.worker_spec import WorkerSpec


def started(spec: WorkerSpec) -> tuple[dict[str, Engine], Ready]:
    """Load the engines of a worker; return them by name, and the worker's first message."""
    with uncollected():
        engines, failures = load_engines(spec.engines, spec.device)
        sounds = _fingerprints(spec, engines)
    return engines, ready_message(engines, failures, sounds)


def limit_threads(threads: int) -> None:
    """Limit the number of compute threads that the calling thread may use (some libraries count per thread); 0 means no
    limit.
    """
    if not threads:
        return
    threadpool_limits(threads)
    # If no engine has imported torch, it is not imported here either, which would take seconds.
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _fingerprints(spec: WorkerSpec, engines: Mapping[str, Engine]) -> Mapping[str, str]:
    """Return the sound fingerprints (hashes of a test song) of the engines in `spec.fingerprinted`, by engine. The test
    song is made with as many threads as all songs.
    """
    wanted = {name: engine for name, engine in engines.items() if name in spec.fingerprinted}
    if wanted:
        limit_threads(spec.threads)
    return fingerprints(wanted, spec.device)

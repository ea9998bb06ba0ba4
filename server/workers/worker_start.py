"""Loads the engines of a worker and sets its number of compute threads, wherever the worker runs."""

import sys
from collections.abc import Mapping

from threadpoolctl import threadpool_limits

from model.engine import Engine
from server.garbage import uncollected
from server.workers.engine_loading import fingerprints, load_engines, ready_message
from server.workers.messages import Ready, WorkerSpec


def started(spec: WorkerSpec) -> tuple[dict[str, Engine], Ready]:
    """Load the engines of a worker; returns them and the worker's first message."""
    with uncollected():
        engines, failures = load_engines(spec.engines, spec.device)
        sounds = _fingerprints(spec, engines)
    return engines, ready_message(engines, failures, sounds)


def limit_threads(threads: int) -> None:
    """Limit the compute threads for the calling thread, because some libraries count them per thread."""
    if not threads:
        return
    threadpool_limits(threads)
    # Asking the loaded modules spares engines that do not use torch its import, which takes seconds.
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _fingerprints(spec: WorkerSpec, engines: Mapping[str, Engine]) -> Mapping[str, str]:
    """Return the sound fingerprints of the engines that the worker must identify, by engine; the sound is made with as
    many threads as that of songs.
    """
    wanted = {name: engine for name, engine in engines.items() if name in spec.fingerprinted}
    if wanted:
        limit_threads(spec.threads)
    return fingerprints(wanted, spec.device)

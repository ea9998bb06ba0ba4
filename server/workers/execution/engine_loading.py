"""Loads the engines of one worker. This is the only module of the server that imports engines, and through them
torch.
"""

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from model.engine import Engine
from model.registry import engine_class, load_engine
from server.workers.execution.failures import failure_of, is_out_of_memory, raise_if_fatal, release_memory
from server.workers.execution.sound_fingerprint import sound_fingerprint
from server.workers.messages import Failure, Ready
from server.workers.worker_spec import EngineSpec

_log = logging.getLogger(__name__)


def load_engines(specs: Sequence[EngineSpec], device: str) -> tuple[dict[str, Engine], dict[str, Failure]]:
    """Load the engines of a worker onto `device`, each in its own thread. Returns the loaded engines, and the failures
    of the engines that could not be loaded, both by name.

    An engine that fails does not affect the others. An engine that runs out of memory is loaded again after the others.
    If memory is still short then, the error is raised, so that a new process loads all engines: an earlier process on
    the device may not have freed its memory yet.

    Raises:
        DeviceBroken: the device fails for all engines.
    """
    failures: dict[str, Failure] = {}
    for spec in specs:
        with _failure_noted(spec, failures):
            # Not in threads: two threads that import modules with mutual imports may get incomplete modules.
            engine_class(spec.name, spec.factory)
    loadable = [spec for spec in specs if spec.name not in failures]
    engines = _load_beside(loadable, device, failures) if len(loadable) > 1 else {}
    for spec in loadable:
        if spec.name not in engines and spec.name not in failures:
            with _failure_noted(spec, failures):
                engines[spec.name] = _load(spec, device)
    return {spec.name: engines[spec.name] for spec in specs if spec.name in engines}, failures


def ready_message(
    engines: Mapping[str, Engine], failures: Mapping[str, Failure], sounds: Mapping[str, str] | None = None
) -> Ready:
    """Return the first message of a worker: its loaded engines by their configured names, the failures of the engines
    that could not be loaded, and the sound fingerprints (hashes of a test song).
    """
    infos = tuple(dataclasses.replace(engine.info(), name=name) for name, engine in engines.items())
    return Ready(infos, failures, sounds or {})


def fingerprints(engines: Mapping[str, Engine], device: str) -> dict[str, str]:
    """Return the sound fingerprint (hash of a test song) of each engine; an engine that fails to make the test song is
    logged and left out.
    """
    found: dict[str, str] = {}
    for name, engine in engines.items():
        try:
            found[name] = sound_fingerprint(engine, name, device)
        except Exception as error:
            raise_if_fatal(error)
            release_memory(error)
            text = "no fingerprint could be made of the sound of engine %s, so other servers cannot continue its songs"
            _log.warning(text, name, exc_info=True)
    return found


def _load_beside(specs: Sequence[EngineSpec], device: str, failures: dict[str, Failure]) -> dict[str, Engine]:
    """Load engines at the same time, and return those that loaded; errors go into `failures`. An engine that ran out of
    memory is neither returned nor in `failures`.
    """
    engines: dict[str, Engine] = {}
    with ThreadPoolExecutor(len(specs), "load") as threads:
        loading = [threads.submit(_load, spec, device) for spec in specs]
    for spec, future in zip(specs, loading, strict=True):
        if not _lacked_memory(spec, future):
            with _failure_noted(spec, failures):
                engines[spec.name] = future.result()
    return engines


def _lacked_memory(spec: EngineSpec, future: Future[Engine]) -> bool:
    error = future.exception()
    if error is None or not is_out_of_memory(error):
        return False
    _log.warning(
        "engine %s ran out of memory while other engines were being loaded; it is loaded again alone", spec.name
    )
    release_memory(error)
    return True


def _load(spec: EngineSpec, device: str) -> Engine:
    return load_engine(spec.name, device, spec.factory, spec.options)


@contextmanager
def _failure_noted(spec: EngineSpec, failures: dict[str, Failure]) -> Iterator[None]:
    """Context manager around the loading of an engine: stores its error in `failures`. Lack of memory and errors of the
    device are raised again.
    """
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise
        failures[spec.name] = failure_of(error, spec.variables)

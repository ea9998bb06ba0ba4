"""Loads the engines of one worker. The only module of the server that reaches the engines, and through them torch."""

import dataclasses
from collections.abc import Mapping, Sequence

from model.engine import Engine
from model.registry import load_engine
from server.workers.failures import failure_of, is_out_of_memory
from server.workers.messages import EngineSpec, Failure, Ready


def load_engines(specs: Sequence[EngineSpec], device: str) -> tuple[dict[str, Engine], dict[str, Failure]]:
    """Load every engine that can be loaded onto `device`; one that cannot leaves the others alone.

    Lack of memory is no failure of the engine but raised, as torch or Python say it, so that all are loaded again by
    another process: a predecessor that was killed has held its memory a moment longer, perhaps.

    Raises:
        DeviceBroken: an error of the device that no other engine could get over.
    """
    engines: dict[str, Engine] = {}
    failures: dict[str, Failure] = {}
    for spec in specs:
        try:
            engines[spec.name] = load_engine(spec.name, device, spec.factory, spec.options)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            failures[spec.name] = failure_of(error, spec.variables)
    return engines, failures


def ready_message(engines: Mapping[str, Engine], failures: Mapping[str, Failure]) -> Ready:
    """Build the first message of a worker. Engines carry the names that the server gave them."""
    infos = tuple(dataclasses.replace(engine.info(), name=name) for name, engine in engines.items())
    return Ready(infos, failures)

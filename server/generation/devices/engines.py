"""Computes which engines are ready on which devices of a worker pool, and how many songs the devices can make at
once.
"""

from collections.abc import Mapping

from server.workers.base import WorkerPool


def ready_slots(pool: WorkerPool) -> int:
    """Return the number of songs that can be made at once on all devices that have a ready engine."""
    return sum(device.running_songs for device in pool.devices if pool.engines_on(device.name))


def expected_slots(pool: WorkerPool) -> int:
    """Return the number of songs that can be made at once on all devices, including those whose worker is loading or
    being replaced.
    """
    return sum(device.running_songs for device in pool.devices if not pool.serves_nothing(device.name))


def engine_readiness(pool: WorkerPool) -> Mapping[tuple[str, str], bool]:
    """Return, for each pair of engine and device on which the engine is configured, True if the engine is ready
    there.
    """
    return {
        (engine, device.name): engine in pool.engines_on(device.name)
        for engine in pool.engine_names
        for device in pool.devices
        if device.loads(engine)
    }

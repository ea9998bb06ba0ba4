"""Runs the simulation of a pool of devices under a scheduling policy."""

import math
import random
from collections.abc import Mapping, Sequence

from benchmarks.scheduling.dispatchers import Continuous, Dispatcher, Estimates, WholeBatches
from benchmarks.scheduling.pool import RUNNING_SONGS, Pool
from benchmarks.scheduling.presets import DeviceModel
from benchmarks.scheduling.simulation import Simulation
from benchmarks.scheduling.traffic import SONG_MIX, ArrivingSong
from server.scheduling.policy import Order, Policy
from server.workers.device_spec import DeviceSpec

POLICIES = ("listeners", "deadline", "arrival", "requests", "alone")


def simulated(
    pool: Pool, policy: str, songs: Sequence[ArrivingSong], until: float, *, error: float = 0.0, seed: int = 1
) -> Simulation:
    """Simulate the pool with `songs` under `policy`, one of `POLICIES`, until the time `until`, and return the
    simulation. The estimated costs of the songs have a random `error`, drawn with `seed`; see `Estimates`.
    """
    specs = pool.specs(alone=policy == "alone")
    simulation = Simulation(pool, specs)
    dispatcher = _dispatcher(policy, specs, simulation, Estimates(pool, error, seed), pool.encoders)
    simulation.run(dispatcher, songs, until)
    return simulation


def capacities(pool: Pool) -> Mapping[str, float]:
    """Return the songs per second that the devices of each engine make if they are never idle."""
    return {model.name: count * capacity(model) for model, count in zip(pool.models, pool.devices, strict=True)}


def capacity(model: DeviceModel) -> float:
    """Return the songs per second that one device makes if it is never idle, with full batches."""
    lengths, shares = zip(*SONG_MIX, strict=True)
    mix = random.Random(0).choices(lengths, shares, k=4 * RUNNING_SONGS)
    simulation = simulated(
        Pool((model,), (1,)), "deadline", [ArrivingSong(0.0, length, model.name) for length in mix], math.inf
    )
    return len(mix) / simulation.now


def _dispatcher(
    policy: str, specs: Sequence[DeviceSpec], simulation: Simulation, estimates: Estimates, encoders: int | None
) -> Dispatcher:
    def clock() -> float:
        return simulation.now

    order = Order.DEADLINE if policy in ("listeners", "deadline") else Order.ARRIVAL
    rules = Policy(order=order, stall_free=policy == "listeners")
    if policy == "requests":
        return WholeBatches(specs, rules, clock, RUNNING_SONGS)
    return Continuous(specs, rules, clock, estimates, encoders)

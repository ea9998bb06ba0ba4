"""Load a simulated pool of devices, served by the real scheduler, and compare policies.

    python -m benchmarks.scheduling.simulate --preset ace_step_h100 --devices 8 --png simulation.png

For every load, a share of what the pool can make when it is never idle: first audio P95, the share of songs that never
fell silent, and seconds of sound made per second. Policies: `deadline` (what the server does by default), `arrival`
(first come first served, joining at steps), `requests` (batches of whole songs) and `alone` (no batching).
"""

import argparse
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.scheduling.dispatchers import Continuous, Dispatcher, WholeBatches
from benchmarks.scheduling.presets import PRESETS, DeviceModel
from benchmarks.scheduling.simulation import Listener, Simulation
from server.scheduling.policy import Order, Policy
from server.workers.device_spec import DeviceSpec

SONG_MIX = ((30.0, 0.25), (60.0, 0.5), (120.0, 0.2), (240.0, 0.05))
RUNNING_SONGS = 32
BURST_SONGS = 8
POLICIES = ("deadline", "arrival", "requests", "alone")
LOADS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.05, 1.2)
_COLOURS = {"deadline": "C2", "arrival": "C0", "requests": "C1", "alone": "C3"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What listeners had at one load."""

    first_audio_p50: float
    first_audio_p95: float
    stall_free: float
    sound_per_second: float
    batch: float


def specs_of(model: DeviceModel, devices: int, *, alone: bool, running_songs: int = RUNNING_SONGS) -> list[DeviceSpec]:
    """A pool of equal devices."""
    spec = DeviceSpec(
        "",
        "simulated",
        lanes=model.lanes,
        running_songs=1 if alone else running_songs,
        batch_tokens=model.batch_tokens,
        batch_sections=1 if alone else RUNNING_SONGS,
    )
    return [replace(spec, name=f"device-{number}") for number in range(devices)]


def work_seconds(model: DeviceModel) -> float:
    """Device seconds for a second of sound of a song that is made alone."""
    tokens = model.tokens_per_second * model.rows
    return (
        model.steps * (model.step_seconds / model.section_seconds + model.token_seconds * tokens) + model.render_seconds
    )


def simulated(
    model: DeviceModel, devices: int, policy: str, arrivals: Sequence[tuple[float, float]], until: float
) -> Simulation:
    """One run."""
    specs = specs_of(model, devices, alone=policy == "alone")
    simulation = Simulation(model, specs)
    simulation.run(_dispatcher(policy, specs, simulation, model), arrivals, until)
    return simulation


def _dispatcher(policy: str, specs: Sequence[DeviceSpec], simulation: Simulation, model: DeviceModel) -> Dispatcher:
    def clock() -> float:
        return simulation.now

    order = Policy(order=Order.DEADLINE if policy == "deadline" else Order.ARRIVAL)
    if policy == "requests":
        return WholeBatches(specs, order, clock, RUNNING_SONGS)
    return Continuous(specs, order, clock, work_seconds(model))


def capacity(model: DeviceModel) -> float:
    """Songs per second that one device makes when it is never idle, with full batches."""
    dice = random.Random(0)
    songs = [(0.0, length) for length in _lengths(dice, 4 * RUNNING_SONGS)]
    simulation = simulated(model, 1, "deadline", songs, math.inf)
    return len(songs) / simulation.now


def arrivals_at(rate: float, until: float, seed: int, *, bursty: bool) -> list[tuple[float, float]]:
    """Times and lengths of songs, `rate` per second; bursty ones come in groups, of eight on average."""
    dice = random.Random(seed)
    size = BURST_SONGS if bursty else 1
    now, times = dice.expovariate(rate / size), list[float]()
    while now < until:
        times += [now] * (1 if not bursty else 1 + int(math.log(1.0 - dice.random()) / math.log(1.0 - 1.0 / size)))
        now += dice.expovariate(rate / size)
    return list(zip(times, _lengths(dice, len(times)), strict=True))


def _lengths(dice: random.Random, count: int) -> list[float]:
    lengths, shares = zip(*SONG_MIX, strict=True)
    return dice.choices(lengths, shares, k=count)


def outcome_of(simulation: Simulation, until: float) -> Outcome:
    """What those had who came after the first fifth of the time and before the last tenth."""
    everyone = list(simulation.listeners.values())
    counted = [one for one in everyone if until / 5 <= one.arrived_at <= 0.9 * until]
    first = [_first_audio(one, until) for one in counted]
    stall_free = [one.first_audio_seconds is not None and one.playback.underrun_seconds < 0.01 for one in counted]
    made = sum(seconds for at, seconds in simulation.sound if at >= until / 5)
    batch = simulation.sections_stepped / max(1, simulation.steps)
    p50, p95 = np.quantile(first, [0.5, 0.95])
    return Outcome(float(p50), float(p95), float(np.mean(stall_free)), made / (0.8 * until), batch)


def _first_audio(listener: Listener, until: float) -> float:
    """Seconds to the first sound; for those still without any, those waited so far."""
    waited = until - listener.arrived_at
    return waited if listener.first_audio_seconds is None else listener.first_audio_seconds


def draw(path: Path, title: str, loads: Sequence[float], found: dict[str, list[Outcome]]) -> None:
    """First audio, stall-free share and throughput against load, one line for every policy."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 3, figsize=(15, 4.6))
    for policy, outcomes in found.items():
        values = ([o.first_audio_p95 for o in outcomes], [o.stall_free for o in outcomes])
        for panel, series in zip(panels, (*values, [o.sound_per_second for o in outcomes]), strict=True):
            panel.plot(loads, series, marker="o", label=policy, color=_COLOURS[policy])
    for panel, label in zip(panels, ("first audio P95, s", "songs without a stall", "sound, s/s"), strict=True):
        panel.set_xlabel("load / capacity")
        panel.set_title(label)
        panel.grid(alpha=0.3)
    panels[0].set_yscale("log")
    panels[0].legend()
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="ace_step_h100")
    parser.add_argument("--devices", type=int, default=8, help="1 to 1000")
    parser.add_argument("--seconds", type=float, default=600.0, help="simulated time of every run")
    parser.add_argument("--loads", type=float, nargs="+", default=LOADS)
    parser.add_argument("--policies", choices=POLICIES, nargs="+", default=POLICIES)
    parser.add_argument("--bursty", action="store_true", help="songs arrive in groups, of eight on average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--step-ms", type=float, help="a step's time without tokens, instead of the preset's")
    parser.add_argument("--token-us", type=float, help="time of every token of a step, instead of the preset's")
    parser.add_argument("--png", type=Path, help="draw the result into this file")
    return parser


def _model(options: argparse.Namespace) -> DeviceModel:
    """The preset, with the figures that the command line replaces."""
    model = PRESETS[options.preset]
    if options.step_ms is not None:
        model = replace(model, step_seconds=options.step_ms / 1000)
    if options.token_us is not None:
        model = replace(model, token_seconds=options.token_us / 1e6)
    return model


def _measured(options: argparse.Namespace, model: DeviceModel, policy: str, load: float, rate: float) -> Outcome:
    """Runs one policy at one load, and prints its row; `rate` in songs per second."""
    arrivals = arrivals_at(rate, options.seconds, options.seed, bursty=options.bursty)
    started = time.perf_counter()
    simulation = simulated(model, options.devices, policy, arrivals, options.seconds)
    one = outcome_of(simulation, options.seconds)
    cells = (
        f"{one.first_audio_p50:.2f} | {one.first_audio_p95:.2f} | {one.stall_free:.3f} | "
        f"{one.sound_per_second:.1f} | {one.batch:.1f} | {time.perf_counter() - started:.1f}"
    )
    print(f"| {policy} | {load:.2f} | {cells} |", flush=True)
    return one


def main() -> None:
    """Command line."""
    options = _parser().parse_args()
    model = _model(options)
    per_device = capacity(model)
    arrival = "bursty" if options.bursty else "Poisson"
    print(f"{model.name}: {model.assumptions}")
    print(f"capacity of one device: {per_device:.3f} songs/s; {options.devices} devices, {arrival} arrivals")
    print("| policy | load | first audio P50, s | P95, s | stall-free | sound, s/s | sections a step | took, s |")
    print("|---|---|---|---|---|---|---|---|")
    found = {
        policy: [_measured(options, model, policy, load, load * per_device * options.devices) for load in options.loads]
        for policy in options.policies
    }
    if options.png:
        title = f"{model.name}, {options.devices} devices, {arrival} arrivals, songs of 30 to 240 s"
        draw(options.png, title, options.loads, found)


if __name__ == "__main__":
    main()

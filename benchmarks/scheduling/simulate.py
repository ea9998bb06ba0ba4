"""Compares scheduling policies under load on a simulated pool of devices, served by the real scheduler.

    python -m benchmarks.scheduling.simulate --preset ace_step_h100 --devices 8 --png simulation.png
    python -m benchmarks.scheduling.simulate --preset ace_step_h100 studio --devices 4 4 --detached 0.3 --error 0.2
    python -m benchmarks.scheduling.simulate --day --seconds 7200 --detached 0.3 --png day.png

Each preset is an engine with its own devices; all engines get the same load, a share of the pool's capacity. Policies:
`listeners` (that of the server: a song waits until it causes no stall of other listeners), `deadline` (the same order
of songs, but a song waits only until a device has a free slot for it), `arrival` (first come first served, joining at
steps), `requests` (batches of whole songs) and `alone` (no batching). outcome.py explains the columns.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.scheduling.outcome import SimulationOutcome, header, outcome_of
from benchmarks.scheduling.pictures import draw_day, draw_loads
from benchmarks.scheduling.pool import Pool
from benchmarks.scheduling.presets import PRESETS, DeviceModel
from benchmarks.scheduling.runs import POLICIES, capacities, simulated
from benchmarks.scheduling.simulation import Simulation
from benchmarks.scheduling.traffic import ArrivingSong, Traffic

LOADS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.05, 1.2)


def main() -> None:
    """Command line: simulate the policies under each load, and print a table of the results."""
    parser = _parser()
    options = parser.parse_args()
    devices = options.devices if len(options.devices) > 1 else options.devices * len(options.preset)
    if len(devices) != len(options.preset) or len(set(options.preset)) < len(options.preset):
        parser.error("give --devices one number, or one for each preset, and each preset only once")
    pool = Pool(tuple(_model(options, name) for name in options.preset), tuple(devices), options.encoders)
    traffic = Traffic(capacities(pool), options.detached, options.bursty, options.seed)
    _print_heading(pool, traffic)
    if options.day:
        _day(options, pool, traffic)
    else:
        _loads(options, pool, traffic)


def _day(options: argparse.Namespace, pool: Pool, traffic: Traffic) -> None:
    """Simulate a day under each policy, print a row of results for each, and draw a chart if the options name a file
    for it.
    """
    songs = traffic.day(options.seconds)
    load = len(songs) / options.seconds / traffic.capacity
    found = {policy: _measured(options, pool, policy, load, songs, options.seconds)[0] for policy in options.policies}
    if options.png:
        listeners = {policy: tuple(simulation.listeners.values()) for policy, simulation in found.items()}
        draw_day(options.png, f"{_title(pool)}, a day in {options.seconds:.0f} s", options.seconds, listeners)


def _loads(options: argparse.Namespace, pool: Pool, traffic: Traffic) -> None:
    """Simulate each load under each policy, print a row of results for each pair, and draw a chart if the options name
    a file for it.
    """
    found: dict[str, list[SimulationOutcome]] = {policy: [] for policy in options.policies}
    for load in options.loads:
        until = options.songs / (load * traffic.capacity) if options.songs else options.seconds
        songs = traffic.steady(load, until)
        for policy, outcomes in found.items():
            outcomes.append(_measured(options, pool, policy, load, songs, until)[1])
    if options.png:
        arrival = "bursty" if options.bursty else "Poisson"
        draw_loads(options.png, f"{_title(pool)}, {arrival} arrivals, songs of 30 to 240 s", options.loads, found)


def _measured(
    options: argparse.Namespace, pool: Pool, policy: str, load: float, songs: Sequence[ArrivingSong], until: float
) -> tuple[Simulation, SimulationOutcome]:
    """Simulate one policy under one load, and print its row of the table."""
    simulation = simulated(pool, policy, songs, until, error=options.error, seed=options.seed)
    outcome = outcome_of(simulation, until, options.server_ms)
    print(outcome.row(policy, load), flush=True)
    return simulation, outcome


def _print_heading(pool: Pool, traffic: Traffic) -> None:
    for model, devices in zip(pool.models, pool.devices, strict=True):
        print(f"{model.name}: {model.assumptions}")
        print(f"capacity of one device: {traffic.capacities[model.name] / devices:.3f} songs/s; {devices} devices")
    print(f"\n{header()}")


def _title(pool: Pool) -> str:
    return " and ".join(f"{count} x {model.name}" for model, count in zip(pool.models, pool.devices, strict=True))


def _model(options: argparse.Namespace, name: str) -> DeviceModel:
    """Return the preset `name`, with the step and token times that the command line gives in place of its own."""
    model = PRESETS[name]
    if options.step_ms is not None:
        model = replace(model, step_seconds=options.step_ms / 1000)
    if options.token_us is not None:
        model = replace(model, token_seconds=options.token_us / 1e6)
    return model


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", choices=POLICIES, nargs="+", default=POLICIES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--png", type=Path, help="PNG file to draw the results into")
    _add_pool(parser)
    _add_traffic(parser)
    return parser


def _add_pool(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", choices=PRESETS, nargs="+", default=["ace_step_h100"])
    parser.add_argument(
        "--devices", type=int, nargs="+", default=[8], help="number of devices, 1 to 1000, for each preset"
    )
    parser.add_argument("--encoders", type=int, help="number of encoders; unset: one for each song")
    parser.add_argument("--server-ms", type=float, default=1.5, help="CPU ms of the server process per second of sound")
    parser.add_argument("--step-ms", type=float, help="milliseconds of a step without tokens; unset: the preset's")
    parser.add_argument("--token-us", type=float, help="microseconds of each token of a step; unset: the preset's")
    parser.add_argument(
        "--error", type=float, default=0.0, help="standard deviation of the logarithm of estimated by actual work"
    )


def _add_traffic(parser: argparse.ArgumentParser) -> None:
    time = parser.add_mutually_exclusive_group()
    time.add_argument("--seconds", type=float, default=600.0, help="simulated seconds of every run")
    time.add_argument("--songs", type=int, help="mean number of songs in every run, instead of --seconds")
    loads = parser.add_mutually_exclusive_group()
    loads.add_argument("--loads", type=float, nargs="+", default=LOADS)
    loads.add_argument(
        "--day", action="store_true", help="simulate a day of bursts, at 10 %% to 150 %% of the capacity"
    )
    parser.add_argument("--bursty", action="store_true", help="let songs arrive in groups of eight on average")
    parser.add_argument("--detached", type=float, default=0.0, help="share of songs without listeners, 0 to 1")


if __name__ == "__main__":
    main()

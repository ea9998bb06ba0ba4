"""Compares, in simulations, the latency and stalls of one scheduler for the devices of several nodes (as with a pool on
Ray) with those of one scheduler for each node.

    python -m benchmarks.scheduling.nodes --preset ace_step_h100 --node-devices 1 8 --devices 8 16 32 64 --png nodes.png

With one scheduler every command takes `--remote-ms` longer than by a local pipe. With one for each node a balancer
sends every song to the node with the least work left, as far as it knows, or (`blind`) to a random node. The scheduling
policy is `listeners`, that of the server. outcome.py explains the columns; here `server cores` is the number of
processor cores that the busiest server process keeps busy.
"""

import argparse
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.scheduling.outcome import SimulationOutcome, header, outcome_of
from benchmarks.scheduling.pictures import draw_nodes
from benchmarks.scheduling.pool import Pool
from benchmarks.scheduling.presets import PRESETS, DeviceModel
from benchmarks.scheduling.runs import capacity, simulated
from benchmarks.scheduling.simulation import Simulation
from benchmarks.scheduling.traffic import ArrivingSong, Traffic

ONE = "one scheduler"
LOADS = (0.1, 0.3, 0.5, 0.7, 0.9)


def together(nodes: Sequence[Simulation]) -> tuple[Simulation, float]:
    """Add the listeners, sound seconds, steps and encoding times of the other nodes to those of the first node. Returns
    the first node, and the share of all sound that the busiest node made.
    """
    first, *others = nodes
    largest = max(node.sound_seconds for node in nodes)
    for number, node in enumerate(others, 1):
        first.listeners |= {f"{number}-{song}": listener for song, listener in node.listeners.items()}
        first.sound_seconds += node.sound_seconds
        first.sections_stepped += node.sections_stepped
        first.steps += node.steps
        first.encoders.busy_seconds += node.encoders.busy_seconds
    return first, largest / (first.sound_seconds or 1.0)


def spread(
    songs: Sequence[ArrivingSong], nodes: int, model: DeviceModel, devices: int, seed: int, *, blind: bool
) -> list[list[ArrivingSong]]:
    """Divide the songs among nodes: each song goes to the node with the least remaining work, as estimated from the
    songs sent before; ties are broken at random. With `blind` each song goes to a random node.
    """
    rng, free_at = random.Random(seed), [0.0] * nodes
    sent: list[list[ArrivingSong]] = [[] for _ in range(nodes)]
    for song in songs:
        left = [max(at, song.at) for at in free_at]
        least = min(left)
        node = rng.choice([number for number, at in enumerate(left) if blind or at == least])
        free_at[node] = left[node] + song.seconds * model.pace / devices
        sent[node].append(song)
    return sent


def measured(
    options: argparse.Namespace, model: DeviceModel, devices: int, of_node: int, load: float
) -> list[SimulationOutcome]:
    """Simulate one load in three ways, and print and return the outcomes: one scheduler for all `devices`, one for each
    node of `of_node` devices with a balancer that estimates the nodes' work, and one for each node with a balancer that
    chooses at random.
    """
    traffic = Traffic({model.name: devices * options.capacity}, 0.0, options.bursty, options.seed)
    songs = traffic.steady(load, options.seconds)
    remote = replace(model, exchange_seconds=model.exchange_seconds + options.remote_ms / 1000)
    one = [simulated(Pool((remote,), (devices,)), "listeners", songs, options.seconds)]

    def many(*, blind: bool) -> list[Simulation]:
        parts = spread(songs, devices // of_node, model, of_node, options.seed, blind=blind)
        return [simulated(Pool((model,), (of_node,)), "listeners", part, options.seconds) for part in parts]

    found = []
    ways = ((ONE, one), (f"one for {of_node}", many(blind=False)), (f"one for {of_node}, blind", many(blind=True)))
    for name, nodes in ways:
        simulation, share = together(nodes)
        outcome = outcome_of(simulation, options.seconds, options.server_ms * share)
        print(outcome.row(f"{devices} devices, {name}", load), flush=True)
        found.append(outcome)
    return found


def main() -> None:
    """Command line: simulate each number of devices under each load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="ace_step_h100")
    parser.add_argument("--devices", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--node-devices", type=int, nargs="+", default=[1, 8], help="numbers of devices of a node")
    parser.add_argument("--loads", type=float, nargs="+", default=LOADS)
    parser.add_argument("--seconds", type=float, default=300.0, help="simulated seconds of every run")
    parser.add_argument(
        "--remote-ms", type=float, default=1.0, help="additional milliseconds of a command to another node"
    )
    parser.add_argument("--server-ms", type=float, default=1.5, help="CPU ms of the server process per second of sound")
    parser.add_argument("--bursty", action="store_true", help="let songs arrive in groups of eight on average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--png", type=Path, help="PNG file to draw the results into")
    options = parser.parse_args()
    model = PRESETS[options.preset]
    options.capacity = capacity(model)
    print(f"{model.name}: {model.assumptions}\n\n{header()}")
    found: dict[tuple[int, int], list[list[SimulationOutcome]]] = {}
    for devices, of_node in itertools.product(options.devices, options.node_devices):
        if devices % of_node or devices == of_node:
            continue
        found[devices, of_node] = [measured(options, model, devices, of_node, load) for load in options.loads]
    if options.png:
        draw_nodes(options.png, f"{model.name}, {options.remote_ms:g} ms for a command", options.loads, found)


if __name__ == "__main__":
    main()

"""Draws charts of the results of simulated runs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scheduling.listener import Listener
from benchmarks.scheduling.outcome import STALL_SECONDS, SimulationOutcome
from benchmarks.scheduling.traffic import day_load

_COLOURS = {"listeners": "C4", "deadline": "C2", "arrival": "C0", "requests": "C1", "alone": "C3"}
_BINS = 288

_OUTCOMES: tuple[tuple[str, Callable[[SimulationOutcome], float]], ...] = (
    ("first audio P95, s", lambda one: one.first_audio_p95),
    ("listeners that stalled", lambda one: one.stalled),
    ("listeners at once", lambda one: one.at_once),
    ("sound, s/s", lambda one: one.sound_per_second),
)


def draw_loads(
    path: Path, title: str, loads: Sequence[float], found: Mapping[str, Sequence[SimulationOutcome]]
) -> None:
    """Draw the outcomes (such as stalls and first audio) over load, one line for every policy."""
    figure, panels = _figure(1, len(_OUTCOMES), 20, 4.6)
    for panel, (label, value) in zip(panels[0], _OUTCOMES, strict=True):
        for policy, outcomes in found.items():
            panel.plot(loads, [value(one) for one in outcomes], marker="o", label=policy, color=_COLOURS[policy])
        panel.set_xlabel("load / capacity")
        panel.set_title(label)
    panels[0, 0].set_yscale("log")
    panels[0, 0].legend()
    _save(figure, path, title)


def draw_nodes(
    path: Path,
    title: str,
    loads: Sequence[float],
    found: Mapping[tuple[int, int], Sequence[Sequence[SimulationOutcome]]],
) -> None:
    """Draw the outcomes over load, one column for every pair of the number of devices and of devices per node. Lines
    are one scheduler for all nodes, and one for each node with a balancer that knows the nodes' work or chooses at
    random.
    """
    panels_of = (*_OUTCOMES[:2], ("sections in a step", lambda one: one.batch))
    figure, panels = _figure(len(panels_of), len(found), 4 * len(found), 9)
    for column, ((devices, of_node), outcomes) in zip(panels.T, found.items(), strict=True):
        column[0].set_title(f"{devices} devices, {of_node} a node")
        column[-1].set_xlabel("load / capacity")
        for panel, (label, value) in zip(column, panels_of, strict=True):
            for place, name in enumerate(("one scheduler", "one for each node", "the same, blind")):
                panel.plot(loads, [value(ways[place]) for ways in outcomes], marker="o", label=name)
            panel.set_ylabel(label)
            panel.set_ylim(bottom=0.0)
    panels[0, 0].legend()
    _save(figure, path, title)


def draw_day(path: Path, title: str, until: float, found: Mapping[str, Sequence[Listener]]) -> None:
    """Draw the load and the numbers of waiting listeners and of stalls over a day of `until` simulated seconds, a
    column for every policy; `found` are the listeners by policy.
    """
    times = np.linspace(0.0, until, _BINS + 1)
    hours = 24.0 * times / until
    figure, panels = _figure(3, len(found), 8 * len(found), 9)
    for column, (policy, listeners) in zip(panels.T, found.items(), strict=True):
        present = [one for one in listeners if one.present]
        column[0].plot(hours, [day_load(at, until) for at in times], color="black")
        column[1].plot(hours, waiting_at(present, times), color=_COLOURS[policy])
        column[2].step(hours[:-1], stalls_between(present, times), where="post", color=_COLOURS[policy])
        column[0].set_title(policy)
        column[2].set_xlabel("hour")
    for panel, label in zip(panels[:, 0], ("load / capacity", "listeners who wait", "stalls"), strict=True):
        panel.set_ylabel(label)
    _save(figure, path, title)


def waiting_at(listeners: Sequence[Listener], times: np.ndarray) -> np.ndarray:
    """Return the number of listeners who have arrived and have no sound yet, at each of `times`."""
    arrived = np.sort([one.arrived_at for one in listeners])
    heard = np.sort([one.first_audio_at for one in listeners if one.first_audio_at is not None])
    return np.searchsorted(arrived, times, "right") - np.searchsorted(heard, times, "right")


def stalls_between(listeners: Sequence[Listener], times: np.ndarray) -> np.ndarray:
    """Return the number of noticeable silences that begin between each of `times` and the next."""
    begun = [at for one in listeners for at, seconds in one.silences if seconds > STALL_SECONDS]
    return np.histogram(begun, times)[0]


def _figure(rows: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    """Make a figure and an array of its panels, shape [rows, columns]; several rows share their axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        rows, columns, figsize=(width, height), sharex=rows > 1, sharey="row" if rows > 1 else False, squeeze=False
    )
    return figure, panels


def _save(figure: Any, path: Path, title: str) -> None:
    for panel in figure.axes:
        panel.grid(alpha=0.3)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=110)

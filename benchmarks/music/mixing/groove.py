"""Measures the timing of a song's drums: deviations from the grid, and the similarity of bars."""

import base64
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import mido
import numpy as np
from numpy.typing import NDArray

from benchmarks.music.mixing.rendered import Song
from model.studio.arrange.humanize import swung

STEPS_PER_BAR, STEPS_PER_BEAT = 16, 4
_FEWEST_STEPS = 4


@dataclass(frozen=True, slots=True)
class Groove:
    """Timing of a song's drums.

    Attributes:
        beats_sd_ms: standard deviation, from the grid, of the hits on beats.
        beats_worst_ms: largest deviation of such a hit from the grid.
        likeness: mean correlation of a bar's offsets with those of the other bars (-1 to 1).
        offsets_ms: mean offset of each step of a bar from the grid, NaN for a step without hits.
    """

    beats_sd_ms: float
    beats_worst_ms: float
    likeness: float
    offsets_ms: NDArray[np.float64]


def groove(song: Song) -> Groove:
    """Measure the timing of a song's drums against its grid, which has the swing of the style."""
    bars: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for section, details in enumerate(song.details["sections"]):
        for step, late_ms in _hits(base64.b64decode(details["midi"]), song.details["tempo"], song.details["swing"]):
            bars[section, step // STEPS_PER_BAR][step % STEPS_PER_BAR] = late_ms
    rows = np.array([[bar.get(step, np.nan) for step in range(STEPS_PER_BAR)] for bar in bars.values()])
    beats = rows[:, ::4]
    beats = beats[~np.isnan(beats)]
    return Groove(float(beats.std()), float(np.abs(beats).max()), _likeness(rows), _means(rows))


def _hits(midi: bytes, tempo: float, swing: float) -> Iterator[tuple[int, float]]:
    """Yield the nearest step of each drum hit of a section, and its deviation in milliseconds from the time at which
    that step is played with the style's swing.
    """
    file = mido.MidiFile(file=io.BytesIO(midi), charset="utf-8")
    per_step = file.ticks_per_beat / STEPS_PER_BEAT
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity and message.channel == 9:
                played = now / per_step
                step = round(_straight(played, swing))
                yield step, (played - swung(step, swing)) / STEPS_PER_BEAT * 60_000 / tempo


def _straight(step: float, swing: float) -> float:
    """Return the written position, in steps, of a note that is played with swing.

    With swing the second eighth of a beat comes `swing` eighths late.
    """
    beat, inside = divmod(step, STEPS_PER_BEAT)
    half, late = STEPS_PER_BEAT / 2, STEPS_PER_BEAT / 2 * (1 + swing)
    bent = inside / (1 + swing) if inside < late else half + (inside - late) / (1 - swing)
    return beat * STEPS_PER_BEAT + bent


def _means(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = (~np.isnan(rows)).sum(axis=0)
    return np.where(counts, np.nansum(rows, axis=0) / np.maximum(counts, 1), np.nan)


def _likeness(rows: NDArray[np.float64]) -> float:
    """Return how similar the timing of bars is: the correlation of each bar's offsets from the grid with the mean
    offsets of the other bars, over the steps that both have; the mean over the bars. `rows` [bars, steps] are the
    offsets.
    """
    found = []
    for place, row in enumerate(rows):
        others = _means(np.delete(rows, place, axis=0))
        both = ~np.isnan(row) & ~np.isnan(others)
        if both.sum() >= _FEWEST_STEPS and row[both].std() > 0 and others[both].std() > 0:
            found.append(float(np.corrcoef(row[both], others[both])[0, 1]))
    return float(np.mean(found)) if found else float("nan")


def most_alike(grooves: Mapping[str, Groove]) -> tuple[str, float]:
    """Return the names of the two grooves whose mean offsets agree most, and their correlation."""
    best = ("", -1.0)
    names = list(grooves)
    for index, one in enumerate(names):
        for other in names[:index]:
            pair = grooves[one].offsets_ms, grooves[other].offsets_ms
            both = ~np.isnan(pair[0]) & ~np.isnan(pair[1])
            if both.sum() > _FEWEST_STEPS:
                best = max(
                    best,
                    (f"{other} and {one}", float(np.corrcoef(pair[0][both], pair[1][both])[0, 1])),
                    key=lambda b: b[1],
                )
    return best

"""Measures how much the styles differ in sound, and the balance of their tracks.

    python -m benchmarks.music.bench_styles apart --seeds 4   # are songs of one style more similar to each other?
    python -m benchmarks.music.bench_styles balance              # loudness of every stem against the lead, peaks, gaps

Accompaniments alone are compared, of the same lyrics, before mastering. The chance level is one in the number of
styles.
"""

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pyloudnorm
import torch
from numpy.typing import NDArray

from benchmarks.music.descriptors import Stereo, describe
from benchmarks.music.listen import decibels, longest_silence_seconds
from benchmarks.songs import SPRING
from model.engine import SectionContext
from model.song import ALL_STEMS, SongParams, Stem
from model.studio.engine import StudioEngine
from model.studio.info import SAMPLE_RATE_HERTZ

STYLES: Mapping[str, str] = {
    "pop ballad": "pop ballad",
    "upbeat pop": "upbeat pop",
    "lo-fi": "lo-fi hip hop",
    "jazz": "jazz",
    "cinematic": "cinematic",
    "Chinese folk": "古风",
    "folk": "folk",
    "dance": "electronic dance",
    "rock": "rock",
    "children": "儿歌",
    "bossa nova": "bossa nova",
    "R&B": "R&B",
    "hip hop": "hip hop",
    "ambient": "ambient",
    "march": "march",
    "game": "game music",
}
SONG_SECONDS = 30.0


def render(engine: StudioEngine, prompt: str, seed: int, stems: frozenset[Stem]) -> list[Stereo]:
    """Render the sections of one song, each as an array [2, samples]."""
    plan = engine.plan(SongParams(prompt, SPRING, seed, duration_seconds=SONG_SECONDS, stems=stems))
    context: SectionContext | None = None
    sections = []
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        while state.step < state.steps:
            engine.denoise([state])
        sections.append(np.concatenate(list(engine.render(state)), axis=1))
        context = engine.context(state)
    return sections


def apart(engine: StudioEngine, seeds: range) -> None:
    """Print the mean audio features of every style, and how well styles can be recognised by them."""
    rows, labels, names = [], [], list[str]()
    for label, (style, prompt) in enumerate(STYLES.items()):
        songs = [render(engine, prompt, seed, ALL_STEMS - {Stem.VOCAL}) for seed in seeds]
        found = [describe(np.concatenate(song, axis=1), SAMPLE_RATE_HERTZ) for song in songs]
        names = list(found[0])
        rows += [[values[name] for name in names] for values in found]
        labels += [label] * len(seeds)
        print(f"{style:<14}" + "".join(f" {np.mean([v[n] for v in found]):7.2f}" for n in names), flush=True)
    print("columns: " + ", ".join(names))
    table = np.array(rows)
    _report_apart((table - table.mean(0)) / table.std(0), np.array(labels))


def _report_apart(table: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    distances = np.linalg.norm(table[:, None] - table[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = labels[distances.argmin(axis=1)]
    within = np.median([distances[i, j] for i, j in combinations(range(len(labels)), 2) if labels[i] == labels[j]])
    styles = list(STYLES)
    between = {
        (styles[a], styles[b]): float(np.median(distances[np.ix_(labels == a, labels == b)]))
        for a, b in combinations(range(len(styles)), 2)
    }
    closest = sorted(between, key=lambda pair: between[pair])[:3]
    print(f"nearest neighbour of the same style: {np.mean(nearest == labels):.3f} (chance {1 / len(styles):.3f})")
    print(f"distance in deviations: within a style {within:.2f}, between two {np.median(list(between.values())):.2f}")
    print("closest styles: " + "; ".join(f"{a} and {b} {between[a, b]:.2f}" for a, b in closest))
    for label, style in enumerate(styles):
        wrong = [styles[other] for other in nearest[labels == label] if other != label]
        if wrong:
            print(f"taken for another: {style} for {', '.join(wrong)}")


def balance(engine: StudioEngine, seed: int) -> None:
    """Print for every style the loudness of the mix, the loudness of its stems relative to the lead, the peak, and the
    longest silence.
    """
    stems = sorted(ALL_STEMS)
    print(f"{'style':<14}   LUFS   peak    gap   sections, LUFS    " + " ".join(f"{stem:>9}" for stem in stems))
    for style, prompt in STYLES.items():
        song = render(engine, prompt, seed, ALL_STEMS)
        alone = {stem: np.concatenate(render(engine, prompt, seed, frozenset({stem})), axis=1) for stem in stems}
        _report_balance(style, song, {stem: _lufs(sound) for stem, sound in alone.items()})


def _report_balance(style: str, song: Sequence[Stereo], levels: Mapping[Stem, float]) -> None:
    whole = np.concatenate(song, axis=1)
    gap = longest_silence_seconds(whole.T, SAMPLE_RATE_HERTZ)
    sections = " ".join(f"{_lufs(section):5.1f}" for section in song)
    against = " ".join(f"{level - levels[Stem.VOCAL]:+9.1f}" for _, level in sorted(levels.items()))
    peak = decibels(float(np.abs(whole).max()))
    print(f"{style:<14} {_lufs(whole):6.1f} {peak:+6.1f} {gap:6.2f}   {sections:<18} {against}", flush=True)


def _lufs(sound: Stereo) -> float:
    return float(pyloudnorm.Meter(SAMPLE_RATE_HERTZ).integrated_loudness(sound.T))


def main() -> None:
    """Command line: run the measurement `apart` or `balance`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("apart", "balance"))
    parser.add_argument("--seeds", type=int, default=4, help="number of songs of each style")
    parser.add_argument(
        "--first-seed", type=int, default=0, help="seed of the first song; the styles were tuned on seeds 0 to 11"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the song whose balance is measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    engine = StudioEngine.load("cpu")
    if options.what == "apart":
        apart(engine, range(options.first_seed, options.first_seed + options.seeds))
    else:
        balance(engine, options.seed)


if __name__ == "__main__":
    main()

"""Compares what the songs of the studio engine cost in two checkouts, in CPU seconds.

    python -m benchmarks.engines.compare_cost OLD NEW [--pairs 20] [--seconds 60]

A process of each checkout makes the same songs in turn, in ten styles, with different seeds in each pair. Prints for
each of the two costs (CPU seconds per second of sound, and CPU seconds until the first window of sound is rendered) the
median of the ratios new/old with its 95 % interval, as `benchmarks.service.compare_speed` does.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.engines import cost_worker
from benchmarks.service.compare_checkouts import environment_of
from benchmarks.service.compare_speed import FIGURE_WIDTH, row

PROMPTS = (
    "upbeat pop", "pop ballad, violin, 女声", "rock", "民谣, flute", "electronic dance", "古风, 笛子", "R&B",
    "jazz, saxophone", "cinematic, cello", "lo-fi hip hop",
)  # fmt: skip
FIRST_SEED = 500
WARMING_SONG = "pop|1|20"
FIGURES = ("CPU s for each s of sound", "CPU s to the first window")

Worker = subprocess.Popen[str]


@contextmanager
def worker(checkout: Path) -> Iterator[Worker]:
    """Context manager with a process that makes songs with the code of a checkout; it has made one song, which loads
    the samples.
    """
    with subprocess.Popen(
        [sys.executable, "-P", cost_worker.__file__],
        cwd=checkout, env=environment_of(checkout), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the engine of {checkout} could not be loaded; its error is above")
        cost(process, WARMING_SONG)
        yield process


def cost(process: Worker, song: str) -> tuple[float, float]:
    """Have the process make a song, given as the line "prompt|seed|seconds"; return the CPU seconds per second of
    sound, and the CPU seconds until the first window of sound is rendered.
    """
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(song + "\n")
    process.stdin.flush()
    answer = process.stdout.readline().split()
    if not answer:
        raise RuntimeError(f"the song {song!r} could not be made; the error is above")
    spent, first, seconds = map(float, answer)
    return spent / seconds, first


def main() -> None:
    """Command line: compare the costs of two checkouts, and print a table."""
    parser = argparse.ArgumentParser(description="Compare what the studio engine costs in two checkouts.")
    parser.add_argument("old", type=Path, help="folder of the checkout to compare with")
    parser.add_argument("new", type=Path, help="folder of the checkout to be compared")
    parser.add_argument("--pairs", type=int, default=20, help="number of songs that each checkout makes")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of a song in seconds")
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"old": [], "new": []}
    with worker(given.old.resolve()) as old, worker(given.new.resolve()) as new:
        workers = {"old": old, "new": new}
        for pair in range(given.pairs):
            song = f"{PROMPTS[pair % len(PROMPTS)]}|{FIRST_SEED + pair}|{given.seconds}"
            for which in ("old", "new") if pair % 2 else ("new", "old"):
                found[which].append(cost(workers[which], song))
            ratio = found["new"][-1][0] / found["old"][-1][0]
            print(f"{song:44} {found['old'][-1][0]:.4f} {found['new'][-1][0]:.4f}  {ratio:.3f}", flush=True)
    print(f"{'figure':<{FIGURE_WIDTH}} {'old':>8} {'new':>8}   new/old, median of {given.pairs} pairs (95 % interval)")
    for index, figure in enumerate(FIGURES):
        print(row(figure, *([one[index] for one in found[which]] for which in ("old", "new"))))


if __name__ == "__main__":
    main()

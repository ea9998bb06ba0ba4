"""Measures the denoising throughput of the studio engine: eight sections in one batch, compared with one after another.

python -m benchmarks.engines.bench_batching
"""

import argparse
import statistics
import time
from collections.abc import Sequence

import torch

from benchmarks.songs import SPRING
from model.engine import SectionState
from model.song import SongParams
from model.studio.engine import StudioEngine

SECTIONS = 8
ROUNDS = 5


def begin_sections(engine: StudioEngine) -> list[SectionState]:
    """Begin the first sections of eight different songs."""
    plans = [engine.plan(SongParams("pop", SPRING, seed, duration_seconds=60.0)) for seed in range(SECTIONS)]
    return [engine.begin(plan, 0, engine.prepare(plan, 0), None) for plan in plans]


def denoise_seconds(engine: StudioEngine, batches: Sequence[Sequence[SectionState]]) -> float:
    """Return the time in seconds to denoise every batch to its end."""
    started = time.perf_counter()
    for batch in batches:
        while any(state.step < state.steps for state in batch):
            engine.denoise(batch)
    return time.perf_counter() - started


def main() -> None:
    """Command line: measure denoising with and without batching, and print the median times and their ratio."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    torch.set_num_threads(1)
    engine = StudioEngine.load("cpu")
    denoise_seconds(engine, [begin_sections(engine)])
    alone = statistics.median(denoise_seconds(engine, [[s] for s in begin_sections(engine)]) for _ in range(ROUNDS))
    together = statistics.median(denoise_seconds(engine, [begin_sections(engine)]) for _ in range(ROUNDS))
    print(f"{SECTIONS} sections one after another  {alone:.3f} s")
    print(f"{SECTIONS} sections in one batch       {together:.3f} s")
    print(f"throughput ratio               {alone / together:.2f}")


if __name__ == "__main__":
    main()

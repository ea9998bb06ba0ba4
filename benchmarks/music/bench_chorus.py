"""Compares chorus and verse: the difference in pitch and loudness over many seeds, before mastering.

python -m benchmarks.music.bench_chorus --seeds 20
"""

import argparse

import numpy as np
import pyloudnorm
import torch

from benchmarks.songs import SPRING
from model.engine import SectionContext
from model.song import SectionKind, SongParams
from model.studio.engine import StudioEngine
from model.studio.info import SAMPLE_RATE_HERTZ

PROMPT = "melodic pop, upbeat, piano-driven, with light drums"


def measure(engine: StudioEngine, seed: int) -> dict[SectionKind, tuple[float, float]]:
    """Return the mean melody pitch (MIDI) and loudness (LUFS) of the first verse and the first chorus of one song."""
    plan = engine.plan(SongParams(PROMPT, SPRING, seed, duration_seconds=60.0))
    context: SectionContext | None = None
    found: dict[SectionKind, tuple[float, float]] = {}
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        while state.step < state.steps:
            engine.denoise([state])
        sound = np.concatenate(list(engine.render(state)), axis=1)
        if section.kind in (SectionKind.VERSE, SectionKind.CHORUS) and section.kind not in found:
            pitch = float(np.mean([note.pitch for note in state.composed.score.melody]))
            found[section.kind] = (pitch, float(pyloudnorm.Meter(SAMPLE_RATE_HERTZ).integrated_loudness(sound.T)))
        context = engine.context(state)
        if len(found) == 2:
            break
    return found


def main() -> None:
    """Command line: print the differences between chorus and verse for every seed, and their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    torch.set_num_threads(1)
    engine, lifts = StudioEngine.load("cpu"), []
    for seed in range(parser.parse_args().seeds):
        found = measure(engine, seed)
        verse, chorus = found[SectionKind.VERSE], found[SectionKind.CHORUS]
        lifts.append((chorus[0] - verse[0], chorus[1] - verse[1]))
        print(f"seed {seed:3d}  pitch {lifts[-1][0]:+5.1f} semitones  loudness {lifts[-1][1]:+5.1f} LU")
    values = np.array(lifts)
    for name, column in (("pitch, semitones", 0), ("loudness, LU", 1)):
        print(f"{name:<18} mean {values[:, column].mean():+.2f}  min {values[:, column].min():+.2f}")


if __name__ == "__main__":
    main()

"""Makes songs with the studio engine of the checkout that it imports, and prints what they cost.

Reads a line `prompt|seed|seconds` for each song, and answers with a line of three numbers: CPU seconds of the song, CPU
seconds until its first window of sound is rendered, and seconds of sound. Imports nothing of the benchmarks, which old
checkouts lack.
"""

import sys
import time

import torch

from model.engine import SectionContext
from model.song import SongParams
from model.studio.engine import StudioEngine
from model.studio.info import SAMPLE_RATE_HERTZ

LYRICS = (
    "[verse]\n站台的灯照着旧行李\n你把围巾轻轻系好\n火车还有十分钟到\n我们都没有说再见\n"
    "[chorus]\n等雪停了我就回来\n等雪停了我就回来\n带一把故乡的泥土\n把院子种满了花\n"
)


def made(engine: StudioEngine, prompt: str, seed: int, seconds: float) -> tuple[float, float, float]:
    """Make one song; return the CPU seconds of the song, the CPU seconds until its first window of sound is rendered,
    and its length in seconds.
    """
    began = time.process_time()
    samples, first = 0, 0.0
    context: SectionContext | None = None
    plan = engine.plan(SongParams(prompt, LYRICS, seed, duration_seconds=seconds))
    for section in plan.sections:
        state = engine.begin(plan, section.index, engine.prepare(plan, section.index), context)
        while state.step < state.steps:
            engine.denoise([state])
        for window in engine.render(state):
            first = first or time.process_time() - began
            samples += window.shape[-1]
        context = engine.context(state)
    return time.process_time() - began, first, samples / SAMPLE_RATE_HERTZ


def main() -> None:
    """Load the engine, then answer requests until the input ends."""
    torch.set_num_threads(1)
    engine = StudioEngine.load("cpu")
    print("ready", flush=True)
    for line in sys.stdin:
        prompt, seed, seconds = line.rstrip("\n").split("|")
        print(*made(engine, prompt, int(seed), float(seconds)), flush=True)


if __name__ == "__main__":
    main()

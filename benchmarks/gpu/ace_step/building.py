"""Measures the engine at full size: time until it is ready, memory, and if a pass gives finite numbers."""

import time
from collections.abc import Iterator

import torch

from benchmarks.gpu.ace_step import songs
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import once, timed
from model.ace_step.engine import AceStepEngine


def measure(setup: Setup) -> Iterator[Figure]:
    """Load the engine with random weights; yield the seconds that this takes, the memory of each network, and the times
    of the first steps of the first song.
    """
    started = time.perf_counter()
    engine = songs.opened(setup)
    yield Figure("load.s", time.perf_counter() - started, "random weights, drawn on the device")
    if not setup.on_gpu:
        yield absent("memory", "torch does not measure the memory of a CPU")
    else:
        yield from guarded("memory", _memory(setup, engine))
    yield from guarded("first", _first(setup, engine))
    yield from guarded("check", _check(setup, engine))


def _memory(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    for name, network in songs.networks(engine).items():
        yield Figure(f"memory.{name.replace(' ', '_')}.gib", sum(p.nbytes for p in network.parameters()) / (1 << 30))
    yield Figure("memory.allocated.gib", torch.cuda.memory_allocated(setup.device) / (1 << 30))
    yield Figure("memory.reserved.gib", torch.cuda.memory_reserved(setup.device) / (1 << 30))
    free, total = torch.cuda.mem_get_info(setup.device)
    yield Figure("memory.used.gib", (total - free) / (1 << 30), "memory of the GPU in use by all processes")


def _first(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    """Measure the times of the first song after the start, which show if the warm-up was complete, and check that its
    numbers are finite.
    """
    params = songs.asked(setup.pick(20.0, 10.0), setup.pick(200, 25))
    plan = engine.plan(params)
    started = time.perf_counter()
    conditions = engine.prepare(plan, 0)
    state = engine.begin(plan, 0, conditions, None)
    yield Figure("first.prepare.ms", (time.perf_counter() - started) * 1e3)
    yield Figure("first.step.ms", once(setup, lambda: engine.denoise([state])).host_ms)
    velocity = songs.evaluate(engine, songs.rows([state]))[0]
    yield Figure("first.finite", bool(velocity.isfinite().all()))
    yield Figure("first.deviation", float(velocity.std()))
    started = time.perf_counter()
    songs.finish(engine, state)
    sound = next(engine.render(state))
    yield Figure("first.window.ms", (time.perf_counter() - started) * 1e3)
    yield Figure("first.sound.deviation", float(sound.std()))


def _check(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    """Measure the milliseconds that the method `check` of the engine takes, which tests the device."""
    check = getattr(engine, "check", None)
    if check is None:
        yield absent("check.ms", "the engine has no method check")
    else:
        yield Figure("check.ms", timed(setup, check).host_ms)

"""Measures ACE-Step 1.5: the difference between songs of a GPU and of a CPU, and the time and memory of steps and
windows.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch

from benchmarks.gpu.ace_step_15.random_engine import load
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import peak_memory, release, timed
from model.ace_step_15.engine import AceStep15Engine
from model.ace_step_15.sampling.trajectories import Row
from model.ace_step_15.states import State
from model.song import SongParams

BATCHES = (("minute.x1", (60.0,)), ("minute.x4", (60.0,) * 4), ("600s.x1", (600.0,)), ("mixed", (60.0, 40.0, 27.0)))
SMALL_BATCHES = (("minute.x1", (10.0,)), ("mixed", (13.0, 10.0)))


def plain(setup: Setup) -> Iterator[Figure]:
    """Measure without compiled blocks: the differences of tiny songs from those of a CPU; then, at full size, the times
    of denoising steps and of decoding windows of sound.
    """
    yield from guarded("correct", _correct(setup))
    started = time.perf_counter()
    engine = load(setup.device, small=setup.small)
    yield Figure("load.s", time.perf_counter() - started, "random weights, drawn on the device")
    if setup.on_gpu:
        yield Figure("memory.allocated.gib", torch.cuda.memory_allocated(setup.device) / (1 << 30))
    for name, seconds in setup.pick(BATCHES, SMALL_BATCHES):
        yield from guarded(name, _steps(setup, engine, name, seconds))
        release(setup)
    yield from guarded("sound", _sound(setup, engine))


def fast(setup: Setup) -> Iterator[Figure]:
    """Measure the forward passes with compiled blocks and with CUDA graphs, compared with passes without both that have
    the same weights.
    """
    if not setup.on_gpu:
        yield absent("fast", "compiled blocks on a CPU show nothing about a GPU, and only a GPU has CUDA graphs")
        return
    for seconds in (60.0, 20.0):
        yield from guarded(f"fast.{seconds:g}s", _fast(setup, seconds))


def begun(engine: AceStep15Engine, seconds: Sequence[float], steps: int = 8) -> list[State]:
    """Return the states of songs of these lengths before their first step."""
    made = []
    for seed, length in enumerate(seconds):
        plan = engine.plan(SongParams("pop, piano", "[verse]\n" + "la la la la\n" * 8, seed, length, steps=steps))
        state = engine.begin(plan, 0, engine.prepare(plan, 0), None)
        assert isinstance(state, State)
        made.append(state)
    return made


def _rows(states: Sequence[State]) -> list[Row]:
    return [row for state in states for row in state.trajectory.rows()]


def _correct(setup: Setup) -> Iterator[Figure]:
    """Yield the differences of tiny songs on this device from those on a CPU, relative to the largest number."""
    if not setup.on_gpu:
        yield absent("correct", "the device is the CPU that it would be compared with")
        return
    expected = _finished(load("cpu", small=True, variant="base"))
    for dtype in ("float32", "bfloat16"):
        found = _finished(load(setup.device, small=True, variant="base", dtype=dtype)).cpu()
        yield Figure(f"correct.{dtype}.latents", float((found - expected).abs().max() / expected.abs().max()))


def _finished(engine: AceStep15Engine) -> torch.Tensor:
    (state,) = begun(engine, (10.0,), steps=3)
    while state.step < state.steps:
        engine.denoise([state])
    return state.trajectory.latents


def _steps(setup: Setup, engine: AceStep15Engine, name: str, seconds: Sequence[float]) -> Iterator[Figure]:
    states = begun(engine, seconds)
    rows = _rows(states)
    times = timed(setup, lambda: engine._forward(rows))
    yield Figure(f"{name}.device_ms", times.device_ms)
    yield Figure(f"{name}.host_ms", times.host_ms)
    tokens = sum(-(-row.latents.shape[0] // 2) for row in rows)
    weights = sum(p.numel() for p in engine._networks.transformer.parameters())
    yield Figure(f"{name}.tflop_per_s", 2e-9 * weights * tokens / times.device_ms, "products with weights alone")
    yield Figure(f"{name}.finite", bool(engine._forward(rows[:1])[0].isfinite().all()))
    if memory := peak_memory(setup, lambda: engine._forward(rows)):
        yield Figure(f"{name}.memory.peak_gib", memory.allocated)


def _sound(setup: Setup, engine: AceStep15Engine) -> Iterator[Figure]:
    """Yield the milliseconds of decoding the first window of sound, and of decoding all windows of a minute."""
    codec = engine._networks.codec
    config = codec.config
    latents = torch.randn(int(setup.pick(60.0, 10.0) * config.frames_per_second), config.channels, device=setup.device)
    with torch.no_grad():
        first = timed(setup, lambda: next(codec.windows(latents)))
        yield Figure("sound.first_window_ms", first.device_ms)
        whole = timed(setup, lambda: list(codec.windows(latents)), repeats=3, warm_ups=1)
        yield Figure("sound.all_windows_ms", whole.device_ms)


def _fast(setup: Setup, seconds: float) -> Iterator[Figure]:
    name = f"{seconds:g}s"
    engine = load(setup.device, small=False)
    rows = _rows(begun(engine, (seconds,)))
    expected = engine._forward(rows)[0]
    yield Figure(f"{name}.eager_ms", timed(setup, partial(engine._forward, rows)).device_ms)
    del engine
    ways: tuple[dict[str, Any], ...] = ({"compile": True}, {"cuda_graphs": True})
    for options in ways:
        (way,) = options
        release(setup)
        started = time.perf_counter()
        engine = load(setup.device, small=False, **options)
        yield Figure(f"{name}.{way}.load.s", time.perf_counter() - started)
        yield Figure(f"{name}.{way}.device_ms", timed(setup, partial(engine._forward, rows)).device_ms)
        difference = (engine._forward(rows)[0] - expected).abs().max() / expected.abs().max()
        yield Figure(f"{name}.{way}.difference", float(difference))
        del engine

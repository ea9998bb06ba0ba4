"""Measures compiled blocks and CUDA graphs: their setup time, the time of a denoising step, and the difference of the
results.

Compiled code stays in its process, so each setting is measured in a separate process.
"""

import time
from collections.abc import Iterator
from functools import partial

import torch

from benchmarks.gpu.ace_step import songs
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import beside, release, timed
from model.ace_step.engine import AceStepEngine
from model.ace_step.sampling.trajectories import Row

SHAPES = tuple((seconds, guided) for seconds in (60.0, 47.0, 33.0, 24.0, 18.0, 12.0) for guided in (True, False))
"""Twelve input shapes of a forward pass: the length in seconds, and True for two rows (with guidance)."""

TIMED = (("minute", 60.0), ("20s", 20.0))


def compiled(setup: Setup) -> Iterator[Figure]:
    """Measure the engine with blocks compiled by torch (setting `compile`)."""
    if not setup.on_gpu:
        yield absent("compile", "compiled blocks on a CPU show nothing about a GPU, and compiling takes half a minute")
        return
    yield from guarded("compile", _way(setup, "compile", compile=True))


def graphs(setup: Setup) -> Iterator[Figure]:
    """Measure the engine with forward passes replayed as CUDA graphs (setting `cuda_graphs`)."""
    if not setup.on_gpu:
        yield absent("graphs", "only a GPU has CUDA graphs")
        return
    yield from guarded("graphs", _way(setup, "graphs", cuda_graphs=True))


def _way(setup: Setup, name: str, **settings: object) -> Iterator[Figure]:
    """Compare the times and results of an engine with `settings` and of an engine without them that has the same
    weights. The names of the figures begin with `name`.
    """
    plain = songs.opened(setup)
    reference = {label: _rows(plain, seconds) for label, seconds in TIMED}
    eager = {label: songs.evaluate(plain, evaluated) for label, evaluated in reference.items()}
    for label, evaluated in reference.items():
        times = timed(setup, partial(songs.evaluate, plain, evaluated))
        yield Figure(f"{name}.{label}.eager_ms", times.device_ms)
    del plain
    reference.clear()
    release(setup)
    before = torch.cuda.memory_reserved(setup.device)
    started = time.perf_counter()
    engine = songs.opened(setup, **settings)
    yield Figure(f"{name}.load.s", time.perf_counter() - started, "compiling before the first song included")
    yield Figure(f"{name}.warmed_at_load", hasattr(songs.forward(engine), "warm"))
    yield from _steps(setup, name, engine, eager)
    yield from guarded(f"{name}.shapes", _shapes(name, engine))
    yield from guarded(f"{name}.beside_decoding", _beside_decoding(name, engine))
    yield Figure(f"{name}.memory.gib", (torch.cuda.memory_reserved(setup.device) - before) / (1 << 30))


def _rows(engine: AceStepEngine, seconds: float) -> list[Row]:
    return songs.rows([songs.begun(engine, songs.asked(seconds, 375))])


def _steps(setup: Setup, name: str, engine: AceStepEngine, eager: dict[str, list[torch.Tensor]]) -> Iterator[Figure]:
    """Measure the time of the first and of later forward passes, and the difference of the results from `eager`, those
    of the engine without the settings.
    """
    for label, seconds in TIMED:
        work = partial(songs.evaluate, engine, _rows(engine, seconds))
        started = time.perf_counter()
        made = work()
        torch.cuda.synchronize(setup.device)
        yield Figure(f"{name}.{label}.first_s", time.perf_counter() - started)
        differences = [_relative(one, other) for one, other in zip(made, eager[label], strict=True)]
        yield Figure(
            f"{name}.{label}.difference", max(differences), "norm of the difference to the engine without the setting"
        )
        yield Figure(f"{name}.{label}.equal", all(map(torch.equal, made, eager[label])))
        times = timed(setup, work)
        yield Figure(f"{name}.{label}.device_ms", times.device_ms)
        yield Figure(f"{name}.{label}.host_ms", times.host_ms)


def _relative(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


def _shapes(name: str, engine: AceStepEngine) -> Iterator[Figure]:
    """Count the compiler's graphs before and after passes of twelve shapes, and measure the longest first pass among
    them. The names of the figures begin with `name`.
    """
    before, longest = _compiled_graphs(), 0.0
    for seconds, guided in SHAPES:
        more = {} if guided else {"guidance_scale": songs.UNGUIDED}
        evaluated = songs.rows([songs.begun(engine, songs.asked(seconds, int(6 * seconds), **more))])
        torch.cuda.synchronize()
        started = time.perf_counter()
        songs.evaluate(engine, evaluated)
        torch.cuda.synchronize()
        longest = max(longest, time.perf_counter() - started)
    yield Figure(f"{name}.shapes.graphs_before", before)
    yield Figure(f"{name}.shapes.graphs_more", _compiled_graphs() - before)
    yield Figure(f"{name}.shapes.longest_first_s", longest)


def _compiled_graphs() -> int:
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])


def _beside_decoding(name: str, engine: AceStepEngine) -> Iterator[Figure]:
    """Check that forward passes give bit-identical results while another thread decodes a song."""
    done = songs.begun(engine, songs.asked(20.0, 125))
    songs.finish(engine, done)
    evaluated = _rows(engine, 60.0)
    alone = [velocity.clone() for velocity in songs.evaluate(engine, evaluated)]  # a replay may overwrite the tensor
    equal = True
    with beside(lambda: songs.sound(engine, done)):
        for _ in range(10):
            made = songs.evaluate(engine, evaluated)
            torch.cuda.current_stream().synchronize()
            equal = equal and all(map(torch.equal, made, alone))
    yield Figure(f"{name}.beside_decoding.equal", equal)

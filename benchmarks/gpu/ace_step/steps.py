"""Measures denoising steps alone and in batches, with and without guidance, for short and long songs; and profiles
their kernels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from benchmarks.gpu.ace_step import songs
from benchmarks.gpu.ace_step.floors import PEAK_TFLOP_PER_S, tflop
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import once, peak_memory, release, settle, timed
from model.ace_step.engine import AceStepEngine
from model.ace_step.sampling.states import State
from model.ace_step.sampling.trajectories import Row

KIBI, GIBI = 1 << 10, 1 << 30


@dataclass(frozen=True, slots=True)
class Batch:
    """Songs that share a step: their lengths in seconds, the tokens of their lyrics, and True if they have guidance."""

    name: str
    seconds: tuple[float, ...]
    tokens: int = 375
    guided: bool = True


MINUTE = Batch("minute.x1", (60.0,))

BATCHES = (
    MINUTE,
    Batch("minute_unguided.x1", (60.0,), guided=False),
    *(Batch(f"minute.x{count}", (60.0,) * count) for count in (2, 4, 8, 16, 32)),
    Batch("240s.x1", (240.0,), 775),
    Batch("240s.x2", (240.0,) * 2, 775),
    Batch("20s.x1", (20.0,), 175),
    Batch("20s.x8", (20.0,) * 8, 175),
    Batch("mixed", (60.0, 40.0, 27.0, 18.0), 375),
    Batch("long_words.x32", (60.0,) * 32, 3900),
)
"""Batches to measure; lyrics of 375 tokens make contexts of about 400."""

SMALL_BATCHES = (
    Batch("minute.x1", (10.0,), 25),
    Batch("minute_unguided.x1", (10.0,), 25, guided=False),
    Batch("mixed", (13.0, 10.0), 50),
)
"""Batches for tiny networks, with the names of the full-size batches that they stand for."""


def measure(setup: Setup) -> Iterator[Figure]:
    """Measure a step of each batch; then a step of a song of one minute with guidance, with other settings of torch and
    with the profiler.
    """
    engine = songs.opened(setup)
    for batch in setup.pick(BATCHES, SMALL_BATCHES):
        yield from guarded(batch.name, _batch(setup, engine, batch))
        release(setup)
    if not setup.on_gpu:
        yield absent("choices", "only a GPU has cuDNN and TF32")
        yield absent("profile", "a CPU has no kernels to launch")
        return
    yield from guarded("choices", _choices(setup, engine))
    yield from guarded("profile", _profile(setup, engine))


def begun(engine: AceStepEngine, batch: Batch) -> list[State]:
    """Return the states of a batch's songs, each with its own contexts and noise, before a step."""
    more = {} if batch.guided else {"guidance_scale": songs.UNGUIDED}
    return [
        songs.begun(engine, songs.asked(seconds, batch.tokens, seed=seed, **more))
        for seed, seconds in enumerate(batch.seconds)
    ]


def _batch(setup: Setup, engine: AceStepEngine, batch: Batch) -> Iterator[Figure]:
    states = begun(engine, batch)
    evaluated = songs.rows(states)
    work, few = partial(songs.evaluate, engine, evaluated), len(evaluated) < 16
    times = timed(setup, work, repeats=7 if few else 3, warm_ups=3 if few else 1)
    rate = _tflop(engine, evaluated) / times.device_ms * 1e3
    frames = sum(row.latents.shape[-1] for row in evaluated)
    yield Figure(f"{batch.name}.rows", len(evaluated))
    yield Figure(f"{batch.name}.context_tokens", evaluated[0].context.tokens)
    yield Figure(f"{batch.name}.device_ms", times.device_ms)
    yield Figure(f"{batch.name}.host_ms", times.host_ms)
    yield Figure(f"{batch.name}.tflop_per_s", rate)
    yield from _step(setup, engine, batch, states)
    if not setup.on_gpu:
        yield absent(f"{batch.name}.memory", "torch does not measure the memory of a CPU")
        return
    yield Figure(f"{batch.name}.share", rate / PEAK_TFLOP_PER_S, "share of the dense bf16 peak rate of the GPU")
    if memory := peak_memory(setup, work):
        yield Figure(f"{batch.name}.memory.peak_gib", memory.allocated)
        yield Figure(f"{batch.name}.memory.reserved_gib", memory.reserved)
        yield Figure(f"{batch.name}.memory.kib_per_token", memory.allocated * GIBI / KIBI / frames)
    yield Figure(
        f"{batch.name}.memory.account_gib", _account(engine, batch), "of the first song, as estimated by the engine"
    )


def _step(setup: Setup, engine: AceStepEngine, batch: Batch, states: Sequence[State]) -> Iterator[Figure]:
    """Measure the time of one denoising step of the engine, with guidance and sampler; an unmeasured step comes before
    it.
    """
    engine.denoise(states)
    yield Figure(f"{batch.name}.step_ms", once(setup, lambda: engine.denoise(states)).host_ms)


def _account(engine: AceStepEngine, batch: Batch) -> float:
    return engine.prepare(engine.plan(songs.asked(batch.seconds[0], batch.tokens)), 0).memory_bytes / GIBI


def _tflop(engine: AceStepEngine, evaluated: Sequence[Row]) -> float:
    config = songs.transformer(engine).config
    return sum(tflop(config, row.latents.shape[-1], row.context.tokens) for row in evaluated)


def _choices(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    """Measure a step of a song of one minute with and without cuDNN's attention, and with and without TF32 matrix
    products.
    """
    work = partial(songs.evaluate, engine, songs.rows(begun(engine, MINUTE)))
    cudnn = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
    yield Figure("choices.cudnn_attention", cudnn, "the choice of the engine")
    for allowed in (True, False):
        torch.backends.cuda.enable_cudnn_sdp(allowed)
        times = timed(setup, work)
        yield Figure(f"choices.cudnn_attention_{'on' if allowed else 'off'}.device_ms", times.device_ms)
    torch.backends.cuda.enable_cudnn_sdp(cudnn)
    precision = torch.get_float32_matmul_precision()
    yield Figure("choices.float32_precision", precision, "the choice of the engine")
    for name in ("highest", "high"):
        torch.set_float32_matmul_precision(name)
        yield Figure(f"choices.float32_{name}.device_ms", timed(setup, work).device_ms)
    torch.set_float32_matmul_precision(precision)


def _profile(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    """Profile one pass of a song of one minute: the number of kernels, the longest twenty, and the idle time of the
    GPU.
    """
    work = partial(songs.evaluate, engine, songs.rows(begun(engine, MINUTE)))
    timed(setup, work, repeats=1)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        work()
        settle(setup.device)
    kernels = [event for event in profile.events() if event.device_type.name == "CUDA"]
    spans = sorted((event.time_range.start, event.time_range.end, event.name) for event in kernels)
    busy: dict[str, float] = {}
    for start, end, name in spans:
        busy[name] = busy.get(name, 0.0) + (end - start) / 1e3
    whole = (max(end for _, end, _ in spans) - spans[0][0]) / 1e3
    yield Figure("profile.kernels", len(spans))
    yield Figure("profile.idle_share", 1.0 - sum(busy.values()) / whole)
    longest = sorted(busy.items(), key=lambda item: -item[1])[:20]
    yield Figure("profile.longest", [f"{time:.3f} ms {name[:100]}" for name, time in longest])

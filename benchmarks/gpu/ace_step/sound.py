"""Measures decoding: mel frames, the first window, all windows, and how much denoising steps slow down meanwhile."""

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import nn

from benchmarks.gpu.ace_step import songs
from benchmarks.gpu.ace_step.random_engine import materialised
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import beside, decibels, once, peak_memory, release, timed
from model.ace_step.engine import AceStepEngine
from model.ace_step.frames import frames_of
from model.ace_step.networks.config import VocoderConfig
from model.ace_step.networks.vocoder import Vocoder


def measure(setup: Setup) -> Iterator[Figure]:
    """Yield times and memory of decoding at two lengths, the error of the vocoder in bfloat16, and times of denoising
    steps while another thread decodes or prepares songs.
    """
    engine = songs.opened(setup)
    for seconds in setup.pick((60.0, 240.0), (10.0, 14.0)):
        yield from guarded(f"{seconds:g}s", _decoding(setup, engine, seconds))
        release(setup)
    yield from guarded("layout", _layouts(setup, engine))
    yield from guarded("vocoder", _precision(setup))
    yield from guarded("company", _company(setup, engine))


@torch.no_grad()
def _noise(setup: Setup, seconds: float) -> torch.Tensor:
    return torch.randn(1, 8, 16, frames_of(seconds), device=setup.device)


def _decoding(setup: Setup, engine: AceStepEngine, seconds: float) -> Iterator[Figure]:
    """Measure the decoding of `seconds` of sound: the first run, in which kernels are chosen, later runs, memory, and
    the windows of a rendered song.
    """
    name, section = f"{seconds:g}s", _noise(setup, seconds)
    work = _without_gradients(lambda: songs.mel(engine, section))
    yield Figure(f"{name}.mel.first_ms", once(setup, work).device_ms)
    yield Figure(f"{name}.mel.ms", timed(setup, work, repeats=3).device_ms)
    if memory := peak_memory(setup, work):
        yield Figure(f"{name}.mel.peak_gib", memory.allocated)
    else:
        yield absent(f"{name}.mel.peak_gib", "torch does not measure the memory of a CPU")
    state = songs.begun(engine, songs.asked(seconds, steps=1))
    songs.finish(engine, state)
    for label in ("first", "again"):
        yield Figure(f"{name}.first_window.{label}_ms", once(setup, lambda: next(engine.render(state))).host_ms)
    for label in ("first", "again"):
        yield Figure(f"{name}.all_windows.{label}_ms", once(setup, lambda: songs.sound(engine, state)).host_ms)


def _without_gradients(work: Callable[[], object]) -> Callable[[], object]:
    return torch.no_grad()(work)


def _layouts(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    """Measure the decoding time of the autoencoder in the memory formats channels first and channels last."""
    if not setup.on_gpu:
        yield absent("layout", "the memory formats differ in speed only on a GPU")
        return
    section, autoencoder = _noise(setup, 60.0), songs.networks(engine)["autoencoder"]
    work = _without_gradients(lambda: songs.mel(engine, section))
    for name, layout in (("channels_first", torch.contiguous_format), ("channels_last", torch.channels_last)):
        autoencoder.to(memory_format=layout)  # type: ignore[call-overload]
        yield Figure(f"layout.{name}.ms", timed(setup, work, repeats=3).device_ms)


def _precision(setup: Setup) -> Iterator[Figure]:
    """Measure the signal-to-noise ratio of a vocoder with random weights in bfloat16: as a whole, and with only its
    backbone in bfloat16.
    """
    device = torch.device(setup.device)
    with torch.device("meta"):
        small = VocoderConfig(depths=(1,) * 4, widths=(8,) * 4, head_width=128, block_kernels=(3,), dilations=(1,))
        exact = Vocoder(setup.pick(VocoderConfig(), small))
    materialised(exact, device, torch.float32, torch.Generator(device).manual_seed(5))
    with torch.no_grad():
        mel = torch.randn(1, 128, 96, device=device) * 2 - 5
        _tame(exact, mel)
        reference = exact(mel)
        short = copy.deepcopy(exact).bfloat16()
        yield Figure("vocoder.bfloat16.db", decibels(reference, short(mel.bfloat16())))
        mixed = exact.head(short.backbone(mel.bfloat16()).float())
        yield Figure("vocoder.head_float32.db", decibels(reference, mixed))
        yield Figure("vocoder.rounded.db", decibels(reference, reference.bfloat16()), "the sound alone rounded")


def _tame(vocoder: Vocoder, mel: torch.Tensor) -> None:
    """Scale the random weights of `vocoder` so that they behave like trained ones: weak residual paths, and sound
    between -1 and 1.
    """
    for name, parameter in vocoder.head.named_parameters():
        if name.startswith("resblocks.") and name.endswith("weight"):
            parameter.mul_(0.5)
    final: nn.Conv1d = vocoder.head.conv_post
    final.weight.mul_(0.2 / max(float(vocoder(mel).std()), 1e-9))


def _company(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    """Measure a guided step of a song of one minute: alone, while another thread decodes, and while it prepares
    songs.
    """
    if not setup.on_gpu:
        yield absent("company", "a CPU has no streams")
        return
    evaluated = songs.rows([songs.begun(engine, songs.asked(60.0, 375))])
    minute = partial(songs.evaluate, engine, evaluated)
    done = songs.begun(engine, songs.asked(240.0, steps=1))
    songs.finish(engine, done)
    plan = engine.plan(songs.asked(60.0, 775))
    work: dict[str, Callable[[], object]] = {
        "decoding": lambda: songs.sound(engine, done),
        "preparing": lambda: engine.prepare(plan, 0),
    }
    yield Figure("company.alone.ms", _wall(minute))
    for name, other in work.items():
        with beside(other):
            yield Figure(f"company.{name}.ms", _wall(minute))


def _wall(work: Callable[[], object], repeats: int = 12) -> float:
    """Return the median time, in milliseconds, of `work` in this thread's stream, while other streams are busy."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        torch.cuda.current_stream().synchronize()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)

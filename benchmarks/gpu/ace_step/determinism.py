"""Compares songs of one seed bit by bit: made twice, in another process, in a batch with other songs, and while another
song is rendered.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import torch
from torch.nn import functional as F

from benchmarks.gpu.ace_step import songs
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import beside, decibels
from model.ace_step.engine import AceStepEngine
from model.ace_step.networks.layers import rms
from model.engine import SectionState

MAPS = ((2560, 2560), (7680, 2560), (12_800, 2560), (2560, 6400))
ROWS = (645, 1290, 2580, 5160, 10_320)
NOISE_FRAMES = (645, 2112, 2113, 2583)
"""Longest noise for which CUDA's generator gives the same numbers on all GPU models (of 132 processors)."""

STEPS = 27


def measure(setup: Setup) -> Iterator[Figure]:
    """Check that results are identical bit by bit, whatever else the device computes at the same time: those of single
    operations, then those of whole songs.
    """
    yield from guarded("products", _products(setup))
    yield from guarded("operations", _operations(setup))
    engine = songs.opened(setup)
    yield from guarded("noise", _noise(setup, engine))
    yield from guarded("songs", _songs(setup, engine))
    yield from guarded("process", _other_process(setup, engine))


def _dtype(setup: Setup) -> torch.dtype:
    return torch.bfloat16 if setup.on_gpu else torch.float32


def _products(setup: Setup) -> Iterator[Figure]:
    """Check that the results of linear layers for the first rows are identical for all numbers of rows."""
    torch.manual_seed(1)
    few = setup.pick(ROWS[0], 24)
    same: list[str] = []
    other: list[str] = []
    for outputs, inputs in setup.pick(MAPS, ((96, 64),)):
        weight = torch.randn(outputs, inputs, device=setup.device, dtype=_dtype(setup))
        for rows in setup.pick(ROWS[1:], (48, 96)):
            x = torch.randn(rows, inputs, device=setup.device, dtype=_dtype(setup))
            equal = torch.equal(F.linear(x, weight)[:few], F.linear(x[:few], weight))
            (same if equal else other).append(f"{outputs}x{inputs} of {rows} rows")
    yield Figure("products.same", same)
    yield Figure("products.other", other)
    yield Figure("products.all_same", not other)


def _operations(setup: Setup) -> Iterator[Figure]:
    """Compare the results of normalisation and attention for a row alone, beside another row, and with padding, bit by
    bit.
    """
    frames, width = setup.pick((645, 2560), (24, 64))
    x = torch.randn(2, frames, width, device=setup.device, dtype=_dtype(setup))
    yield Figure("operations.rms", torch.equal(rms(x)[:1], rms(x[:1])))
    heads = width // 32
    q, k, v = torch.randn(3, 2, heads, frames, 32, device=setup.device, dtype=_dtype(setup)).unbind()
    wide_k, wide_v = k.float(), v.float()
    seen = wide_k.transpose(-1, -2) @ wide_v
    longer = F.pad(wide_k, (0, 0, 0, 51)).transpose(-1, -2) @ F.pad(wide_v, (0, 0, 0, 51))
    yield Figure(
        "operations.linear_attention_in_company", torch.equal(seen[:1], wide_k[:1].transpose(-1, -2) @ wide_v[:1])
    )
    yield Figure("operations.linear_attention_padded", torch.equal(seen, longer))
    attend = F.scaled_dot_product_attention
    yield Figure("operations.attention_in_company", torch.equal(attend(q, k, v)[:1], attend(q[:1], k[:1], v[:1])))
    mask = torch.ones(2, 1, 1, frames, dtype=torch.bool, device=setup.device)
    yield Figure("operations.attention_masked", torch.equal(attend(q, k, v), attend(q, k, v, attn_mask=mask)))


def _noise(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    """Yield digests of random noise on this device and of the initial noise of a song, for comparison with other GPU
    models; and True if that noise is bit-identical to noise of a CPU.
    """
    torch_noise = []
    for frames in NOISE_FRAMES:
        generator = torch.Generator(setup.device).manual_seed(1)
        torch_noise.append(_digest(torch.randn(1, 8, 16, frames, generator=generator, device=setup.device)))
    yield Figure("noise.of_torch", torch_noise, f"of a generator on the device, {NOISE_FRAMES} frames")
    start = songs.latents(songs.begun(engine, songs.asked(60.0)))
    yield Figure("noise.of_a_song", _digest(start))
    drawn = torch.randn(start.shape, generator=torch.Generator().manual_seed(1))
    yield Figure("noise.is_a_cpus", torch.equal(start.cpu(), drawn))


def song(setup: Setup, engine: AceStepEngine, seconds: float = 20.0, seed: int = 1) -> SectionState:
    """Return the state of a song of `seconds` with the random `seed`, before its first denoising step."""
    return songs.begun(engine, songs.asked(seconds, setup.pick(200, 25), seed=seed, steps=setup.pick(STEPS, 4)))


def _songs(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    first = song(setup, engine)
    songs.finish(engine, first)
    sound = songs.sound(engine, first)
    again = song(setup, engine)
    songs.finish(engine, again)
    yield Figure("twice", torch.equal(songs.latents(first), songs.latents(again)))
    other = torch.from_numpy(songs.sound(engine, again))
    yield Figure("twice.sound", torch.equal(torch.from_numpy(sound), other))
    yield from guarded("kept_apart", _kept_apart(engine))
    for name, seconds in (("equal_length", 20.0), ("longer", 22.0)):
        beside = [song(setup, engine), song(setup, engine, seconds, seed=2)]
        songs.finish(engine, *beside)
        yield from _differences(f"beside_{name}", songs.latents(first), songs.latents(beside[0]))
        yield Figure(
            f"beside_{name}.sound_db",
            decibels(torch.from_numpy(sound), torch.from_numpy(songs.sound(engine, beside[0]))),
        )
    yield from guarded("beside_rendering", _beside_rendering(setup, engine, first))


def _kept_apart(engine: AceStepEngine) -> Iterator[Figure]:
    """Yield True, as the measured value `kept_apart`, if the scheduler must not batch two songs of different seeds."""
    plans = [engine.plan(songs.asked(20.0, seed=seed)) for seed in (1, 2)]
    groups = [engine.prepare(plan, 0).group for plan in plans]
    yield Figure("kept_apart", groups[0] != groups[1])


def _differences(name: str, one: torch.Tensor, other: torch.Tensor) -> Iterator[Figure]:
    difference = (one - other).abs()
    yield Figure(f"{name}.equal", torch.equal(one, other))
    yield Figure(f"{name}.max", float(difference.max()))
    yield Figure(f"{name}.mean_share", float(difference.mean() / one.abs().mean()))


def _beside_rendering(setup: Setup, engine: AceStepEngine, done: SectionState) -> Iterator[Figure]:
    """Check that a song denoised while another thread renders a song has the same latents as one denoised alone."""
    if not setup.on_gpu:
        yield absent("beside_rendering", "a CPU renders between the steps, not beside them")
        return
    with beside(lambda: songs.sound(engine, done)):
        state = song(setup, engine)
        songs.finish(engine, state)
    yield Figure("beside_rendering", torch.equal(songs.latents(done), songs.latents(state)))


def _digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.float().cpu().numpy().tobytes()).hexdigest()[:16]


def digest_of_song(setup: Setup, engine: AceStepEngine) -> str:
    """Return the digest of a song's finished latents."""
    state = song(setup, engine)
    songs.finish(engine, state)
    return _digest(songs.latents(state))


def _other_process(setup: Setup, engine: AceStepEngine) -> Iterator[Figure]:
    size = setup.pick("full", "small")
    run = partial(subprocess.run, stdout=subprocess.PIPE, text=True, check=True)
    done = run([sys.executable, "-m", __name__, size, setup.device])
    yield Figure("other_process", done.stdout.split()[-1] == digest_of_song(setup, engine))


if __name__ == "__main__":
    alike = Setup(sys.argv[1] == "small", sys.argv[2])
    print(digest_of_song(alike, songs.opened(alike)))

"""Measures the peak rates of the GPU for the operations of a denoiser: copies, products, attention, launches."""

import statistics
import time
from collections.abc import Iterator
from functools import partial

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from benchmarks.gpu.timing import once, release, timed

MAPS = ((2560, 2560), (7680, 2560), (12_800, 2560), (2560, 6400))
"""Sizes (outputs, inputs) of the linear layers in ACE-Step's blocks."""

TOKENS = (645, 1290, 2580, 5160, 10_320, 41_280)
HEADS, HEAD_WIDTH = 20, 128
BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}
NEW_SHAPES = ((645, 401), (902, 523), (1311, 677))
"""Frames and context tokens of shapes that were not used before."""


def measure(setup: Setup) -> Iterator[Figure]:
    """Yield the GPU's rates for large operations, the host time of a launch, and times of attention kernels."""
    torch.manual_seed(1)
    yield from guarded("copy", _copy(setup))
    yield from guarded("product", _products(setup))
    yield from guarded("linear_attention", _linear_attention(setup))
    yield from guarded("launch", _launches(setup))
    if not setup.on_gpu:
        yield absent("attention", "a CPU has no back ends of CUDA to choose among")
        return
    for name, backend in BACKENDS.items():
        for masked in (False, True):
            label = f"attention.{name}.{'mask' if masked else 'plain'}"
            if masked and backend is SDPBackend.FLASH_ATTENTION:
                yield absent(label, "flash attention takes no mask")
            else:
                yield from guarded(label, _attention(setup, label, backend, masked=masked))
    yield from guarded("attention.default", _chosen(setup))
    release(setup)


def _dtype(setup: Setup) -> torch.dtype:
    return torch.bfloat16 if setup.on_gpu else torch.float32


def _noise(setup: Setup, *shape: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    return torch.randn(shape, device=setup.device, dtype=dtype or _dtype(setup))


def _copy(setup: Setup) -> Iterator[Figure]:
    """Measure the bytes per second that a copy on the device reads and writes."""
    source = _noise(setup, setup.pick(1 << 30, 1 << 20))
    target = torch.empty_like(source)
    times = timed(setup, lambda: target.copy_(source))
    yield Figure("copy.tb_per_s", 2 * source.nbytes / times.device_ms / 1e9)


def _products(setup: Setup) -> Iterator[Figure]:
    size = setup.pick(8192, 64)
    square = _noise(setup, size, size)
    times = timed(setup, lambda: square @ square)
    yield Figure("product.square.tflop_per_s", 2 * size**3 / times.device_ms / 1e9)
    for outputs, inputs in setup.pick(MAPS, ((160, 64),)):
        for tokens in setup.pick(TOKENS, (16,)):
            x, weight = _noise(setup, tokens, inputs), _noise(setup, outputs, inputs)
            times = timed(setup, partial(F.linear, x, weight))
            rate = 2 * tokens * outputs * inputs / times.device_ms / 1e9
            yield Figure(f"product.{tokens}x{outputs}x{inputs}.tflop_per_s", rate)


def _linear_attention(setup: Setup) -> Iterator[Figure]:
    """Measure the product k^T v of linear attention for two rows of a minute: in float32, in TF32, and in bfloat16 with
    float32 sums.
    """
    frames = setup.pick(645, 32)
    k, v = (_noise(setup, 2 * HEADS, frames, HEAD_WIDTH, dtype=torch.float32) for _ in range(2))
    yield Figure("linear_attention.float32.ms", timed(setup, lambda: k.transpose(1, 2) @ v).device_ms)
    if not setup.on_gpu:
        yield absent("linear_attention.tf32.ms", "a CPU has no TF32")
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield Figure("linear_attention.tf32.ms", timed(setup, lambda: k.transpose(1, 2) @ v).device_ms)
    finally:
        torch.set_float32_matmul_precision(before)
    short, other = k.bfloat16().transpose(1, 2), v.bfloat16()
    times = timed(setup, lambda: torch.bmm(short, other, out_dtype=torch.float32))
    yield Figure("linear_attention.bfloat16.ms", times.device_ms)


def _launches(setup: Setup) -> Iterator[Figure]:
    """Measure the microseconds of the host for launching one small operation: many are launched in sequence, without
    waiting for the device.
    """
    x, count = _noise(setup, 1024), setup.pick(2000, 200)

    def many() -> None:
        for _ in range(count):
            x.add_(1.0)

    yield Figure("launch.us", timed(setup, many).host_ms * 1e3 / count)


def _inputs(setup: Setup, frames: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return random queries [2, heads, frames, head width], keys and values [2, heads, tokens, head width], and a mask
    that excludes the last keys of the second row.
    """
    q = _noise(setup, 2, HEADS, frames, HEAD_WIDTH)
    k, v = (_noise(setup, 2, HEADS, tokens, HEAD_WIDTH) for _ in range(2))
    lengths = torch.tensor([tokens, tokens - 17], device=setup.device)
    mask = torch.arange(tokens, device=setup.device) < lengths[:, None]
    return q, k, v, mask[:, None, None, :]


def _attention(setup: Setup, label: str, backend: SDPBackend, *, masked: bool) -> Iterator[Figure]:
    firsts, seconds, medians = [], [], []
    with sdpa_kernel(backend):
        for shape in NEW_SHAPES:
            q, k, v, mask = _inputs(setup, *shape)
            work = partial(F.scaled_dot_product_attention, q, k, v, attn_mask=mask if masked else None)
            firsts.append(_wall_ms(setup, work))
            seconds.append(_wall_ms(setup, work))
            medians.append(timed(setup, work, repeats=20).device_ms)
    yield Figure(f"{label}.first_ms", statistics.median(firsts))
    yield Figure(f"{label}.second_ms", statistics.median(seconds))
    yield Figure(f"{label}.ms", statistics.median(medians))


def _wall_ms(setup: Setup, work: partial[torch.Tensor]) -> float:
    """Return the wall time in milliseconds of one call of `work`; the first call includes compilation."""
    started = time.perf_counter()
    once(setup, work)
    return (time.perf_counter() - started) * 1e3


def _chosen(setup: Setup) -> Iterator[Figure]:
    """Yield the name of the attention kernel that torch chooses, as the profiler reports it."""
    for masked in (False, True):
        q, k, v, mask = _inputs(setup, *NEW_SHAPES[0])
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            F.scaled_dot_product_attention(q, k, v, attn_mask=mask if masked else None)
            torch.cuda.synchronize()
        names = [event.key[:80] for event in profile.key_averages()]
        yield Figure(f"attention.default.{'mask' if masked else 'plain'}", names)

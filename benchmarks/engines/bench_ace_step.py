"""Computes the cost of ACE-Step: operations and kernel launches at full size, and the time of one padded forward pass
for songs of different lengths compared with separate passes.

The full-size model is built without weights, so nothing here needs a GPU or the checkpoint; the comparison of padding
runs a smaller transformer with random weights.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import typer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from model.ace_step.frames import FRAMES_PER_SECOND, frames_of
from model.ace_step.networks.autoencoder import Autoencoder
from model.ace_step.networks.config import AutoencoderConfig, LyricEncoderConfig, TransformerConfig, VocoderConfig
from model.ace_step.networks.contexts import ContextBatch, ContextCache
from model.ace_step.networks.transformer import Transformer
from model.ace_step.networks.vocoder import CONTEXT_FRAMES, Vocoder
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.trajectories import Row

app = typer.Typer(add_completion=False)

TERA = 1e12
PUBLISHED = {(60, 1): 2.77, (60, 400): 3.08, (60, 800): 3.40, (240, 1): 11.09, (240, 400): 11.59, (240, 800): 12.10}
"""TFLOP of one forward pass of the original, keys and values of the context included, by (seconds, context tokens)."""

BF16_TFLOPS = {"A100": 312.0, "H100": 989.0, "RTX 4090": 165.0}
"""Dense bf16 peak rates according to the manufacturers."""

ORIGINAL_UTILISATION = 0.21
"""Share of an A100's peak rate that the original reaches with its published 2.2 s for a minute at 27 steps."""


class Launches(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations that would each be a kernel launch on a GPU; views are not counted."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count an operation of torch and run it."""
        made = func(*args, **(kwargs or {}))
        self.count += not func.is_view
        return made


def flops(work: Callable[[], object]) -> float:
    """Return the floating-point operations of `work` in TFLOP; a multiplication with an addition counts two."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / TERA


@app.command()
def operations() -> None:
    """Print the operations of the full-size model in TFLOP: of a denoising step, beside the published number of the
    original implementation, and of decoding a song; also the kernel launches of a step.
    """
    with torch.device("meta"), torch.no_grad():
        model, vocoder = Transformer(TransformerConfig()), Vocoder(VocoderConfig())
        autoencoder = Autoencoder(AutoencoderConfig())
        print("seconds  context  TFLOP of keys and values  TFLOP of a step  together  original")
        for (seconds, tokens), published in PUBLISHED.items():
            frames = frames_of(seconds)
            context = torch.empty(1, tokens, model.config.width)
            cached = flops(partial(model.cached, context))
            batch = ContextBatch.of([model.cached(context)])
            step = flops(partial(_step, model, frames, batch))
            print(f"{seconds:7}  {tokens:7}  {cached:24.3f}  {step:15.2f}  {cached + step:8.2f}  {published:8.2f}")
        launches = Launches()
        with launches:
            _step(model, frames_of(60), ContextBatch.of([model.cached(torch.empty(1, 400, model.config.width))]))
        print(f"launches of a step, nothing fused: {launches.count}")
        for seconds in (60, 240):
            _decode(autoencoder, vocoder, seconds)
        _estimates(model)


def _step(model: Transformer, frames: int, batch: ContextBatch) -> torch.Tensor:
    return model(torch.empty(1, 8, 16, frames), torch.empty(1), batch)  # type: ignore[no-any-return]


def _decode(autoencoder: Autoencoder, vocoder: Vocoder, seconds: int) -> None:
    frames = frames_of(seconds)
    mel = flops(lambda: autoencoder.decoder(torch.empty(1, 8, 16, frames)))
    whole = flops(lambda: vocoder(torch.empty(2, 128, 8 * frames)))
    first = flops(lambda: vocoder(torch.empty(2, 128, 43 + CONTEXT_FRAMES)))
    print(f"decode of {seconds} s: mel frames {mel:.2f}, vocoder {whole:.2f}, its first half second {first:.2f} TFLOP")


def _estimates(model: Transformer) -> None:
    """Print the estimated seconds to the first sound, at the GPU utilisation of the original implementation and at
    twice that.
    """
    print("first sound, estimated: device, utilisation, 60 s whole / 240 s whole / 20 s section of a song, 27 steps")
    for device, peak in BF16_TFLOPS.items():
        for utilisation in (ORIGINAL_UTILISATION, 2 * ORIGINAL_UTILISATION):
            rate = peak * utilisation
            times = [_first_sound(model, seconds) / rate for seconds in (60, 240, 20)]
            print(f"  {device:9} {utilisation:.0%}  " + " / ".join(f"{each:.2f} s" for each in times))


def _first_sound(model: Transformer, seconds: int, evaluations: int = 41) -> float:
    """Return the TFLOP until the first sound of a song of `seconds`: `evaluations` of the model (41 for 27 steps of
    which 14 are guided), then the decoding of the mel frames and of half a second of sound.
    """
    frames = frames_of(seconds)
    batch = ContextBatch.of([model.cached(torch.empty(1, 400, model.config.width))])
    return evaluations * flops(lambda: _step(model, frames, batch)) + seconds * 5.81 / 60 + 0.15


@app.command()
def padding(repeats: int = 5, width: int = 256) -> None:
    """Print the seconds that a forward pass over four songs takes in three ways: padded to one length, one pass for
    each length, and grouped by the engine. The transformer has the given `width`; each time is the median of `repeats`
    runs.
    """
    torch.set_num_threads(1)
    sizes = TransformerConfig(heads=width // 64, head_width=64, layers=8, lyric=LyricEncoderConfig(64, 2, 128, 6))
    model = Transformer(sizes).eval().requires_grad_(False)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    ways = {
        "padded": BatchedForward(model, slack=1e9),
        "apart": BatchedForward(model, slack=0.0),
        "as served": BatchedForward(model),
    }
    context = model.cached(torch.randn(1, 200, model.config.width))
    for seconds in ((60, 60, 60, 60), (50, 55, 60, 60), (20, 30, 45, 60), (10, 20, 60, 240)):
        rows = [_row(frames_of(each), context) for each in seconds]
        times = {name: _median(partial(forward, rows), repeats) for name, forward in ways.items()}
        wasted = 1 - sum(seconds) / (len(seconds) * max(seconds))
        print(f"{seconds}, {wasted:.0%} padding: " + ", ".join(f"{name} {each:.3f} s" for name, each in times.items()))
    print(f"{FRAMES_PER_SECOND:.2f} frames a second; one core; on a GPU every step also has its launches")


def _row(frames: int, context: ContextCache) -> Row:
    return Row(torch.randn(1, 8, 16, frames), 500.0, context)


def _median(work: Callable[[], Sequence[object]], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    app()

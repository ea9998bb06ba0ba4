"""Computes the roofline of a denoising pass of the full-size ACE-Step on an H100: the least time of each kernel.

No GPU is needed and nothing is timed. For the eager pass operators are counted on the meta device; for the compiled
pass the kernels that torch.compile makes for a GPU, and the eager operators around the blocks. Times are estimated from
bytes and operations; the assumptions are in kernels.py.
"""

import dataclasses
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
import typer

from benchmarks.engines.eager_kernels import eager_kernels
from benchmarks.engines.kernels import LAUNCH, Kernel, Sum
from model.ace_step.frames import frames_of
from model.ace_step.networks.config import TransformerConfig
from model.ace_step.networks.contexts import ContextCache
from model.ace_step.networks.layers import Block
from model.ace_step.networks.transformer import ERG_FACTOR, Transformer
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.trajectories import Row


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Songs that share a denoising step: their number (`songs`), the length of each in seconds, the number of lyrics
    tokens of each, and True if they have guidance.
    """

    name: str
    seconds: float
    tokens: int
    songs: int = 1
    guided: bool = True


BATCHES = (
    Batch("one minute, unguided", 60, 400, guided=False),
    Batch("one minute, guided", 60, 400),
    Batch("8 guided minutes", 60, 400, 8),
    Batch("32 guided minutes", 60, 400, 32),
    Batch("240 s, guided", 240, 800),
    Batch("a section of 20 s, guided", 20, 200),
)


def full_size() -> Transformer:
    """Build the released transformer without weights, in the dtypes that are used for serving."""
    with torch.device("meta"):
        model = Transformer(TransformerConfig()).to(torch.bfloat16).eval().requires_grad_(False)
    model.final_layer.float()
    return model


def step(forward: BatchedForward, model: Transformer, batch: Batch) -> Callable[[], object]:
    """Return a function that computes a denoising step of the batch at the middle noise level. The contexts of its
    songs were stacked into one batch before, which is not counted.
    """
    config = model.config
    sizes = (config.layers, config.heads, batch.tokens, config.head_width)
    factors = (1.0, ERG_FACTOR) if batch.guided else (1.0,)
    rows = []
    for _ in range(batch.songs):
        for factor in factors:
            keys, values = (torch.empty(sizes, dtype=torch.bfloat16, device="meta") for _ in range(2))
            latents = torch.empty(1, config.channels, config.height, frames_of(batch.seconds), device="meta")
            rows.append(Row(latents, 500.0, ContextCache(keys, values, factor)))
    with torch.no_grad():
        forward(rows)
    return lambda: forward(rows)


def eager(batch: Batch) -> list[Kernel]:
    """Return the kernels of a forward pass in eager mode."""
    model = full_size()
    return eager_kernels(step(BatchedForward(model), model, batch))


def compiled(batch: Batch) -> list[Kernel]:
    """Return the kernels of a compiled forward pass: the kernels of every transformer block, and those before and after
    the blocks.
    """
    from benchmarks.engines.compiled_kernels import block_kernels

    model, seen = full_size(), []

    def skip(_block: Block, *given: Any) -> torch.Tensor:
        seen.append(given)
        return torch.empty_like(given[0])

    with mock.patch.object(Block, "__call__", skip):
        around = eager_kernels(step(BatchedForward(model, compiled=True, backend="eager"), model, batch))
    block = model.transformer_blocks[0]
    block._compiled_call_impl = None  # the compiler is given the block itself below
    return around + block_kernels(block, seen[0]) * model.config.layers


def main(as_json: bool = typer.Option(False, "--json"), detail: bool = False) -> None:
    """Command line: print a table with the estimated cost of a denoising step for each batch, eager and compiled.
    `--detail` also lists the kernels; `--json` prints JSON instead of the table.
    """
    found = []
    for batch in BATCHES:
        ways = {"eager": eager(batch), "compiled": compiled(batch)}
        asked = Sum.of(ways["eager"]).operations
        for name, kernels in ways.items():
            found.append(_figures(batch, name, kernels, asked))
            if not as_json:
                print(_line(found[-1]), flush=True)
            if detail:
                _list(kernels)
    if as_json:
        print(json.dumps(found, indent=1))


def _figures(batch: Batch, way: str, kernels: list[Kernel], asked: int) -> dict[str, Any]:
    total = Sum.of(kernels)
    return {
        "batch": batch.name, "way": way, "kernels": total.kernels, "gigabytes": total.bytes / 1e9,
        "tera_operations": total.operations / 1e12, "device_ms": total.seconds * 1e3,
        "host_ms": total.kernels * LAUNCH * 1e3, "floor_ms": asked / 989e12 * 1e3, "share": total.share(asked),
    }  # fmt: skip


def _line(figures: dict[str, Any]) -> str:
    return (
        f"{figures['batch']:26} {figures['way']:9} {figures['kernels']:5} kernels  {figures['gigabytes']:7.1f} GB  "
        f"{figures['tera_operations']:7.2f} TFLOP  device {figures['device_ms']:6.1f} ms  "
        f"floor {figures['floor_ms']:6.1f} ms  {figures['share']:4.0%}"
    )


def _list(kernels: list[Kernel]) -> None:
    for kernel in sorted(kernels, key=lambda kernel: -kernel.seconds)[:60]:
        print(f"    {kernel.seconds * 1e6:8.1f} us  {kernel.bytes / 1e6:8.1f} MB  {kernel.name}")


if __name__ == "__main__":
    typer.run(main)

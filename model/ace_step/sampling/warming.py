"""Compiles the transformer's blocks before the first song, and explains failures of the compiler."""

import re
from collections.abc import Iterator

import torch

from model.ace_step.networks.contexts import BUCKET, ContextBatch, ContextCache, below
from model.ace_step.networks.transformer import Transformer
from model.engine import EngineUnavailable, Option

COMPILE_THREADS = 2
"""Most compiler processes. By default torch starts one per core, each importing torch, for few kernels."""

FOLDERS = "TORCHINDUCTOR_CACHE_DIR and TRITON_CACHE_DIR"

_ADVICE = (
    (
        r"C compiler|C\+\+ compiler|CppCompile|InvalidCxx",
        "install gcc and the headers of libc, or name a compiler by CC",
    ),
    (r"getpwuid|No username set", f"the user has no entry in /etc/passwd: set {FOLDERS}"),
    (
        r"failed to map segment|Operation not permitted",
        f"compiled code may not be run from its folder: set {FOLDERS} to folders that are not mounted noexec",
    ),
    (
        r"Permission denied|Read-only file system|No space left",
        f"compiled code cannot be stored: set {FOLDERS} to folders that can be written to",
    ),
)
"""Texts of failures, and the advice for each."""


def compile_now(transformer: Transformer) -> None:
    """Run the compiled blocks once with a single row and once with two, the only variants that are compiled.

    Raises:
        EngineUnavailable: the compiler cannot be used.
    """
    from torch._inductor import config as inductor  # imported only if needed, because it takes a second

    inductor.compile_threads = min(inductor.compile_threads or COMPILE_THREADS, COMPILE_THREADS)
    try:
        for rows in (1, 2):
            _run(transformer, rows)
    except (torch.OutOfMemoryError, torch.AcceleratorError):
        raise
    except Exception as error:  # compilers raise the errors of their tools, of any type
        raise EngineUnavailable(
            f"torch cannot compile the engine: {advice(error)}; or leave these settings empty: ",
            Option("compile"),
            " and ",
            Option("cuda_graphs", short=True),
        ) from error


def advice(error: BaseException) -> str:
    """Return advice on a known failure of the compiler, otherwise the failure's own text."""
    text = "\n".join(f"{type(each).__name__}: {each}" for each in _chain(error))
    found = next((help_ for pattern, help_ in _ADVICE if re.search(pattern, text)), None)
    first_line = str(error).strip().partition("\n")[0]
    return found or f"{type(error).__name__}: {first_line}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _run(transformer: Transformer, rows: int) -> None:
    """Run a pass of `rows` rows whose sizes all differ, so that the compiler does not equate two of them."""
    config, device = transformer.config, transformer.device
    frames, tokens = 2 * BUCKET, BUCKET
    latents = torch.zeros(rows, config.channels, config.height, frames, device=device)
    sizes = (config.layers, config.heads, tokens, config.head_width)
    zeros = torch.zeros(sizes, device=device, dtype=transformer.dtype)
    cache = ContextCache(zeros, zeros)
    lengths = torch.full((rows,), frames, device=device)
    transformer(latents, lengths.float(), ContextBatch.of([cache] * rows, masks=True), below(lengths, frames))

"""Runs torch's compiler with few processes, and explains its failures."""

import re
from collections.abc import Callable, Iterator

import torch

from model.engine import EngineUnavailable, Option

COMPILE_THREADS = 2
"""Largest number of compiler processes. By default torch starts one per core, and each imports torch, although few
kernels are compiled.
"""

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
"""Regular expressions for error messages of the compiler, and the advice for each."""


def compiled_now(run: Callable[[], None]) -> None:
    """Call `run`, during which torch compiles code, with at most `COMPILE_THREADS` compiler processes.

    Raises:
        EngineUnavailable: the compiler cannot be used.
    """
    from torch._inductor import config as inductor  # the import takes a second, so it is done only to compile

    inductor.compile_threads = min(inductor.compile_threads or COMPILE_THREADS, COMPILE_THREADS)
    try:
        run()
    except (torch.OutOfMemoryError, torch.AcceleratorError):
        raise
    except Exception as error:  # compilers raise exceptions of any class
        raise EngineUnavailable(
            f"torch cannot compile the engine: {advice(error)}; or leave ",
            Option("compile"),
            " and ",
            Option("cuda_graphs", short=True),
            " empty",
        ) from error


def advice(error: BaseException) -> str:
    """Return the advice to an operator for a known failure of torch's compiler, otherwise the text of the error."""
    text = "\n".join(f"{type(each).__name__}: {each}" for each in _chain(error))
    found = next((help_ for pattern, help_ in _ADVICE if re.search(pattern, text)), None)
    first_line = str(error).strip().partition("\n")[0]
    return found or f"{type(error).__name__}: {first_line}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

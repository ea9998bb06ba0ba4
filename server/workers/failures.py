"""Tells the errors of engines apart, and translates them into failures that cross the pipe."""

import sys
import traceback
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from model.engine import EngineUnavailable, Option
from model.song import InvalidParams
from server.workers.messages import Failure, Fault

_OUT_OF_MEMORY = (
    "CUDA out of memory",
    "CUDA error: out of memory",  # beside the allocator: pinned memory, modules that are loaded late, graphs
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "unable to find an engine",  # of cuDNN, none of which fits into what is left
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
)
_FATAL = (
    "CUDA error",
    "device-side assert",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_INTERNAL_ERROR",
    "CUDNN_STATUS_EXECUTION_FAILED",
)


class DeviceBroken(BaseException):
    """The device fails whatever this process asks of it from now on; only another process can use it again.

    It is no `Exception`, so that nobody who guards the work on one song takes it for a failure of that song.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """True if there was no memory for what was asked, on the device or beside it, however the libraries say it."""
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return _says(error, _OUT_OF_MEMORY)


def is_fatal(error: BaseException) -> bool:
    """True if the error, or one that led to it, leaves the device useless to this process; never for lack of memory."""
    return any(_is_fatal_itself(one) for one in _chain(error))


def raise_if_fatal(error: Exception) -> None:
    """Raise DeviceBroken from an error that is fatal."""
    if is_fatal(error):
        raise DeviceBroken(f"the device is broken: {error}") from error


def failure_of(error: Exception, variables: Mapping[str, str] = MappingProxyType({})) -> Failure:
    """Tell the caller's faults, missing pieces and lack of memory from bugs; bugs carry their traceback.

    `variables` has the variables of the engine's options, by the options' names: what is missing is said with them.

    Raises:
        DeviceBroken: the error is fatal.
    """
    raise_if_fatal(error)
    match error:
        case InvalidParams():
            return Failure(Fault.CALLER, str(error), error.violations)
        case EngineUnavailable():
            return Failure(Fault.INSTALLATION, "".join(_shown(part, variables) for part in error.parts))
        case _:
            fault = Fault.MEMORY if is_out_of_memory(error) else Fault.BUG
            return Failure(fault, "".join(traceback.format_exception(error)))


def release_memory(error: BaseException) -> None:
    """Give back what a failed computation holds: the values in the frames of the error, and torch's unused memory.

    Nothing else may refer to those values. The lines of the traceback stay.
    """
    for one in _chain(error):
        traceback.clear_frames(one.__traceback__)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _is_fatal_itself(error: BaseException) -> bool:
    if is_out_of_memory(error):
        return False
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.AcceleratorError):
        return True
    return _says(error, _FATAL)


def _says(error: BaseException, texts: tuple[str, ...]) -> bool:
    """Looks at errors of libraries alone: the text of others may repeat what a caller has written."""
    if not isinstance(error, RuntimeError) or isinstance(error, EngineUnavailable):
        return False
    text = str(error)
    return any(part in text for part in texts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those that it came from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _shown(part: str | Option, variables: Mapping[str, str]) -> str:
    if isinstance(part, str) or part.name not in variables:
        return str(part)
    _, separator, end = variables[part.name].rpartition("__")
    return separator + end if part.short else variables[part.name]

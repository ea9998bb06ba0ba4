"""Classifies the errors of engines, and converts them to failures for the server."""

import sys
import traceback
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from model.engine import EngineUnavailable, Option
from model.song import InvalidParams
from server.workers.messages import Failure, Fault

_OUT_OF_MEMORY = (
    "CUDA out of memory",
    "CUDA error: out of memory",  # outside torch's allocator: pinned memory, modules loaded late, graphs
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "unable to find an engine",  # from cuDNN: no algorithm fits into the free memory
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
    """The device cannot be used in this process any more; a new process may use it again.

    The class is not derived from `Exception`, so that it is not handled as a failure of one song.
    """


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if an error means that memory of the device or the computer is exhausted, in the wording of any
    library.
    """
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return _says(error, _OUT_OF_MEMORY)


def is_fatal(error: BaseException) -> bool:
    """Return True if an error or one of its causes makes the device unusable for this process; always False for lack of
    memory.
    """
    return any(_is_fatal_itself(one) for one in _chain(error))


def raise_if_fatal(error: Exception) -> None:
    """Raise DeviceBroken if an error makes the device unusable for this process."""
    if is_fatal(error):
        raise DeviceBroken(
            f"the device of this worker does not compute any more, so the worker is restarted: {error}"
        ) from error


def failure_of(error: Exception, variables: Mapping[str, str] = MappingProxyType({})) -> Failure:
    """Convert an error of an engine to a failure with its cause: the caller, a missing installation or setting, lack of
    memory, or a bug (with its traceback).

    `variables` has the environment variable of each engine option, by the option's name, for texts about missing
    settings.

    Raises:
        DeviceBroken: the error makes the device unusable.
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
    """Free the memory of a failed computation: the local variables in the stack frames of the error, and torch's cached
    memory.

    No other object may refer to those variables. The text of the traceback stays.
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
    """Return True if an error comes from a library and its text contains one of `texts`.

    Errors of Melisma itself are ignored, because their text may quote a caller's text.
    """
    if not isinstance(error, RuntimeError) or isinstance(error, EngineUnavailable):
        return False
    text = str(error)
    return any(part in text for part in texts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then its cause, the cause of that cause, and so on."""
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

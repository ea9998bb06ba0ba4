"""Translates what an engine raises into failures that cross the pipe."""

import sys
import traceback
from collections.abc import Mapping
from types import MappingProxyType

from model.engine import EngineUnavailable, Option
from model.song import InvalidParams
from server.workers.messages import Failure, Fault


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device had no memory for what was asked; torch says so in an error of its own."""
    torch = sys.modules.get("torch")
    return isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError))


def failure_of(error: Exception, variables: Mapping[str, str] = MappingProxyType({})) -> Failure:
    """Tell the caller's faults, missing pieces and lack of memory from bugs; bugs carry their traceback.

    `variables` has the variables of the engine's options, by the options' names: what is missing is said with them.
    """
    match error:
        case InvalidParams():
            return Failure(Fault.CALLER, str(error), error.violations)
        case EngineUnavailable():
            return Failure(Fault.INSTALLATION, "".join(_shown(part, variables) for part in error.parts))
        case _:
            fault = Fault.MEMORY if is_out_of_memory(error) else Fault.BUG
            return Failure(fault, "".join(traceback.format_exception(error)))


def _shown(part: str | Option, variables: Mapping[str, str]) -> str:
    if isinstance(part, str) or part.name not in variables:
        return str(part)
    _, separator, end = variables[part.name].rpartition("__")
    return separator + end if part.short else variables[part.name]

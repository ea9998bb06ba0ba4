"""Translates what an engine raises into failures that cross the pipe."""

import sys
import traceback

from model.engine import EngineUnavailable
from model.song import InvalidParams
from server.workers.messages import Failure, Fault


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device had no memory for what was asked; torch says so in an error of its own."""
    torch = sys.modules.get("torch")
    return isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError))


def failure_of(error: Exception) -> Failure:
    """Tell the caller's faults, missing pieces and lack of memory from bugs; bugs carry their traceback."""
    match error:
        case InvalidParams():
            return Failure(Fault.CALLER, str(error), error.violations)
        case EngineUnavailable():
            return Failure(Fault.INSTALLATION, str(error))
        case _:
            fault = Fault.MEMORY if is_out_of_memory(error) else Fault.BUG
            return Failure(fault, "".join(traceback.format_exception(error)))

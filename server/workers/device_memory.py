"""Reads the memory of the accelerator that a worker drives."""

import sys

from server.workers.messages import DeviceMemory


def device_memory() -> DeviceMemory | None:
    """The memory of the present CUDA device; `None` in a process that uses none.

    Asking the loaded modules spares engines that do not use torch its import, which takes seconds.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    free_bytes, total_bytes = torch.cuda.mem_get_info()
    return DeviceMemory(total_bytes - free_bytes, total_bytes)

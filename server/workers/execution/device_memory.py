"""Reads the memory of the accelerator that a worker drives."""

import sys

from server.workers.messages import DeviceMemory


def device_memory() -> DeviceMemory | None:
    """Return used and total memory of the process's present CUDA device; `None` in a process that uses no CUDA device.

    torch is used only if it is already imported, because its import takes seconds.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    free_bytes, total_bytes = torch.cuda.mem_get_info()
    return DeviceMemory(total_bytes - free_bytes, total_bytes)

"""An engine that provokes faults of a real GPU."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from model.engine import EngineInfo, SectionState
from server.workers.worker_spec import EngineSpec
from tests.support.fakes import FakeEngine, FakeState

CUDA = EngineSpec("fake", "tests.support.workers.cuda:CudaEngine")


class CudaEngine(FakeEngine):
    """The fake engine on a GPU. The prompt of a song selects a fault: "assert" fails a check on the device, "large"
    allocates 0.4 of the device's memory.
    """

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._table = torch.zeros(4, 2, device=self._device)

    @classmethod
    def load(cls, device: str) -> "CudaEngine":
        return cls(device)

    def info(self) -> EngineInfo:
        """Return the engine's properties; the description has the engine's GPU, and the number of GPUs that its process
        can use.
        """
        return replace(super().info(), description=f"{self._device} of {torch.cuda.device_count()}")

    def denoise(self, states: Sequence[SectionState]) -> None:
        prompts = [state.prompt for state in states if isinstance(state, FakeState)]
        if "assert" in prompts:
            torch.nn.functional.embedding(torch.tensor([9], device=self._device), self._table)
        share = 0.4 * prompts.count("large")
        if share:
            total = torch.cuda.get_device_properties(self._device).total_memory
            torch.empty(int(share * total), dtype=torch.uint8, device=self._device)
        super().denoise(states)
        torch.cuda.synchronize(self._device)

    def check(self) -> None:
        self._table.add(1)
        torch.cuda.synchronize(self._device)

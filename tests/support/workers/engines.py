"""Engines whose properties show the environment of their worker process, and engines with slow loading or steps."""

import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from model.engine import EngineInfo, SectionState
from server.workers.worker_spec import EngineSpec
from tests.support.fakes import FakeEngine

MODULE_LIST = EngineSpec("modules", "tests.support.workers.engines:ModuleListEngine")
ENDLESS_LOAD = EngineSpec("endless", "tests.support.workers.engines:EndlessLoadEngine")
LONG_STEPS = EngineSpec("fake", "tests.support.workers.engines:LongStepsEngine")
SURROUNDINGS = EngineSpec("surroundings", "tests.support.workers.engines:SurroundingsEngine")


class ModuleListEngine(FakeEngine):
    """An engine that lists the top-level packages that its process has imported, as its languages."""

    @classmethod
    def load(cls, device: str) -> "ModuleListEngine":
        return cls()

    def info(self) -> EngineInfo:
        return replace(super().info(), languages=tuple({name.partition(".")[0] for name in sys.modules}))


class EndlessLoadEngine(FakeEngine):
    """An engine whose loading never ends."""

    @classmethod
    def load(cls, device: str) -> "EndlessLoadEngine":
        threading.Event().wait()
        return cls()


class LongStepsEngine(FakeEngine):
    """An engine with long steps, so that its worker is nearly always in the middle of one."""

    @classmethod
    def load(cls, device: str) -> "LongStepsEngine":
        return cls()

    def denoise(self, states: Sequence[SectionState]) -> None:
        time.sleep(0.03)
        super().denoise(states)


class SurroundingsEngine(FakeEngine):
    """An engine whose description contains its device, and the variables for visible GPUs and for torch's memory
    allocator of its process.
    """

    def __init__(self, device: str) -> None:
        self._device = device

    @classmethod
    def load(cls, device: str) -> "SurroundingsEngine":
        return cls(device)

    def info(self) -> EngineInfo:
        seen, memory = (os.environ[name] for name in ("CUDA_VISIBLE_DEVICES", "PYTORCH_CUDA_ALLOC_CONF"))
        return replace(super().info(), description=f"{self._device} of {seen}, {memory}")

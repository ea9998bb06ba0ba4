"""Engines that show or try what a worker process is like."""

import sys
import threading
from dataclasses import replace

from model.engine import EngineInfo
from server.workers.messages import EngineSpec
from tests.support.fakes import FakeEngine

MODULE_LIST = EngineSpec("modules", "tests.support.workers.engines:ModuleListEngine")
ENDLESS_LOAD = EngineSpec("endless", "tests.support.workers.engines:EndlessLoadEngine")


class ModuleListEngine(FakeEngine):
    """Its languages are the packages that its process has imported."""

    @classmethod
    def load(cls, device: str) -> "ModuleListEngine":
        return cls()

    def info(self) -> EngineInfo:
        return replace(super().info(), languages=tuple({name.partition(".")[0] for name in sys.modules}))


class EndlessLoadEngine(FakeEngine):
    """Is never loaded."""

    @classmethod
    def load(cls, device: str) -> "EndlessLoadEngine":
        threading.Event().wait()
        return cls()

"""Engines for a worker process of the tests."""

from dataclasses import replace

from model.engine import EngineInfo
from model.song import Control
from tests.support.fakes import FakeEngine


class NarrowEngine(FakeEngine):
    """Makes the fake engine's songs and has none of its controls but steps."""

    @classmethod
    def load(cls, device: str) -> "NarrowEngine":
        return cls()

    def info(self) -> EngineInfo:
        return replace(super().info(), name="narrow", controls=frozenset({Control.STEPS}))

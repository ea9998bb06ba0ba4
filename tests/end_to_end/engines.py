"""Engines for a worker process of the tests."""

from dataclasses import replace

from model.engine import EngineInfo
from model.song import Control
from tests.support.fakes import FakeEngine


class NarrowEngine(FakeEngine):
    """The fake engine with `steps` as its only control."""

    @classmethod
    def load(cls, device: str) -> "NarrowEngine":
        return cls()

    def info(self) -> EngineInfo:
        return replace(super().info(), name="narrow", controls=frozenset({Control.STEPS}))

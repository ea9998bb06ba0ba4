"""An engine that sleeps in every step, so that a few songs keep a generator busy on any computer."""

import time
from collections.abc import Sequence
from dataclasses import replace

from typing_extensions import override

from model.engine import EngineInfo, SectionState
from tests.support.fakes import FakeEngine

STEP_SECONDS = 0.02
"""Seconds of one denoising step of one section. A song of a minute has 30 sections of 4 steps, 2.4 s of device time."""


class SlowEngine(FakeEngine):
    """The engine of the tests, slowed down: it sleeps in each step for the time that a device would compute."""

    @classmethod
    @override
    def load(cls, device: str) -> "SlowEngine":
        """Return the engine; there is nothing to load."""
        return cls()

    @override
    def info(self) -> EngineInfo:
        """Return the properties of the tests' engine under another name."""
        return replace(super().info(), name="slow")

    @override
    def denoise(self, states: Sequence[SectionState]) -> None:
        """Sleep for the time of a step, then advance the states."""
        time.sleep(STEP_SECONDS * len(states))
        super().denoise(states)

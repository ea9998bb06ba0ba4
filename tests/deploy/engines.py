"""Engines for the worker processes of servers that stand behind balancers."""

import time
from collections.abc import Sequence

from model.engine import SectionState
from tests.support.fakes import FakeEngine

STEP_SECONDS = 0.05


class SlowEngine(FakeEngine):
    """Makes the fake engine's songs in a time that a device might need: each step of a batch takes a while."""

    @classmethod
    def load(cls, device: str) -> "SlowEngine":
        return cls()

    def denoise(self, states: Sequence[SectionState]) -> None:
        time.sleep(STEP_SECONDS)
        super().denoise(states)

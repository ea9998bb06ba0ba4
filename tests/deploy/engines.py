"""Engines for the worker processes of servers behind load balancers."""

import time
from collections.abc import Sequence

from model.engine import SectionState
from tests.support.fakes import FakeEngine

STEP_SECONDS = 0.05


class SlowEngine(FakeEngine):
    """The fake engine with a delay in every denoising step, as on a real device."""

    @classmethod
    def load(cls, device: str) -> "SlowEngine":
        return cls()

    def denoise(self, states: Sequence[SectionState]) -> None:
        time.sleep(STEP_SECONDS)
        super().denoise(states)

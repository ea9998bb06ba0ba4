"""An engine with one fault: the file that the variable TROUBLE names has the place and the kind of the fault.

    load                loading the engine
    denoise             the second step of the song "trouble"
    settle              the same step, after every state of the step has advanced
    ahead               the second step of the song's third section
    render              the second window of the song's second section
    check               a check of the device

Kinds are "killed" (the process ends), "memory" (an out-of-memory error), "broken" and "accelerator" (from then on the
device fails with errors of GPU libraries, or of torch). Every completed step is recorded as a line of the file that the
variable STEPS names: prompt, section, step.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.engine import SectionState
from model.song import Window
from server.workers.worker_spec import EngineSpec
from tests.support.fakes import FakeEngine, FakeState

TROUBLE_ONCE = EngineSpec("fake", "tests.support.workers.trouble:TroubleOnceEngine")
PROMPT = "trouble"


class TroubleOnceEngine(FakeEngine):
    """The fake engine with one fault, at the place that the file in the environment variable TROUBLE names."""

    def __init__(self) -> None:
        self._broken: Exception | None = None
        self._at("load")

    @classmethod
    def load(cls, device: str) -> "TroubleOnceEngine":
        return cls()

    def denoise(self, states: Sequence[SectionState]) -> None:
        troubled = [state for state in states if isinstance(state, FakeState) and state.prompt == PROMPT]
        second = any(state.step == 1 for state in troubled)
        if second:
            self._at("denoise")
        if any(state.step == 1 and state.index == 2 for state in troubled):
            self._at("ahead")
        self._works()
        super().denoise(states)
        if second:
            self._at("settle")
        with Path(os.environ["STEPS"]).open("a") as log:
            log.writelines(f"{state.prompt} {state.index} {state.step}\n" for state in states)  # type: ignore[attr-defined]

    def render(self, state: SectionState) -> Iterator[Window]:
        assert isinstance(state, FakeState)
        for number, window in enumerate(super().render(state)):
            if (state.prompt, state.index, number) == (PROMPT, 1, 1):
                self._at("render")
            self._works()
            yield window

    def check(self) -> None:
        self._at("check")
        self._works()

    def _works(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _at(self, place: str) -> None:
        file = Path(os.environ["TROUBLE"])
        where, what = file.read_text().split() if file.exists() else ("", "")
        if where != place:
            return
        file.unlink()
        match what:
            case "killed":
                self.crash()
            case "memory":
                raise MemoryError("what was here before is not gone yet")
            case "broken":
                self._broken = RuntimeError("CUDA error: unspecified launch failure")
            case "accelerator":
                import torch

                self._broken = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
        self._works()

"""List of the measurements on a GPU in their order: the most valuable per second first, those that may break the device
last.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A measuring function "module:function", which takes a `Setup` and yields measured values, and its time limit in
    seconds.

    A stage runs in its own process. With `always` it also runs without a GPU.
    """

    function: str
    seconds: float
    always: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of the GPU measurements: one or more stages (measuring functions), which run one after the other."""

    name: str
    stages: tuple[Stage, ...]


_MACHINE, _ACE_STEP, _MUSICGEN = "benchmarks.gpu.machine", "benchmarks.gpu.ace_step", "benchmarks.gpu.musicgen"
_ACE_STEP_15 = "benchmarks.gpu.ace_step_15.measures"

PARTS = (
    Part("env", (Stage(f"{_MACHINE}.environment:measure", 25.0, always=True),)),
    Part("ceilings", (Stage(f"{_MACHINE}.ceilings:measure", 30.0),)),
    Part("correct", (Stage(f"{_ACE_STEP}.correctness:measure", 55.0),)),
    Part("build", (Stage(f"{_ACE_STEP}.building:measure", 35.0),)),
    Part("steps", (Stage(f"{_ACE_STEP}.steps:measure", 75.0),)),
    Part("determinism", (Stage(f"{_ACE_STEP}.determinism:measure", 60.0),)),
    Part("fast", (Stage(f"{_ACE_STEP}.fast:compiled", 75.0), Stage(f"{_ACE_STEP}.fast:graphs", 60.0))),
    Part("sound", (Stage(f"{_ACE_STEP}.sound:measure", 40.0),)),
    Part("ace_step_15", (Stage(f"{_ACE_STEP_15}:plain", 60.0), Stage(f"{_ACE_STEP_15}:fast", 90.0))),
    Part("musicgen", (Stage(f"{_MUSICGEN}.ticks:measure", 45.0),)),
    Part("server", (Stage(f"{_ACE_STEP}.server:songs", 60.0), Stage(f"{_ACE_STEP}.server:failures", 80.0))),
)
"""All parts of the measurement. A further engine needs a part here and expected values in `expectations`."""

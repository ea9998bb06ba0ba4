"""Tests that a step that fails for lack of memory changes nothing: the repeated step gives the same song."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, TypeAlias, cast

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from model.ace_step.engine import AceStepEngine
from model.ace_step.options import AceStepOptions, Sampler
from model.ace_step.sampling.states import State
from model.ace_step.sampling.trajectories import Row
from model.shared.generation_mode import GenerationMode
from model.song import SongParams
from model.tasks import AudioToAudio, Edit, Extend, Repaint, Retake
from tests.support.ace_step_songs import finish, params, recording

Place: TypeAlias = tuple[object, ...]
"""A torch operation of a step: the place in the code where it is called, and its number among the calls at that
place.
"""


class FailingOnce(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Context in which each torch operation raises an error at its first execution, as if memory were lacking. The set
    `failed` holds the places (see `Place`) of the operations that have already raised an error. If `failed` is `None`,
    no operation fails.
    """

    def __init__(self, failed: set[Place] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._failed = failed
        self.places: set[Place] = set()
        self._called: Counter[Place] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        place = self._place(str(func))
        self.places.add(place)
        if self._failed is not None and place not in self._failed:
            self._failed.add(place)
            raise torch.OutOfMemoryError("CUDA out of memory (injected)")
        return func(*args, **(kwargs or {}))

    def _place(self, operation: str) -> Place:
        called: Place = (operation, *_calls())
        self._called[called] += 1
        return (self._called[called] - 1, *called)


def _calls() -> Iterator[tuple[str, int]]:
    """Yield the engine's functions on the call stack, each with its name and the current line number."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if "/model/ace_step/" in frame.f_code.co_filename and frame.f_code.co_filename != __file__:
            yield frame.f_code.co_qualname, frame.f_lineno
        frame = frame.f_back


def velocities(rows: Sequence[Row]) -> list[torch.Tensor]:
    """Stand-in for the model: return made-up velocities; they differ between rows, steps and latent positions."""
    return [
        0.7 * row.latents.roll(index + 1, dims=-1).sin() - 1e-3 * row.timestep * row.latents.flip(-2)
        for index, row in enumerate(rows)
    ]


def step(state: State, failed: set[Place] | None = None) -> set[Place]:
    """Take one denoising step, and return the places (see `Place`) of its torch operations. If `failed` is a set, the
    first operation whose place is not in it is added to it and raises an error.
    """
    operations = FailingOnce(failed)
    with operations:
        rows = state.trajectory.rows()
    given = velocities(rows)
    with operations:
        state.advance(given)
    return operations.places


SONGS = {
    **{
        f"{sampler}, guidance {scale:g}": params(
            10.0, steps=6, guidance_scale=scale, options=AceStepOptions(sampler=sampler)
        )
        for sampler in Sampler
        for scale in (1.0, 15.0)
    },
    "retake": params(10.0, steps=4, task=Retake(7, 0.3)),
    "audio to audio": params(
        None, steps=6, task=AudioToAudio(recording(), 0.4), options=AceStepOptions(sampler=Sampler.PINGPONG)
    ),
    "repaint": params(None, steps=6, task=Repaint(recording(), 2.0, 5.0, variance=0.8)),
    "repaint, unguided": params(None, steps=4, guidance_scale=1.0, task=Repaint(recording(), 2.0, 5.0)),
    "extend": params(None, steps=4, task=Extend(recording(), 2.0, 3.0)),
    "edit": params(None, steps=6, task=Edit(recording(), "jazz", "[verse]\nla", 0.2, 0.7, 2)),
    "edit, sampled at once": params(None, steps=4, task=Edit(recording(), "jazz", "", 0.5, 0.5, 1)),
    "second section": params(24.0, steps=6, options=AceStepOptions(mode=GenerationMode.SECTIONED)),
}


def begun_twice(engine: AceStepEngine, asked: SongParams) -> list[State]:
    """Return two independent states of the last section of the song that `asked` describes, each before its
    first step.
    """
    plan, context = engine.plan(asked), None
    for index in range(len(plan.sections) - 1):
        state = cast(State, engine.begin(plan, index, engine.prepare(plan, index), context))
        while state.step < state.steps:
            step(state)
        context = engine.context(state)
    last = len(plan.sections) - 1
    conditions = engine.prepare(plan, last)
    return [cast(State, engine.begin(plan, last, conditions, context)) for _ in range(2)]


@pytest.mark.parametrize("name", SONGS)
def test_every_operation_of_every_step_may_fail_once(name: str, engine: AceStepEngine) -> None:
    undisturbed, torn = begun_twice(engine, SONGS[name])
    while undisturbed.step < undisturbed.steps:
        done, failed, places = torn.step, set[Place](), step(undisturbed)
        while torn.step == done:
            with suppress(torch.OutOfMemoryError):
                step(torn, failed)
        assert failed == places
        assert torn.step == undisturbed.step == done + 1
    assert torch.equal(torn.trajectory.latents, undisturbed.trajectory.latents)


def test_strangers_of_a_failed_step_go_on_by_themselves(engine: AceStepEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [params(10.0, steps=4, options=AceStepOptions(sampler=sampler)) for sampler in Sampler]
    alone, together = zip(*(begun_twice(engine, each) for each in asked), strict=True)
    finish(engine, *alone)
    with monkeypatch.context() as patched:
        patched.setattr(together[1].trajectory, "advance", _out_of_memory)
        with pytest.raises(torch.OutOfMemoryError):
            engine.denoise(together)
    assert [state.step for state in together] == [1, 0, 0]
    engine.denoise(together[1:])
    finish(engine, *together)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(other.trajectory.latents, one.trajectory.latents, rtol=0, atol=1e-4)


def _out_of_memory(_velocities: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory (injected)")

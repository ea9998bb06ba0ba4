"""Tests of a step of a batch: its errors, its retries, and the memory that it uses meanwhile."""

import weakref
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from model.engine import SectionState
from model.song import SongPlan
from server.workers.execution.batch_denoise import denoise
from server.workers.execution.failures import DeviceBroken
from tests.support.fakes import FakeEngine, FakeState, params
from tests.support.table import table


def states(engine: FakeEngine, count: int) -> list[FakeState]:
    return [begun(engine, engine.plan(params(seed=seed))) for seed in range(count)]


def begun(engine: FakeEngine, plan: SongPlan) -> FakeState:
    return engine.begin(plan, 0, engine.prepare(plan, 0), None)


class Activations:
    """An object that exists as long as a forward pass holds its activations."""


class SmallDevice(FakeEngine):
    """An engine that fails with more than two sections in a batch; it counts the earlier passes whose activations still
    exist.
    """

    def __init__(self, error: Exception) -> None:
        self.alive: list[int] = []
        self._error = error
        self._passes: list[weakref.ref[Activations]] = []

    def denoise(self, states: Sequence[SectionState]) -> None:
        self.alive.append(sum(one() is not None for one in self._passes))
        self._forward(states)

    def _forward(self, states: Sequence[SectionState]) -> None:
        activations = Activations()
        self._passes.append(weakref.ref(activations))
        if len(states) > 2:
            self._fail()
        super().denoise(states)

    def _fail(self) -> None:
        try:
            raise self._error
        except Exception as error:
            raise type(error)(*error.args) from error


@table(
    "error",
    [
        MemoryError("no room"),
        torch.OutOfMemoryError("CUDA out of memory."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("FIND was unable to find an engine to execute this computation"),
    ],
)
def test_a_batch_without_room_is_halved_and_what_it_held_is_free_before(error: Exception) -> None:
    engine = SmallDevice(error)
    batch = states(engine, 8)
    assert denoise(engine, batch, 1) == ([None] * 8, 2)
    assert [state.step for state in batch] == [1] * 8
    assert engine.alive == [0] * len(engine.alive)
    assert len(engine.alive) == 7


def test_what_a_batch_with_a_poisoned_section_held_is_free_before_it_is_taken_apart() -> None:
    engine = SmallDevice(ValueError("a bug"))
    errors, fits = denoise(engine, states(engine, 3), 1)
    assert (errors, fits) == ([None] * 3, 3)
    assert engine.alive == [0] * 4


class BreaksAfterwards(FakeEngine):
    """An engine that raises an error after it has advanced all states, like a device that fails when its results are
    read.
    """

    def __init__(self, error: Exception) -> None:
        self.passes = 0
        self._error = error

    def denoise(self, states: Sequence[SectionState]) -> None:
        self.passes += 1
        super().denoise(states)
        raise self._error


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("error", [ValueError("a bug"), MemoryError("no room")], ids=repr)
def test_an_error_after_all_states_have_advanced_is_that_of_all_and_tried_no_more(count: int, error: Exception) -> None:
    engine = BreaksAfterwards(error)
    errors, _ = denoise(engine, states(engine, count), 1)
    assert errors == [error] * count
    assert engine.passes == 1


@pytest.mark.parametrize("count", [1, 3])
def test_a_fatal_error_is_neither_tried_again_nor_success(count: int) -> None:
    engine = BreaksAfterwards(torch.AcceleratorError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(DeviceBroken, match="illegal memory access"):
        denoise(engine, states(engine, count), 1)
    assert engine.passes == 1


def test_a_batch_taken_apart_is_what_it_would_have_been_in_one() -> None:
    small, large = SmallDevice(MemoryError("no room")), FakeEngine()
    apart, together = states(small, 5), states(large, 5)
    denoise(small, apart, 1)
    denoise(large, together, 1)
    np.testing.assert_array_equal([state.level for state in apart], [state.level for state in together])


def test_several_steps_are_done_one_after_the_other() -> None:
    engine = FakeEngine()
    batch = states(engine, 3)
    assert denoise(engine, batch, 2) == ([None] * 3, 3)
    assert [state.step for state in batch] == [2, 2, 2]


class Watched(FakeEngine):
    """An engine that records, for each forward pass, the groups of the sections in it."""

    def __init__(self) -> None:
        self.passes: list[set[str]] = []

    def denoise(self, states: Sequence[SectionState]) -> None:
        self.passes.append({state.group for state in states})
        super().denoise(states)


def test_states_of_different_groups_never_share_a_pass() -> None:
    engine = Watched()
    batch = states(engine, 5)
    for position, group in enumerate(("tokens", "sound", "tokens", "", "sound")):
        batch[position].group = group
    assert denoise(engine, batch, 2) == ([None] * 5, 5)
    assert sorted(map(sorted, engine.passes)) == [[""], [""], ["sound"], ["sound"], ["tokens"], ["tokens"]]
    assert [state.step for state in batch] == [2] * 5


def test_a_state_that_ends_early_takes_no_more_steps() -> None:
    engine = Watched()
    batch = states(engine, 2)
    batch[0].steps = 1
    assert denoise(engine, batch, 3) == ([None] * 2, 2)
    assert [state.step for state in batch] == [1, 3]


class FailsLate(FakeEngine):
    """An engine that raises an error in the second step of the state `poisoned`."""

    poisoned: SectionState | None = None

    def denoise(self, states: Sequence[SectionState]) -> None:
        if any(state is self.poisoned and state.step == 1 for state in states):
            raise ValueError("poisoned")
        super().denoise(states)


def test_a_section_that_fails_in_a_later_step_costs_its_neighbours_none() -> None:
    engine = FailsLate()
    batch = states(engine, 3)
    engine.poisoned = batch[1]
    errors, _ = denoise(engine, batch, 2)
    assert [state.step for state in batch] == [2, 1, 2]
    assert [str(error) for error in errors] == ["None", "poisoned", "None"]

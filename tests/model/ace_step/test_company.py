"""Tests of songs that are denoised at the same time: with shared steps they may change each other slightly, without
shared steps in no bit.
"""

from collections.abc import Sequence
from typing import Literal

import pytest
import torch

from model.ace_step.engine import AceStepEngine
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.trajectories import Row
from model.ace_step.settings import AceStepSettings
from model.shared.device import shares_steps
from model.song import SongParams
from tests.support.ace_step import ace_step_options
from tests.support.ace_step_songs import begun, finish

SONG = SongParams("pop", "[verse]\nla la", 1, 10.0, steps=2)
COMPANY = SongParams("jazz, slow, piano", "[verse]\nla la la la la la la la", 2, 11.0, steps=2)


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> AceStepEngine:
    return AceStepEngine.load("cpu", **ace_step_options(tmp_path_factory.mktemp("half")) | {"dtype": "bfloat16"})


def groups(engine: AceStepEngine, count: int = 3) -> set[str]:
    plan = engine.plan(SONG)
    return {engine.prepare(plan, 0).group for _ in range(count)}


def latents(engine: AceStepEngine, *asked: SongParams) -> torch.Tensor:
    """Denoise the songs with the parameters `asked` at the same time, and return the latents of the first one."""
    states = [begun(engine, each) for each in asked]
    finish(engine, *states)
    return states[0].trajectory.latents


def test_sections_share_a_group_exactly_where_they_may_share_steps(engine: AceStepEngine, half: AceStepEngine) -> None:
    assert groups(engine) == {""}
    assert len(groups(half)) == 3


@pytest.mark.parametrize(
    ("device", "dtype", "by_default"),
    [
        ("cpu", torch.float32, True),
        ("cpu", torch.bfloat16, False),
        ("cuda:0", torch.float32, False),
        ("cuda:0", torch.bfloat16, False),
    ],
)
def test_steps_are_shared_by_default_where_that_changes_next_to_nothing(
    device: str, dtype: torch.dtype, *, by_default: bool
) -> None:
    choices: dict[Literal["auto", "on", "off"], bool] = {"auto": by_default, "on": True, "off": False}
    for choice, shared in choices.items():
        assert shares_steps(AceStepSettings(shared_steps=choice).shared_steps, torch.device(device), dtype) == shared


@pytest.fixture
def rounded_by_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-in for the rounding errors of a GPU: every velocity depends on the number of rows in its forward pass. On a
    GPU this is so only for some numbers of rows.
    """
    evaluate = BatchedForward.__call__

    def dependent(forward: BatchedForward, rows: Sequence[Row]) -> list[torch.Tensor]:
        return [velocity * (1 + 1e-3 * len(rows)) for velocity in evaluate(forward, rows)]

    monkeypatch.setattr(BatchedForward, "__call__", dependent)


@pytest.mark.usefixtures("rounded_by_company")
def test_without_shared_steps_company_changes_no_bit(half: AceStepEngine) -> None:
    alone, beside, later = latents(half, SONG), latents(half, SONG, COMPANY), begun(half, SONG)
    half.denoise([later])
    finish(half, begun(half, COMPANY), later)
    assert torch.equal(beside, alone)
    assert torch.equal(later.trajectory.latents, alone)


@pytest.mark.usefixtures("rounded_by_company")
def test_with_shared_steps_a_song_depends_on_its_company(engine: AceStepEngine) -> None:
    alone = latents(engine, SONG)
    assert torch.equal(latents(engine, SONG), alone)
    assert not torch.equal(latents(engine, SONG, COMPANY), alone)


def test_with_shared_steps_float32_differs_by_less_than_is_said(engine: AceStepEngine) -> None:
    difference = (latents(engine, SONG, COMPANY) - latents(engine, SONG)).abs().max()
    assert difference < 1e-4

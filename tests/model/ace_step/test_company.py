"""What songs that are made at the same time do to each other, for every way of sharing steps."""

from collections.abc import Sequence
from typing import Any, Literal

import pytest
import torch

from model.ace_step.engine import AceStepEngine, shares_steps
from model.ace_step.sampling.batched_forward import Forward
from model.ace_step.sampling.trajectories import Row
from model.ace_step.settings import AceStepSettings
from model.song import SongParams
from tests.support.ace_step import ace_step_options
from tests.support.ace_step_songs import begun, finish

SONG = SongParams("pop", "[verse]\nla la", 1, 10.0, steps=4)
COMPANY = SongParams("jazz, slow, piano", "[verse]\nla la la la la la la la", 2, 11.0, steps=4)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return ace_step_options(tmp_path_factory.mktemp("ace_step"))


@pytest.fixture(scope="module")
def half(options: dict[str, object]) -> AceStepEngine:
    return AceStepEngine.load("cpu", **options | {"dtype": "bfloat16"})


def groups(engine: AceStepEngine, count: int = 3) -> set[str]:
    plan = engine.plan(SONG)
    return {engine.prepare(plan, 0).group for _ in range(count)}


def latents(engine: AceStepEngine, *asked: SongParams) -> torch.Tensor:
    """Those of the first of songs that are made together."""
    states = [begun(engine, each) for each in asked]
    finish(engine, *states)
    return states[0].walk.latents


@pytest.mark.parametrize(
    ("choices", "shared"),
    [
        ({}, True),
        ({"dtype": "bfloat16"}, False),
        ({"dtype": "bfloat16", "shared_steps": "on"}, True),
        ({"shared_steps": "off"}, False),
    ],
)
def test_sections_share_a_group_exactly_where_they_may_share_steps(
    options: dict[str, object], choices: dict[str, Any], *, shared: bool
) -> None:
    assert len(groups(AceStepEngine.load("cpu", **options | choices))) == (1 if shared else 3)


@pytest.mark.parametrize(("choice", "shared"), [("auto", False), ("off", False), ("on", True)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu_steps_are_shared_only_where_that_is_chosen(
    choice: Literal["auto", "on", "off"], dtype: torch.dtype, *, shared: bool
) -> None:
    assert shares_steps(AceStepSettings(shared_steps=choice), torch.device("cuda:0"), dtype) == shared


@pytest.fixture
def rounded_by_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every velocity depend on how many rows share its pass, as rounding does on a GPU, but always."""
    evaluate = Forward.__call__

    def dependent(forward: Forward, rows: Sequence[Row]) -> list[torch.Tensor]:
        return [velocity * (1 + 1e-3 * len(rows)) for velocity in evaluate(forward, rows)]

    monkeypatch.setattr(Forward, "__call__", dependent)


@pytest.mark.usefixtures("rounded_by_company")
def test_without_shared_steps_company_changes_no_bit(half: AceStepEngine) -> None:
    alone, beside, later = latents(half, SONG), latents(half, SONG, COMPANY), begun(half, SONG)
    half.denoise([later])
    finish(half, begun(half, COMPANY), later)
    assert torch.equal(beside, alone)
    assert torch.equal(later.walk.latents, alone)


@pytest.mark.usefixtures("rounded_by_company")
def test_with_shared_steps_a_song_depends_on_its_company(engine: AceStepEngine) -> None:
    alone = latents(engine, SONG)
    assert torch.equal(latents(engine, SONG), alone)
    assert not torch.equal(latents(engine, SONG, COMPANY), alone)


def test_with_shared_steps_float32_differs_by_less_than_is_said(engine: AceStepEngine) -> None:
    difference = (latents(engine, SONG, COMPANY) - latents(engine, SONG)).abs().max()
    assert difference < 1e-4

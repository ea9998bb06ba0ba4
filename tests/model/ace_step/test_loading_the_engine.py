"""Tests of the work that the engine ACE-Step v1 does while it is loaded, before the first song: warming up and
compiling.
"""

import logging
from pathlib import Path

import pytest
import torch

from model.ace_step import engine as engine_module
from model.ace_step.engine import AceStepEngine
from model.ace_step.sampling.batched_forward import BatchedForward
from model.engine import EngineUnavailable
from model.shared.warm_up import warm_up
from tests.support.ace_step import ace_step_options
from tests.support.ace_step_songs import params

PHASES = ("plan", "prepare", "begin", "denoise", "context", "render")


def test_warming_up_goes_through_all_that_a_song_does(engine: AceStepEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, object]] = []

    def listen(name: str) -> None:
        do = getattr(engine, name)

        def heard(given: object, *others: object) -> object:
            calls.append((name, given))
            return do(given, *others)

        monkeypatch.setattr(engine, name, heard)

    for name in (*PHASES, "_forward"):
        listen(name)
    warm_up(engine)
    assert list(dict.fromkeys(name for name, _ in calls if name != "_forward")) == list(PHASES)
    assert [len(rows) for name, rows in calls if name == "_forward" and isinstance(rows, list)] == [2, 1]


def test_on_a_cpu_nothing_is_made_to_warm_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(engine_module, "timed_warm_up", lambda *_: made.append(1))
    AceStepEngine.load("cpu", **ace_step_options(tmp_path) | {"warm_up": True})
    assert made == []


def test_what_cannot_be_compiled_here_is_told_when_the_engine_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warm(_forward: BatchedForward) -> None:
        raise EngineUnavailable("there is no compiler")

    monkeypatch.setattr(BatchedForward, "warm", warm, raising=False)
    with pytest.raises(EngineUnavailable, match="there is no compiler"):
        AceStepEngine.load("cpu", **ace_step_options(tmp_path))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("wanted", [True, False])
def test_on_a_gpu_the_seconds_of_warming_up_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, wanted: bool
) -> None:
    caplog.set_level(logging.INFO)
    AceStepEngine.load("cuda:0", **ace_step_options(tmp_path) | {"warm_up": wanted})
    assert ("has warmed up" in caplog.text) == wanted


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_makes_about_the_song_of_a_cpu(tmp_path: Path, engine: AceStepEngine) -> None:
    there = AceStepEngine.load("cuda:0", **ace_step_options(tmp_path) | {"dtype": "float32"})
    sounds = []
    for one in (engine, there):
        plan = one.plan(params(10.0))
        state = one.begin(plan, 0, one.prepare(plan, 0), None)
        while state.step < state.steps:
            one.denoise([state])
        restored = one.restore_section(plan, 0, one.save_section(state), None)
        sounds.append(torch.cat([torch.from_numpy(window) for window in one.render(restored)], dim=1))
    torch.testing.assert_close(sounds[1], sounds[0], rtol=0, atol=1e-3)

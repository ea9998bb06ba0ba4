"""Tests that rows of unrelated songs share passes, and that their results are the same as alone."""

from pathlib import Path

import pytest
import torch

from model.ace_step_15.encoding import Encoder
from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.sampling.batched_forward import BatchedForward
from model.ace_step_15.sampling.schedule import times
from model.ace_step_15.sampling.trajectories import Contexts, Guidance, Row, Trajectory
from model.ace_step_15.starting import Starter
from model.ace_step_15.tasks import Cover, ExtractTrack, ModelTask, RepaintWindow, TextToMusic
from model.tasks import Track
from tests.support.ace_step_15 import Case

ANY_LENGTH = 100.0


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def row(networks: Networks, frames: int, tokens: int, time: float) -> Row:
    context = Encoder(networks).cached(drawn(tokens, 1, tokens, 32))
    return Row(drawn(frames, frames, 8), drawn(frames + 1, frames, 16), time, context)


def song(networks: Networks, task: ModelTask, frames: int, tokens: int, steps: int, scale: float = 7.0) -> Trajectory:
    encoder = Encoder(networks)
    given = Starter(networks).given(task, frames, 10.0 * drawn(frames + 2, frames, 8))
    plain = encoder.cached(drawn(tokens + 1, 1, tokens, 32)) if isinstance(task, Cover) else None
    contexts = Contexts(encoder.cached(drawn(tokens, 1, tokens, 32)), encoder.unconditional(), plain)
    guidance = Guidance(contexts, scale, 0.2, 0.9, strength=task.strength if isinstance(task, Cover) else 1.0)
    return Trajectory(drawn(frames, frames, 8), given.latents, times(steps, 3.0), guidance, given.kept)


def step(forward: BatchedForward, songs: list[Trajectory]) -> int:
    rows = [row for each in songs for row in each.rows()]
    velocities = iter(forward(rows))
    for each in songs:
        each.advance([next(velocities) for _ in each.rows()])
    return len(rows)


@torch.no_grad()
def test_rows_of_any_length_context_and_step_are_as_alone(networks: Networks) -> None:
    rows = [row(networks, *sizes) for sizes in ((58, 120, 1.0), (101, 30, 0.3), (40, 77, 0.642), (7, 12, 0.9))]
    alone, together = BatchedForward(networks.transformer), BatchedForward(networks.transformer, slack=ANY_LENGTH)
    assert len(together._groups([58, 101, 40, 7])) == 1
    for given, velocity in zip(rows, together(rows), strict=True):
        torch.testing.assert_close(velocity, alone([given])[0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_songs_that_join_and_leave_midway_are_as_alone(networks: Networks) -> None:
    def songs() -> list[Trajectory]:
        return [
            song(networks, TextToMusic(), 58, 40, 6),
            song(networks, RepaintWindow(10, 30), 83, 25, 4),
            song(networks, Cover(0.6), 31, 17, 5),
            song(networks, ExtractTrack(Track.DRUMS), 64, 33, 8),
        ]

    forward, alone, mixed = BatchedForward(networks.transformer, slack=ANY_LENGTH), songs(), songs()
    for each in alone:
        while each.step < each.steps:
            step(forward, [each])
    leaving, joining = mixed[3], mixed[1]
    rows = [step(forward, [mixed[0], mixed[2], leaving]) for _ in range(2)]
    gone = leaving.latents
    while any(each.step < each.steps for each in mixed[:3]):
        rows.append(step(forward, [each for each in (mixed[0], mixed[2], joining) if each.step < each.steps]))
    assert rows[0] == 4  # before the guided interval: one row each, and the cover's row without a task
    assert max(rows) == 7
    for each, expected in zip(mixed[:3], alone[:3], strict=True):
        scale = float(expected.latents.abs().max())
        torch.testing.assert_close(each.latents, expected.latents, rtol=0, atol=1e-5 * scale)
    assert leaving.step == 2
    assert leaving.latents is gone


def test_rows_share_a_pass_up_to_the_chosen_padding(networks: Networks) -> None:
    forward = BatchedForward(networks.transformer, slack=0.25)
    assert forward._groups([80, 100, 79, 64, 100]) == [[1, 4, 0], [2, 3]]
    assert BatchedForward(networks.transformer, slack=0.0)._groups([5, 6, 5]) == [[1], [0, 2]]


def test_a_failed_step_changes_nothing(networks: Networks, recordings: Path) -> None:
    trajectory = Case.of(recordings, "t2m_base").trajectory(networks)
    before = trajectory.rows()
    with pytest.raises(RuntimeError):
        trajectory.advance([torch.zeros(3, 5)] * 2)
    again = trajectory.rows()
    assert [given.time for given in again] == [given.time for given in before]
    assert all(a.latents is b.latents for a, b in zip(again, before, strict=True))

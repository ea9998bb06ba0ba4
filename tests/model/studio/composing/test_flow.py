import itertools

import pytest
import torch

from model.studio.composing.flow import euler_step, noise_towards, step_times, training_times


def test_the_path_runs_from_data_to_noise() -> None:
    clean, noise = torch.zeros(2, 3), torch.ones(2, 3)
    path = noise_towards(clean, noise, torch.tensor([0.0, 1.0]))
    assert torch.equal(path, torch.stack([clean[0], noise[1]]))


@pytest.mark.parametrize("steps", [2, 20, 80])
def test_steps_with_a_perfect_prediction_end_in_the_data(steps: int) -> None:
    clean, state = torch.full((1, 4), 0.5), torch.full((1, 4), -2.0)
    times = step_times(steps)
    for now, then in itertools.pairwise(times):
        state = euler_step(state, clean, now[None], then[None])
    torch.testing.assert_close(state, clean)


def test_a_step_stays_on_the_straight_path() -> None:
    clean, noise = torch.randn(2, 1, 5, generator=torch.Generator().manual_seed(0)).unbind(0)
    now, then = torch.tensor([0.8]), torch.tensor([0.3])
    moved = euler_step(noise_towards(clean, noise, now), clean, now, then)
    torch.testing.assert_close(moved, noise_towards(clean, noise, then))


def test_training_times_lie_inside_the_path_and_repeat_with_their_seed() -> None:
    first, second = (training_times(100, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.min() > 0
    assert first.max() < 1

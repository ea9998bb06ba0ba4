from pathlib import Path

import numpy as np
import pytest
import torch

from model.ace_step.sampling.noise import Noise
from model.ace_step.sampling.samplers import Euler, Heun, PingPong, Solver, omega_weight
from model.ace_step.sampling.schedule import Interval, chosen_sigmas, sigmas
from tests.support.table import table

RECORDED = np.load(Path(__file__).parents[1] / "data" / "schedulers.npz")
PINGPONG_SEED = 77  # seed of the recorded trajectories


def sampler(kind: str, levels: torch.Tensor, omega: float = 0.0) -> Solver:
    if kind == "pingpong":
        return PingPong(levels, Noise(PINGPONG_SEED, torch.device("cpu")))
    return (Heun if kind == "heun" else Euler)(levels, omega)


@table("steps", [1, 2, 8, 27, 60])
@table("sigma_max", [1.0, 0.5])
@table("kind", ["euler", "heun", "pingpong"])
def test_noise_levels_are_those_of_the_original(kind: str, sigma_max: float, steps: int) -> None:
    name = f"{kind}_max{sigma_max}_n{steps}"
    ours = sampler(kind, sigmas(steps, sigma_max))
    timesteps = []
    latents = torch.zeros(1, 1, 1, 1)
    for _ in range(ours.evaluations):
        timesteps.append(ours.timestep)
        latents, ours = ours.step(latents, latents)
    np.testing.assert_array_equal(np.array(timesteps, np.float32), RECORDED[f"{name}_timesteps"])
    if kind != "heun":
        np.testing.assert_array_equal(sigmas(steps, sigma_max).numpy(), RECORDED[f"{name}_sigmas"])


@table("name", sorted(name[:-2] for name in RECORDED.files if name.endswith("_x")))
def test_steps_follow_the_original(name: str) -> None:
    kind, omega = name.split("_")[0], float(name.split("omega")[1].split("_")[0])
    ours = sampler(kind, sigmas(6), omega)
    latents = torch.tensor(RECORDED[f"{name}_x"][0])
    for velocity, expected in zip(RECORDED[f"{name}_v"], RECORDED[f"{name}_x"][1:], strict=True):
        latents, ours = ours.step(latents, torch.tensor(velocity))
        np.testing.assert_allclose(latents.numpy(), expected, rtol=0, atol=1e-5)
    assert ours.index == ours.evaluations


def test_omega_weighs_as_published() -> None:
    weights = [omega_weight(omega) for omega in (0.0, 5.0, 10.0, 20.0, -20.0)]
    assert weights == pytest.approx([1.0, 1.02449, 1.04621, 1.07616, 0.92384], abs=1e-5)


def test_chosen_levels_are_shifted_once_more() -> None:
    levels = chosen_sigmas((2, 5, 8))
    full = sigmas(8)
    assert levels[-1] == 0
    assert levels[0] == pytest.approx(3 * full[1] / (1 + 2 * full[1]))


def test_guidance_is_on_in_the_middle_half() -> None:
    interval = Interval.middle(60, 0.5)
    assert [index for index in range(60) if interval.holds(index)] == list(range(15, 45))
    assert Interval.middle(60, 1.0) == Interval(0, 60)
    assert not any(Interval.middle(60, 0.0).holds(index) for index in range(60))


def test_progress_through_one_guided_step_is_a_number() -> None:
    assert Interval(3, 4).progress(3) == 0.0

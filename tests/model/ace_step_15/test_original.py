"""Compares parts and whole songs with recordings of diffusers' pipeline, on its tiny random weights."""

from pathlib import Path

import pytest
import torch

from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.sampling.batched_forward import BatchedForward
from model.ace_step_15.sampling.sources import FADE_FRAMES
from model.ace_step_15.sampling.trajectories import Trajectory
from tests.support.ace_step_15 import Case, recording

CASES = (
    "t2m_base", "t2m_no_cfg", "t2m_turbo8", "t2m_batch2_item1_alone", "t2m_reference", "repaint", "cover_codes",
    "extract", "complete", "t2m_shift1_interval", "cover_audio", "lego",
)  # fmt: skip
PEAK = 10.0 ** (-1.0 / 20.0)


def close(ours: torch.Tensor, expected: torch.Tensor, share: float) -> None:
    """Assert that all values are equal within a tolerance, `share` times the largest expected absolute value."""
    torch.testing.assert_close(ours, expected, rtol=0, atol=share * float(expected.abs().max()))


def finished(networks: Networks, trajectory: Trajectory) -> torch.Tensor:
    forward = BatchedForward(networks.transformer)
    while trajectory.step < trajectory.steps:
        trajectory.advance(forward(trajectory.rows()))
    return trajectory.latents


def case_of(recordings: Path, name: str) -> Case:
    if not (recordings / f"{name}.npz").is_file():
        pytest.skip(f"{recordings} has no recording {name}")
    return Case.of(recordings, name)


@torch.no_grad()
def test_sound_latents_and_codes_become_each_other_as_in_the_original(networks: Networks, recordings: Path) -> None:
    recorded, codec = recording(recordings / "pieces.npz"), networks.codec
    assert networks.audio_tokenizer is not None
    assert networks.audio_detokenizer is not None
    sound, expected = codec.decode(recorded["in/z"][0].T), recorded["vae_decode"][0]
    close(sound[:, : expected.shape[1]], expected, 1e-4)
    # The tiny decoder has an odd ratio, with which the last samples are silence.
    assert not sound[:, expected.shape[1] :].any()
    mean, spread = codec.distribution(recorded["in/wav"][0])
    close(mean, recorded["vae_mean"][0].T, 1e-4)
    close(spread, recorded["vae_std"][0].T, 1e-4)
    latents = recorded["in/latents"][0]
    codes = networks.audio_tokenizer(latents, networks.conditions.silence(len(latents)))
    assert torch.equal(codes, recorded["tok_indices"].flatten())
    vectors = networks.audio_tokenizer.quantizer.vectors(codes)
    close(vectors, recorded["tok_quantized"][0], 1e-4)
    close(networks.audio_detokenizer(vectors), recorded["detok"][0], 1e-4)


@pytest.mark.parametrize("name", CASES)
def test_a_song_is_that_of_the_original(name: str, networks: Networks, recordings: Path) -> None:
    case = case_of(recordings, name)
    recorded = case.recorded
    close(case.context(networks, case.task(protect=False).instruction), recorded["encoder_hidden_states"], 1e-5)
    trajectory = case.trajectory(networks)
    close(trajectory.rows()[0].given, recorded["context_latents"][0], 1e-4)
    assert [row.time for row in trajectory.rows()] == [1.0] * len(trajectory.rows())
    first = BatchedForward(networks.transformer)(trajectory.rows())
    for velocity, expected in zip(first, recorded["outputs"], strict=case.strength == 1.0):
        close(velocity, expected, 1e-4)
    assert trajectory.steps == len(recorded["timesteps"]) // (1 if case.strength == 1.0 else 2)
    latents = finished(networks, trajectory)
    close(latents, recorded["latents"][0], 1e-3)
    sound = networks.codec.decode(latents)[:, : recorded["audio"].shape[-1]]
    # The recorded sound was scaled to a fixed peak, which is impossible while streaming.
    close(sound * PEAK / sound.abs().max(), recorded["audio"][0], 1e-3)


def test_songs_that_share_passes_are_those_that_the_original_makes_alone(networks: Networks, recordings: Path) -> None:
    """Compare two songs in shared passes with recordings of both. The recording of the second is of the song alone,
    because the original does not mask the padding of a shorter context.
    """
    together = [Case.of(recordings, name) for name in ("t2m_base", "t2m_batch2_item1_alone")]
    trajectories = [case.trajectory(networks) for case in together]
    forward = BatchedForward(networks.transformer)
    for _ in range(trajectories[0].steps):
        velocities = iter(forward([row for trajectory in trajectories for row in trajectory.rows()]))
        for trajectory in trajectories:
            trajectory.advance([next(velocities) for _ in trajectory.rows()])
    both = recording(recordings / "t2m_batch2.npz")
    close(trajectories[0].latents, both["latents"][0], 1e-3)
    close(trajectories[1].latents, together[1].recorded["latents"][0], 1e-3)
    assert torch.equal(both["noise"][1], together[1].noise)


def test_what_a_protected_repaint_keeps_is_unchanged(networks: Networks, recordings: Path) -> None:
    case = Case.of(recordings, "repaint")
    kept = case.given(networks, protect=True).kept
    assert kept is not None
    source, latents = kept.source, finished(networks, case.trajectory(networks, protect=True))
    close(source, case.recorded["src_latents"][0], 1e-4)
    start, end = 12, 30
    assert torch.equal(latents[:start], source[:start])
    assert torch.equal(latents[end:], source[end:])
    inside = slice(start + FADE_FRAMES, end - FADE_FRAMES)
    changed = (latents[inside] - source[inside]).abs().mean()
    assert float(changed) > 0.5 * float(source.abs().mean())

"""Compares whole songs with recordings of the original code: every evaluation of the transformer, the latents, and the
sound.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchaudio.functional import resample

from model.ace_step.encoding import Encoder
from model.ace_step.loading.networks import Networks, load
from model.ace_step.networks.codec import Codec
from model.ace_step.options import Sampler
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.generation_spec import GenerationSpec, GuidanceKind, GuidanceParams
from model.ace_step.sampling.noise import Noise
from model.ace_step.sampling.starts import evaluation_count, whole
from model.ace_step.sampling.states import Conditions
from model.ace_step.sampling.trajectories import Trajectory
from model.tasks import AudioToAudio, Edit, Extend, Repaint, Retake, Task

CASES = (
    "t2m_default", "t2m_plain_cfg", "t2m_no_guidance", "t2m_heun", "t2m_pingpong", "t2m_double", "audio2audio",
    "repaint_half", "extend_right",
)  # fmt: skip
COUNTED = (*CASES, "retake", "edit_lyrics", "edit_remix", "edit_avg2", "t2m_decay", "t2m_no_lyrics", "audio2audio_weak")
AUDIO = b"the recording is encoded by the test"
SOURCE_FRAMES = 65


@pytest.fixture(scope="module")
def networks(parity: Path) -> Networks:
    return load(parity / "checkpoint", torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def cases(parity: Path) -> Mapping[str, Any]:
    recorded: Mapping[str, Any] = json.loads((parity.parent / "manifest.json").read_text("utf-8"))
    return recorded["parts"]["pipeline"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def ids(parity: Path) -> Mapping[str, tuple[int, ...]]:
    rows = json.loads((parity / "lyric_tokens.json").read_text("utf-8"))["lyrics"]
    return {row["text"]: tuple(row["ids"]) for row in rows}


def task_of(given: Mapping[str, Any]) -> Task | None:
    seed = given.get("retake_seeds", [None])[0]
    variance = given.get("retake_variance", 0.5)
    if given.get("audio2audio_enable"):
        return AudioToAudio(AUDIO, given["ref_audio_strength"])
    match given.get("task"):
        case "retake":
            return Retake(seed, variance)
        case "repaint":
            return Repaint(AUDIO, given["repaint_start"], given["repaint_end"], variance, seed)
        case "extend":
            return Extend(AUDIO, -min(0.0, given["repaint_start"]), given["repaint_end"] - 6.0, seed)
        case "edit":
            averages = given.get("edit_n_avg", 1)
            return Edit(AUDIO, "", "", given["edit_n_min"], given["edit_n_max"], averages, seed)
    return None


def spec_of(given: Mapping[str, Any], ids: tuple[int, ...], frames: int) -> GenerationSpec:
    guidance = GuidanceParams(
        scale=given["guidance_scale"],
        kind=GuidanceKind(given["cfg_type"]),
        interval=given["guidance_interval"],
        decay=given["guidance_interval_decay"],
        floor=given["min_guidance_scale"],
        text=given.get("guidance_scale_text", 0.0),
        lyric=given.get("guidance_scale_lyric", 0.0),
    )
    return GenerationSpec(
        prompt=given["prompt"],
        words=(ids,),
        frames=(frames,),
        seed=given["manual_seeds"][0],
        steps=given["infer_step"],
        guidance=guidance,
        sampler=Sampler(given["scheduler_type"]),
        omega=given["omega_scale"],
        task=task_of(given),
        source_frames=SOURCE_FRAMES,
    )


def conditions(
    networks: Networks, given: Mapping[str, Any], spec: GenerationSpec, source: torch.Tensor | None
) -> Conditions:
    encoder = Encoder(networks.transformer, networks.text_encoder)
    how = {"erg": given["use_erg_lyric"], "erg_tag": given["use_erg_tag"], "erg_diffusion": given["use_erg_diffusion"]}
    contexts, target = encoder.contexts(spec.prompt, spec.words[0], spec.guidance, **how), None
    if isinstance(spec.task, Edit):
        contexts = target = encoder.edit_contexts(spec.prompt, spec.words[0])
    return Conditions(contexts, 1, 1, 1, 1, "", target, source)


def recorded_source(codec: Codec, recorded: Mapping[str, np.ndarray]) -> torch.Tensor | None:
    found = [name for name in recorded if name.startswith("in/")]
    return codec.encode(resample(torch.tensor(recorded[found[0]]), 48_000, 44_100)) if found else None


@pytest.mark.parametrize("name", CASES)
def test_a_song_follows_the_original_evaluation_by_evaluation(
    name: str, parity: Path, networks: Networks, cases: Mapping[str, Any], ids: Mapping[str, tuple[int, ...]]
) -> None:
    given, recorded = cases[name]["parameters"], np.load(parity / "pipeline" / f"{name}.npz")
    expected = torch.tensor(recorded["latents"])
    spec = spec_of(given, ids[given["lyrics"]], expected.shape[-1])
    source = recorded_source(networks.codec, recorded)
    trajectory = whole(spec, conditions(networks, given, spec, source), lambda seed: Noise(seed, torch.device("cpu")))
    assert trajectory.steps == evaluation_count(spec, 0)
    call, forward = 0, BatchedForward(networks.transformer)
    while trajectory.step < trajectory.steps:
        rows = trajectory.rows()
        for row in rows:
            assert row.timestep == recorded["call_timesteps"][call]
            close(row.latents, recorded["call_inputs"][call])
            call += 1
        velocities = forward(rows)
        for velocity, position in zip(velocities, range(call - len(rows), call), strict=True):
            close(velocity, recorded["call_outputs"][position])
        trajectory.advance(velocities)
    assert call == len(recorded["call_timesteps"])
    torch.testing.assert_close(trajectory.latents, expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
    sound = networks.codec.sound(networks.codec.mel(trajectory.latents))
    torch.testing.assert_close(resample(sound, 44_100, 48_000), torch.tensor(recorded["wav48"][0]), rtol=0, atol=1e-5)


def close(ours: torch.Tensor, expected: np.ndarray) -> None:
    torch.testing.assert_close(ours, torch.tensor(expected), rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", COUNTED)
def test_as_many_evaluations_are_made_as_by_the_original(
    name: str, networks: Networks, cases: Mapping[str, Any], ids: Mapping[str, tuple[int, ...]]
) -> None:
    given = cases[name]["parameters"]
    spec = spec_of(given, ids.get(given["lyrics"], ()) if given["lyrics"] else (), 64)
    needs_source = spec.task is not None and not isinstance(spec.task, Retake)
    source = torch.zeros(1, 8, 16, SOURCE_FRAMES) if needs_source else None
    if isinstance(spec.task, Extend):
        spec = spec_of(given, ids[given["lyrics"]], SOURCE_FRAMES + 30)
    trajectory = whole(spec, conditions(networks, given, spec, source), lambda seed: Noise(seed, torch.device("cpu")))
    assert passes(trajectory) == cases[name]["model_calls"]


def passes(trajectory: Trajectory) -> int:
    """Return the number of forward passes with which the original code would do a trajectory: one for each row, but in
    an edit one for each pair of a conditional and an unconditional row.
    """
    total = 0
    while trajectory.step < trajectory.steps:
        rows = trajectory.rows()
        total += len(rows)
        trajectory.advance([torch.ones_like(row.latents) * (index + 1) for index, row in enumerate(rows)])
    return total if not type(trajectory).__name__.startswith("Edit") else total // 2

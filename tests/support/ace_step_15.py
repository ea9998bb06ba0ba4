"""Recorded tensors of diffusers' pipeline of ACE-Step 1.5 with tiny random weights, and the songs that they belong
to.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.ace_step_15.encoding import Encoder, excerpts
from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.planning.prompt import Metadata, lyrics_of, text_of
from model.ace_step_15.sampling.schedule import times
from model.ace_step_15.sampling.trajectories import Contexts, Guidance, Trajectory
from model.ace_step_15.starting import Given, Starter
from model.ace_step_15.tasks import (
    Complete,
    Cover,
    ExtractTrack,
    Lego,
    ModelTask,
    RepaintWindow,
    TextToMusic,
)
from model.tasks import Track

DATA = Path(__file__).parents[1] / "model" / "ace_step_15" / "data"
FRAMES_PER_SECOND = 25
RATE = 1000
CODE = "<|audio_code_"


def recording(path: Path) -> dict[str, torch.Tensor]:
    """Load recorded tensors by name from a file: the output of the script that records diffusers' pipeline, or a
    smaller file with only the tensors that this function returns. They are the rows of the songs, without the further
    rows of guidance, and the tensors of the first call of the denoiser.
    """
    found = dict(np.load(path))
    if "call00/input" in found:
        calls = sorted(name.partition("/")[0] for name in found if name.endswith("/output"))
        songs = found["latents"].shape[0]
        whole = ("latents", "src_latents", "context_latents", "encoder_hidden_states", "audio")
        found |= {name: found[name][:songs] for name in whole}
        found["noise"] = found["call00/input"][:songs]
        found["outputs"] = found["call00/output"]
        found["timesteps"] = np.array([found[f"{call}/timestep"][0] for call in calls])
    return {name: torch.tensor(value) for name, value in found.items() if not name.startswith("call")}


@dataclass(frozen=True)
class Case:
    """One recorded song: the parameters of its request, and the recorded tensors."""

    asked: Mapping[str, Any]
    recorded: Mapping[str, torch.Tensor]

    @classmethod
    def of(cls, folder: Path, name: str) -> "Case":
        asked = json.loads((DATA / "cases.json").read_text("utf-8"))[name]
        return cls(asked, recording(folder / f"{name}.npz"))

    @property
    def noise(self) -> torch.Tensor:
        return self.recorded["noise"][0]

    @property
    def frames(self) -> int:
        return self.noise.shape[0]

    @property
    def strength(self) -> float:
        return float(self.asked.get("audio_cover_strength", 1.0))

    @property
    def scale(self) -> float:
        return 1.0 if self.asked["turbo"] else float(self.asked["guidance_scale"])

    @property
    def codes(self) -> list[int]:
        return [int(code.partition("|")[0]) for code in self.asked.get("audio_codes", "").split(CODE)[1:]]

    def task(self, *, protect: bool) -> ModelTask:
        """Return the task of the song; with `protect` the frames outside of a repainted window stay unchanged."""
        start, end = (int(self.asked.get(f"repainting_{edge}", 0.0) * FRAMES_PER_SECOND) for edge in ("start", "end"))
        match self.asked.get("task_type", "cover" if self.codes else ""):
            case "repaint":
                return RepaintWindow(start, end, protect)
            case "cover":
                return Cover(self.strength)
            case "extract":
                return ExtractTrack(Track(self.asked["track_name"]))
            case "lego":
                return Lego(Track(self.asked["track_name"]), start, end if end > 0 else None)
            case "complete":
                return Complete(tuple(map(Track, self.asked["complete_track_classes"])))
        return TextToMusic()

    def drawn(self, networks: Networks, sound: torch.Tensor) -> torch.Tensor:
        """Return latents of `sound` (a reference recording), drawn from the autoencoder's distribution with the random
        numbers that the pipeline took from the global generator.
        """
        mean, spread = networks.codec.distribution(sound)
        noise = torch.randn(mean.shape[::-1], generator=torch.Generator().manual_seed(self.asked["global_seed"]))
        return mean + spread * noise.T

    def context(self, networks: Networks, instruction: str) -> torch.Tensor:
        encoder, reference = Encoder(networks), self.recorded.get("in/reference_audio")
        timbre = encoder.timbre(None)
        if reference is not None:
            timbre = networks.conditions.timbre(self.drawn(networks, excerpts(reference, RATE)))
        seconds = self.asked["audio_duration"] if not self.codes else self.frames / FRAMES_PER_SECOND
        facts = Metadata(seconds, self.asked["bpm"], self.asked["keyscale"], self.asked["timesignature"])
        text = text_of(instruction, self.asked["prompt"], facts)
        return encoder.context(text, lyrics_of(self.asked["vocal_language"], self.asked["lyrics"]), timbre)

    def given(self, networks: Networks, *, protect: bool) -> Given:
        starter, sound = Starter(networks), self.recorded.get("in/src_audio")
        if self.codes:
            return starter.cover_of_codes(self.codes)
        source = None if sound is None else self.drawn(networks, sound)
        return starter.given(self.task(protect=protect), self.frames, source)

    @torch.no_grad()
    def trajectory(self, networks: Networks, *, protect: bool = False) -> Trajectory:
        """Return the song's denoising trajectory, which starts from the recorded noise."""
        encoder, given = Encoder(networks), self.given(networks, protect=protect)
        conditional = encoder.cached(self.context(networks, self.task(protect=protect).instruction))
        unconditional = encoder.unconditional() if self.scale > 1.0 else None
        plain = None
        if self.strength < 1.0:
            plain = encoder.cached(self.context(networks, TextToMusic().instruction))
        contexts = Contexts(conditional, unconditional, plain)
        start, end = self.asked.get("cfg_interval_start", 0.0), self.asked.get("cfg_interval_end", 1.0)
        guidance = Guidance(contexts, self.scale, start, end, self.strength)
        steps = times(self.asked["num_inference_steps"], self.asked["shift"])
        return Trajectory(self.noise, given.latents, steps, guidance, given.kept)

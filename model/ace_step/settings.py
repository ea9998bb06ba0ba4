"""Settings of the engine ACE-Step v1, which an operator chooses and which apply when the engine is loaded.

The module does not import torch, because the server process, which never loads the engine, also reads the settings.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from model.shared.generation_mode import GenerationMode

RELEASED = "ACE-Step/ACE-Step-v1-3.5B"
"""The repository of the Hugging Face hub that has the released checkpoint."""


class AceStepSettings(BaseModel):
    """Settings that an operator chooses for the engine ACE-Step v1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str = Field(
        default=RELEASED,
        min_length=1,
        description="folder of the checkpoint, or a Hugging Face hub repository, which is downloaded (8.3 GB)",
    )
    revision: str = Field(default="", description="commit of the checkpoint's repository; empty: the newest")
    cache: str = Field(default="", description="folder for downloads; empty: the default of huggingface-hub")
    offline: bool = Field(default=False, description="download nothing, and use only files in the download folder")
    lyric_vocab: str = Field(
        default="", description="path of acestep/models/lyrics_utils/vocab.json of the GitHub repository of ACE-Step"
    )
    loras: dict[str, str] = Field(default={}, description='LoRA adapters as JSON, {"name": "folder"}')
    mode: Literal["auto", "whole", "sectioned"] = Field(
        default="auto",
        description="default mode of songs: whole (denoised at once), sectioned (section by section) or auto (whole)",
    )
    fast: bool = Field(default=False, description="use 27 denoising steps by default instead of 60")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="data type of computations; auto: bfloat16 on CUDA, float32 elsewhere"
    )
    compile: bool = Field(
        default=False, description="let torch compile the network when the engine is loaded, which takes minutes"
    )
    cuda_graphs: bool = Field(
        default=False, description="replay kernel launches of short passes as CUDA graphs, in addition to compiling"
    )
    padding: float = Field(
        default=0.125,
        ge=0,
        allow_inf_nan=False,
        description="largest padding with which a song shares a forward pass with a longer one, as a share of its "
        "length; 0: none",
    )
    shared_steps: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="on: songs share denoising steps, so that a song's rounding errors depend on the other songs; off: "
        "a song's bytes depend only on its own request; auto: on for float32 on a CPU, where latents differ by less "
        "than 1e-4, and off elsewhere",
    )
    warm_up: bool = Field(
        default=True,
        description="generate ten seconds of music when the engine is loaded on CUDA, so that the first song does not "
        "wait for kernels to be loaded; no effect on other devices",
    )

    @property
    def default_mode(self) -> GenerationMode:
        """Default generation mode of a song. If the setting `mode` is "auto", the whole song is denoised at once, which
        is the most coherent.
        """
        return GenerationMode.WHOLE if self.mode == "auto" else GenerationMode(self.mode)

    @property
    def default_steps(self) -> int:
        """Default number of denoising steps of a song: that of the released pipeline, or fewer if `fast` is set."""
        return 27 if self.fast else 60

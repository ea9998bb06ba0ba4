"""Settings of the engine ACE-Step 1.5, which an operator chooses and which apply when the engine is loaded.

The module does not import torch, because the server process, which never loads the engine, also reads the settings.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from model.shared.generation_mode import GenerationMode

RELEASED = "ACE-Step/Ace-Step1.5"
"""The repository of the Hugging Face hub that has the released turbo model, autoencoder and text encoder."""


class AceStep15Settings(BaseModel):
    """Settings that an operator chooses for the engine ACE-Step 1.5."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str = Field(
        default=RELEASED,
        min_length=1,
        description="folder of the checkpoint, in the original or diffusers' layout, or a Hugging Face hub repository, "
        "which is downloaded",
    )
    model: str = Field(
        default="acestep-v15-turbo",
        description="folder of the model within a checkpoint in the original layout; empty: the checkpoint itself",
    )
    parts: str = Field(
        default="",
        description="folder or repository with autoencoder and text encoder, for a checkpoint in the original layout "
        "that lacks them; empty: the checkpoint itself",
    )
    revision: str = Field(default="", description="commit of the checkpoint's repository; empty: the newest")
    cache: str = Field(default="", description="folder for downloads; empty: the default of huggingface-hub")
    offline: bool = Field(default=False, description="use only files that were downloaded before")
    loras: str = Field(
        default="",
        description="folder that contains one folder for each LoRA adapter, named as in requests; empty: no adapters",
    )
    mode: Literal["auto", "whole", "sectioned"] = Field(
        default="auto",
        description="default mode of songs: whole (denoised at once), sectioned (section by section) or auto (whole)",
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="data type of computations; auto: bfloat16 on CUDA, float32 elsewhere"
    )
    compile: bool = Field(
        default=False, description="let torch compile the network when the engine is loaded, which takes minutes"
    )
    cuda_graphs: bool = Field(
        default=False,
        description="replay kernel launches of short forward passes as CUDA graphs, in addition to compiled blocks",
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
        "a song's bytes depend only on its own request; auto: on for float32 on a CPU, and off elsewhere",
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

"""Settings of the engine, chosen when it is loaded.

The module does not import torch, because the server process, which never loads the engine, also reads the settings.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from model.shared.licences import AcceptedLicence, Licence, spdx

_RELEASED = "facebook/musicgen-"
"""The beginning of the names of the released repositories on the Hugging Face hub."""

_LICENCE = "CC-BY-NC-4.0"


class MusicGenSettings(AcceptedLicence):
    """Settings that an operator chooses for the engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str = Field(
        default="facebook/musicgen-small",
        min_length=1,
        description="folder of the checkpoint, or a Hugging Face hub repository, which is downloaded: musicgen-small, "
        "-medium, -large, -melody, -melody-large, or their stereo forms (musicgen-stereo-small)",
    )
    revision: str = Field(default="", description="commit of the checkpoint's repository; empty: the newest")
    cache: str = Field(default="", description="folder for downloads; empty: the default of huggingface-hub")
    offline: bool = Field(default=False, description="download nothing, and use only files in the download folder")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="floating-point type of the language model; auto: bfloat16 on CUDA, float32 elsewhere. The codec "
        "computes in float32",
    )
    section_seconds: float = Field(
        default=10.0,
        ge=1.0,
        le=20.0,
        allow_inf_nan=False,
        description="longest section in seconds; the sound of a section is streamed when the whole section is made. "
        "After the first 30 s of a song a section is generated from the sound before it that fits into 30 s together "
        "with the section",
    )
    step_frames: int = Field(
        default=10,
        ge=1,
        le=100,
        description="frames of sound (50 per second) that one step generates; waiting songs join the batch between "
        "steps",
    )
    songs: int = Field(
        default=8,
        ge=1,
        le=64,
        description="maximum number of songs that share a forward pass; memory is reserved for all of them when the "
        "engine is loaded",
    )
    shared_steps: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="on: songs share forward passes; off: each song has its own passes; auto: on if the device "
        "computes the same values in all rows of a batch, so that a song's bytes depend only on its own request",
    )


def licence_of(settings: MusicGenSettings) -> Licence:
    """Return the licence of the weights; THIRD_PARTY.md explains names that SPDX does not list.

    Weights in a folder have the licence of the release if the operator names it.
    """
    if settings.checkpoint.startswith(_RELEASED) or settings.accept_licence.strip() == _LICENCE:
        return spdx(_LICENCE, "commercial use")
    return Licence("LicenseRef-other-checkpoint")

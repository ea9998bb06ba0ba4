"""Settings of the engine MusicGen, which an operator chooses and which apply when the engine is loaded.

The module does not import torch, because the server process, which never loads the engine, also reads the settings.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from model.shared.licences import AcceptedLicence, Licence, spdx

_RELEASED = "facebook/musicgen-"
"""The beginning of the names of the released repositories on the Hugging Face hub."""

_LICENCE = "CC-BY-NC-4.0"


class MusicGenSettings(AcceptedLicence):
    """Settings that an operator chooses for the engine MusicGen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str = Field(
        default="facebook/musicgen-small",
        min_length=1,
        description="folder of the checkpoint, or a Hugging Face hub repository, which is downloaded: musicgen-small, "
        "-medium, -large, -melody, -melody-large, or their stereo forms (musicgen-stereo-small)",
    )
    revision: str = Field(default="", description="commit of the checkpoint's repository; empty: the newest")
    cache: str = Field(default="", description="folder for downloads; empty: that of huggingface-hub")
    offline: bool = Field(default=False, description="use only files that were downloaded before")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="type of numbers of the language model; auto: bfloat16 on CUDA, float32 elsewhere. The codec "
        "computes in float32",
    )
    section_seconds: float = Field(
        default=10.0,
        ge=1.0,
        le=20.0,
        allow_inf_nan=False,
        description="length of a section, at most; the sound of a section is heard when all of it is made. Beyond half "
        "a minute each section is made from what precedes it, as far as it fits into half a minute with it",
    )
    step_frames: int = Field(
        default=10, ge=1, le=100, description="frames of sound (50 are a second) of one step; songs join between steps"
    )
    songs: int = Field(
        default=8, ge=1, le=64, description="songs that share a pass; each takes memory also while there are fewer"
    )
    shared_steps: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="on: songs share passes; off: each has passes of its own; auto: on where the device is found to "
        "compute a row alike in all places of a pass, so that a song's bytes depend on itself alone",
    )


def licence_of(settings: MusicGenSettings) -> Licence:
    """Return the licence of the weights; THIRD_PARTY.md explains licence names that SPDX does not list.

    Weights in a folder have the licence of the released weights if the operator's settings name that licence.
    """
    if settings.checkpoint.startswith(_RELEASED) or settings.accept_licence.strip() == _LICENCE:
        return spdx(_LICENCE, "commercial use")
    return Licence("LicenseRef-other-checkpoint")

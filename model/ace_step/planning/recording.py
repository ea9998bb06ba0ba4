"""Reads the recording in a request, at the model's sample rate of 44,100 Hz, and computes its length in latent
frames.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.ace_step.frames import SAMPLE_RATE, SAMPLES_PER_FRAME
from model.ace_step.planning.form import MAX_SECONDS
from model.shared.recordings import RecordingReader

_READER = RecordingReader(SAMPLE_RATE, MAX_SECONDS)


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Length of a recording, according to its file header, in seconds and in latent frames."""

    seconds: float
    frames: int
    """Number of latent frames that the recording fills."""


def inspect(audio: bytes, field: str) -> SourceInfo:
    """Check the recording in the request field `field`, and return its length; raises InvalidParams if the recording
    cannot be used (see `RecordingReader.inspect`).
    """
    seconds, samples = _READER.inspect(audio, field)
    return SourceInfo(seconds, math.ceil(samples / SAMPLES_PER_FRAME))


def read(audio: bytes, field: str) -> NDArray[np.float32]:
    """Return the sound of a recording, float32 [2, samples] at 44,100 Hz; raises InvalidParams if the recording is
    damaged or cannot be used (see `RecordingReader.read`).
    """
    return _READER.read(audio, field)

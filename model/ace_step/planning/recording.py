"""A recording that a caller sent along."""

import io
import math
from dataclasses import dataclass

import numpy as np
import soundfile

from model.ace_step.frames import SAMPLE_RATE, SAMPLES_PER_FRAME
from model.ace_step.planning.form import MAX_SECONDS
from model.song import InvalidParams, Violation

MIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Facts from the header of a recording."""

    seconds: float
    frames: int
    """Latent frames that it fills."""


def inspect(audio: bytes, field: str) -> SourceInfo:
    """Read the header of a recording that the caller sent in the request field `field`.

    Raises:
        InvalidParams: it is no recording, or too short, too long, or of more than two channels.
    """
    try:
        info = soundfile.info(io.BytesIO(audio))
    except soundfile.LibsndfileError as error:
        raise _refused(field, f"cannot be read as MP3, WAV, FLAC or Ogg ({error.error_string})") from error
    seconds = info.frames / info.samplerate
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise _refused(field, f"lasts {seconds:.1f} s; must last {MIN_SECONDS:g} to {MAX_SECONDS:g} s")
    if info.channels > 2:
        raise _refused(field, f"has {info.channels} channels; must have 1 or 2")
    samples = math.ceil(info.frames * SAMPLE_RATE / info.samplerate)
    return SourceInfo(seconds, math.ceil(samples / SAMPLES_PER_FRAME))


def read(audio: bytes, field: str) -> tuple[np.ndarray, int]:
    """The sound of a recording, stereo, float32 [2, samples], and its sample rate; a mono one is on both channels.

    Raises:
        InvalidParams: the recording is damaged.
    """
    try:
        sound, rate = soundfile.read(io.BytesIO(audio), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise _refused(field, f"is damaged ({error.error_string})") from error
    return np.ascontiguousarray(np.broadcast_to(sound.T, (2, len(sound)))), rate


def _refused(field: str, description: str) -> InvalidParams:
    return InvalidParams(Violation(field, description))

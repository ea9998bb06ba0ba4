"""The measured cost of an engine's songs, which replicas share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """Mean costs of the songs of one engine.

    Paces are device seconds per second of sound, those of steps also per step: with steps shared as they were, and
    alone. `first_sound_seconds` is the sound whose cost is paid before the first of it is made; from there to the first
    chunk it takes `lag_seconds`. A usual song has `sound_seconds` of sound, and `steps` per section.

    The log ratios are natural logarithms of actual divided by forecast time, to first audio and to the end.
    """

    shared_step_pace: float
    lone_step_pace: float
    other_pace: float
    first_sound_seconds: float
    lag_seconds: float
    sound_seconds: float
    steps: float
    first_audio_log_ratio: float = 0.0
    finish_log_ratio: float = 0.0

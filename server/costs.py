"""The measured costs of an engine's songs, which the servers of a service share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """Mean costs of the songs of one engine.

    Attributes: shared_step_pace: device seconds of one denoising step per second of sound, in batches as they were.
    lone_step_pace: the same of a song alone. other_pace: device seconds of all other work per second of sound.
    first_sound_seconds: seconds of sound that are denoised before the first window can be rendered. lag_seconds: time
    from there to the first chunk. sound_seconds: mean length of a song. steps: mean denoising steps of a section.

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

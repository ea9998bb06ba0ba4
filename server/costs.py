"""Data type of the measured costs (device time) of an engine's songs, which the servers of a service share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """Mean costs of the songs of one engine, from which the device time of a new song is estimated.

    `shared_step_pace` is the device time in seconds of one denoising step per second of sound, with each step's time
    divided among the songs of its batch; `lone_step_pace` is the undivided time. `other_pace` is the device time of all
    other work per second of sound. `first_sound_seconds` is the length of sound that is denoised before the first
    window (the stretch of sound rendered at once) can be rendered, `lag_seconds` the delay from then to the first
    chunk. `sound_seconds` is the mean length of a song, `steps` the mean number of denoising steps per section.

    The log ratios are means of the natural logarithm of actual divided by forecast time, to first audio and to the end.
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

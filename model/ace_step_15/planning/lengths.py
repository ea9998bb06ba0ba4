"""Computes the lengths of songs, and converts the task of a request to the model's task. The module does not import
torch.
"""

import math
from dataclasses import dataclass
from typing import assert_never

from model.ace_step_15 import tasks
from model.ace_step_15.networks.config import CodecConfig
from model.shared.recordings import RecordingReader
from model.shared.tasks import task_field
from model.song import InvalidParams, SongParams, Violation
from model.tasks import AudioToAudio, Complete, Edit, Extend, ExtractTrack, Lego, Repaint, Retake, Task

MIN_SECONDS, MAX_SECONDS = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class Length:
    """Length of a song in latent frames, and the model's task. `left` is the number of latent frames to be generated
    before a recording that the song extends.
    """

    frames: int
    left: int = 0
    task: tasks.ModelTask = tasks.TextToMusic()  # noqa: RUF009  # it has no state


class Lengths:
    """Computes the length of a song from its request; a recording in the request is opened to read its length."""

    def __init__(self, codec: CodecConfig) -> None:
        self._codec = codec
        self.recordings = RecordingReader(codec.sample_rate, MAX_SECONDS)

    def of(self, params: SongParams, wished_seconds: float) -> Length:
        """Return the length of a song. If the request has neither a duration nor a recording, the song lasts
        `wished_seconds`, limited to the engine's range.

        Raises:
            InvalidParams: the recording cannot be read, or a time lies outside of it.
        """
        task = params.task
        if task is None or isinstance(task, Retake):
            seconds = params.duration_seconds or min(MAX_SECONDS, max(MIN_SECONDS, wished_seconds))
            return Length(math.ceil(seconds * self._rate))
        if params.duration_seconds is not None:
            raise refused("duration_seconds", "must be unset for this task, whose recording determines the length")
        return self._of_recording(task)

    @property
    def _rate(self) -> float:
        return self._codec.frames_per_second

    def _of_recording(self, task: Task) -> Length:
        assert not isinstance(task, Retake)
        seconds, samples = self.recordings.inspect(task.audio, f"{task_field(task)}.audio")
        frames = math.ceil(samples / self._codec.hop)
        match task:
            case AudioToAudio():
                return Length(frames, task=tasks.Cover(task.strength))
            case Repaint():
                return Length(frames, task=tasks.RepaintWindow(*self._window(task, seconds, frames)))
            case Extend():
                return self._extended(task, frames)
            case ExtractTrack():
                return Length(frames, task=tasks.ExtractTrack(task.track))
            case Lego():
                return Length(frames, task=tasks.Lego(task.track, *self._window(task, seconds, frames)))
            case Complete():
                return Length(frames, task=tasks.Complete(task.tracks))
            case Edit():
                raise AssertionError(
                    "the request has a task that the engine does not support. This is a bug: please report it"
                )
        assert_never(task)

    def _window(self, task: Repaint | Lego, seconds: float, frames: int) -> tuple[int, int]:
        """Return the first latent frame of the part of a recording that a task changes, and the frame after the last
        one.

        `seconds` and `frames` are the length of the recording in seconds and in latent frames. If the task has an end
        of 0 seconds, the part lasts to the end of the recording.
        """
        start = int(task.start_seconds * self._rate)
        end = int(task.end_seconds * self._rate) if task.end_seconds else frames
        if not 0 <= start < end <= frames:
            edge = "end_seconds" if task.end_seconds else "start_seconds"
            raise refused(
                f"{task_field(task)}.{edge}", f"must lie after the start and within the recording of {seconds:g} s"
            )
        return start, end

    def _extended(self, task: Extend, frames: int) -> Length:
        left, right = int(task.left_seconds * self._rate), int(task.right_seconds * self._rate)
        whole = left + frames + right
        if whole > math.ceil(MAX_SECONDS * self._rate):
            raise refused(
                f"{task_field(task)}.right_seconds",
                f"makes the song longer than {MAX_SECONDS:g} s ({whole / self._rate:.0f} s): use a smaller value",
            )
        return Length(whole, left, tasks.RepaintWindow(0, whole))


def refused(field: str, description: str) -> InvalidParams:
    """Return the error for a request in which `field` is invalid; `description` is the reason."""
    return InvalidParams(Violation(field, description))

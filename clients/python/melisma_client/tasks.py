"""Tasks that make a song from a recording or an earlier song, instead of a new one."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from melisma.v1 import music_pb2


@dataclass(frozen=True, slots=True)
class AudioToAudioTask:
    """Task: make a new song that resembles a recording; `strength`, 0 to 1, is the influence of the recording."""

    audio: bytes = field(repr=False)
    strength: float | None = None

    def to_proto(self) -> music_pb2.AudioToAudioTask:
        """Return the task as a protobuf message."""
        return music_pb2.AudioToAudioTask(audio=self.audio, strength=self.strength)


@dataclass(frozen=True, slots=True)
class RetakeTask:
    """Task: make a variation of the song with the request's seed; `variance`, above 0 to 1, is the amount of
    difference.
    """

    variance: float | None = None
    seed: int | None = None

    def to_proto(self) -> music_pb2.RetakeTask:
        """Return the task as a protobuf message."""
        return music_pb2.RetakeTask(variance=self.variance, seed=self.seed)


@dataclass(frozen=True, slots=True)
class RepaintTask:
    """Task: make the part of a recording between two times, in seconds, again."""

    audio: bytes = field(repr=False)
    start_seconds: float
    end_seconds: float
    variance: float | None = None
    seed: int | None = None

    def to_proto(self) -> music_pb2.RepaintTask:
        """Return the task as a protobuf message."""
        return music_pb2.RepaintTask(
            audio=self.audio,
            start_seconds=self.start_seconds,
            end_seconds=self.end_seconds,
            variance=self.variance,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class ExtendTask:
    """Task: extend a recording by the given seconds at its beginning and its end."""

    audio: bytes = field(repr=False)
    left_seconds: float = 0.0
    right_seconds: float = 0.0
    seed: int | None = None

    def to_proto(self) -> music_pb2.ExtendTask:
        """Return the task as a protobuf message."""
        return music_pb2.ExtendTask(
            audio=self.audio, left_seconds=self.left_seconds, right_seconds=self.right_seconds, seed=self.seed
        )


@dataclass(frozen=True, slots=True)
class EditTask:
    """Task: give a recording the lyrics or style of this task; `prompt` and `lyrics` of the request describe the
    recording before.
    """

    audio: bytes = field(repr=False)
    prompt: str = ""
    lyrics: str = ""
    start: float = 0.0
    end: float | None = None
    averages: int = 0
    seed: int | None = None

    def to_proto(self) -> music_pb2.EditTask:
        """Return the task as a protobuf message."""
        return music_pb2.EditTask(
            audio=self.audio,
            prompt=self.prompt,
            lyrics=self.lyrics,
            start=self.start,
            end=self.end,
            averages=self.averages,
            seed=self.seed,
        )


Task: TypeAlias = AudioToAudioTask | RetakeTask | RepaintTask | ExtendTask | EditTask

_FIELDS: dict[type[Any], str] = {
    AudioToAudioTask: "audio_to_audio",
    RetakeTask: "retake",
    RepaintTask: "repaint",
    ExtendTask: "extend",
    EditTask: "edit",
}


def task_field(task: Task | None) -> dict[str, Any]:
    """Return the name of the request field for the task; empty without a task."""
    return {_FIELDS[type(task)]: task.to_proto()} if task is not None else {}

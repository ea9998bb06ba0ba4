"""Tasks: make a song from a recording or from an earlier song, instead of a new one."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from melisma.v1 import music_pb2


@dataclass(frozen=True, slots=True)
class AudioToAudioTask:
    """A new song in the manner of a recording; `strength`, 0 to 1, is the share that stays."""

    audio: bytes = field(repr=False)
    strength: float | None = None

    def to_proto(self) -> music_pb2.AudioToAudioTask:
        """The contract's message."""
        return music_pb2.AudioToAudioTask(audio=self.audio, strength=self.strength)


@dataclass(frozen=True, slots=True)
class RetakeTask:
    """A variation of the song with the request's seed; `variance`, above 0 to 1, is how different."""

    variance: float | None = None
    seed: int | None = None

    def to_proto(self) -> music_pb2.RetakeTask:
        """The contract's message."""
        return music_pb2.RetakeTask(variance=self.variance, seed=self.seed)


@dataclass(frozen=True, slots=True)
class RepaintTask:
    """A recording with the part between two times, in seconds, made again."""

    audio: bytes = field(repr=False)
    start_seconds: float
    end_seconds: float
    variance: float | None = None
    seed: int | None = None

    def to_proto(self) -> music_pb2.RepaintTask:
        """The contract's message."""
        return music_pb2.RepaintTask(
            audio=self.audio,
            start_seconds=self.start_seconds,
            end_seconds=self.end_seconds,
            variance=self.variance,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class ExtendTask:
    """A recording extended by so many seconds at its beginning and its end."""

    audio: bytes = field(repr=False)
    left_seconds: float = 0.0
    right_seconds: float = 0.0
    seed: int | None = None

    def to_proto(self) -> music_pb2.ExtendTask:
        """The contract's message."""
        return music_pb2.ExtendTask(
            audio=self.audio, left_seconds=self.left_seconds, right_seconds=self.right_seconds, seed=self.seed
        )


@dataclass(frozen=True, slots=True)
class EditTask:
    """A recording with the words or the style given here; the request's own describe the recording."""

    audio: bytes = field(repr=False)
    prompt: str = ""
    lyrics: str = ""
    start: float = 0.0
    end: float | None = None
    averages: int = 0
    seed: int | None = None

    def to_proto(self) -> music_pb2.EditTask:
        """The contract's message."""
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
    """The task as a field of the contract's request; empty without one."""
    return {_FIELDS[type(task)]: task.to_proto()} if task is not None else {}

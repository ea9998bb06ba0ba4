"""Tasks: ways to make a song from a recording or an earlier song."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from melisma.v1 import music_pb2
from melisma_client.enums import TrackKind, constant_name


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
    """Task: make a variation of the song that the request and its `seed` give; `variance`, above 0 to 1, is the amount
    of difference.
    """

    variance: float | None = None
    seed: int | None = None

    def to_proto(self) -> music_pb2.RetakeTask:
        """Return the task as a protobuf message."""
        return music_pb2.RetakeTask(variance=self.variance, seed=self.seed)


@dataclass(frozen=True, slots=True)
class RepaintTask:
    """Task: generate a part of a recording anew, between `start_seconds` and `end_seconds`. `variance`, above 0 to 1,
    is the amount of difference, and `seed` the random seed of the new part.
    """

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
    """Task: extend a recording by new music: `left_seconds` before its beginning, `right_seconds` after its end."""

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
    """Task: change the lyrics or the style of a recording to those of this task; `prompt` and `lyrics` of the request
    describe the recording. The change begins after the share `start` of the denoising steps, and the recording has no
    influence after the share `end`. Each step is averaged over `averages` noise samples, drawn with `seed`.
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


@dataclass(frozen=True, slots=True)
class ExtractTrackTask:
    """Task: extract one track, such as the vocals, from a recording."""

    audio: bytes = field(repr=False)
    track: TrackKind

    def to_proto(self) -> music_pb2.ExtractTrackTask:
        """Return the task as a protobuf message."""
        return music_pb2.ExtractTrackTask(audio=self.audio, track=_number(self.track))


@dataclass(frozen=True, slots=True)
class LegoTask:
    """Task: add one track to a recording, between two times in seconds; `end_seconds` 0 is the end of the recording."""

    audio: bytes = field(repr=False)
    track: TrackKind
    start_seconds: float = 0.0
    end_seconds: float = 0.0

    def to_proto(self) -> music_pb2.LegoTask:
        """Return the task as a protobuf message."""
        return music_pb2.LegoTask(
            audio=self.audio,
            track=_number(self.track),
            start_seconds=self.start_seconds,
            end_seconds=self.end_seconds,
        )


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """Task: add accompanying tracks to a recording; without `tracks` the model chooses them."""

    audio: bytes = field(repr=False)
    tracks: Sequence[TrackKind] = ()

    def to_proto(self) -> music_pb2.CompleteTask:
        """Return the task as a protobuf message."""
        return music_pb2.CompleteTask(audio=self.audio, tracks=[_number(track) for track in self.tracks])


Task: TypeAlias = (
    AudioToAudioTask | RetakeTask | RepaintTask | ExtendTask | EditTask | ExtractTrackTask | LegoTask | CompleteTask
)

_FIELDS: dict[type[Any], str] = {
    AudioToAudioTask: "audio_to_audio",
    RetakeTask: "retake",
    RepaintTask: "repaint",
    ExtendTask: "extend",
    EditTask: "edit",
    ExtractTrackTask: "extract_track",
    LegoTask: "lego",
    CompleteTask: "complete",
}


def task_field(task: Task | None) -> dict[str, Any]:
    """Return the task as a keyword argument for the protobuf message GenerateRequest; empty without a task."""
    return {_FIELDS[type(task)]: task.to_proto()} if task is not None else {}


def _number(track: TrackKind) -> music_pb2.TrackKind.ValueType:
    return music_pb2.TrackKind.Value(constant_name("TRACK_KIND", track))

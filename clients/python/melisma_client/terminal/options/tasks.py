"""Command-line options of tasks, which make a song from a recording or an earlier song."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from melisma_client.enums import TrackKind
from melisma_client.tasks import (
    AudioToAudioTask,
    CompleteTask,
    EditTask,
    ExtendTask,
    ExtractTrackTask,
    LegoTask,
    RepaintTask,
    RetakeTask,
    Task,
)


class TaskName(StrEnum):
    """Kind of a task, the value of the option `--task`."""

    AUDIO_TO_AUDIO = "audio-to-audio"
    RETAKE = "retake"
    REPAINT = "repaint"
    EXTEND = "extend"
    EDIT = "edit"
    EXTRACT_TRACK = "extract-track"
    LEGO = "lego"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOptions:
    """Command-line options of tasks, such as `--task` and `--recording`."""

    task: Annotated[
        TaskName | None,
        typer.Option("--task", help="Task that starts from --recording, or from the song of --seed (retake)."),
    ] = None
    recording: Annotated[
        Path | None,
        typer.Option(
            "--recording",
            help="Recording that the task starts from: MP3, WAV, FLAC or Ogg.",
            exists=True,
            dir_okay=False,
        ),
    ] = None
    strength: Annotated[
        float | None, typer.Option("--strength", help="audio-to-audio: influence of the recording, 0 to 1.")
    ] = None
    variance: Annotated[
        float | None, typer.Option("--variance", help="retake, repaint: amount of difference, above 0, at most 1.")
    ] = None
    start_seconds: Annotated[
        float | None, typer.Option("--from", help="repaint, lego: start of the new part in seconds.")
    ] = None
    end_seconds: Annotated[
        float | None, typer.Option("--to", help="repaint, lego: end of the new part in seconds.")
    ] = None
    left_seconds: Annotated[
        float | None, typer.Option("--before", help="extend: seconds of new music before the recording.")
    ] = None
    right_seconds: Annotated[
        float | None, typer.Option("--after", help="extend: seconds of new music after the recording.")
    ] = None
    new_prompt: Annotated[str, typer.Option("--new-prompt", help="edit: style of the new song, as keywords.")] = ""
    new_lyrics: Annotated[str, typer.Option("--new-lyrics", help="edit: lyrics of the new song.")] = ""
    edit_start: Annotated[
        float | None, typer.Option("--keep", help="edit: share of the denoising steps before the change, 0 to 1.")
    ] = None

    tracks: Annotated[
        list[TrackKind] | None,
        typer.Option(
            "--track", help="extract-track: track to extract; lego, complete: track to add (complete: repeatable)."
        ),
    ] = None

    def to_task(self, seed: int | None) -> Task | None:
        """Return the task for the request; `None` if no task was chosen. Raises `BadParameter` for options that do not
        belong to the task.
        """
        foreign = [name for name, tasks in _OPTIONS.items() if self._is_set(name) and self.task not in tasks]
        if foreign:
            option, tasks = _FLAGS[foreign[0]], " or ".join(f"--task {task}" for task in _OPTIONS[foreign[0]])
            raise typer.BadParameter(f"{option} has an effect only with {tasks}: add it, or leave {option} out")
        if self.task is None:
            return None
        if self.task is TaskName.RETAKE and seed is None:
            raise typer.BadParameter("--task retake needs the seed of the song to vary: give it with --seed")
        if self.task is not TaskName.RETAKE and self.recording is None:
            raise typer.BadParameter(f"--task {self.task} needs a recording: give it with --recording")
        if self.task in (TaskName.EXTRACT_TRACK, TaskName.LEGO) and len(self.tracks or ()) != 1:
            raise typer.BadParameter(f"--task {self.task} needs one track: give it with --track")
        return self._tasks(self.recording.read_bytes() if self.recording else b"")[self.task]

    def _is_set(self, name: str) -> bool:
        return getattr(self, name) not in (None, "", [])

    def _tasks(self, audio: bytes) -> Mapping[TaskName, Task]:
        start, end = self.start_seconds or 0.0, self.end_seconds or 0.0
        tracks = tuple(self.tracks or ())
        left, right = self.left_seconds or 0.0, self.right_seconds or 0.0
        return {
            TaskName.AUDIO_TO_AUDIO: AudioToAudioTask(audio, self.strength),
            TaskName.RETAKE: RetakeTask(self.variance),
            TaskName.REPAINT: RepaintTask(audio, start, end, self.variance),
            TaskName.EXTEND: ExtendTask(audio, left, right),
            TaskName.EDIT: EditTask(audio, self.new_prompt, self.new_lyrics, self.edit_start or 0.0),
            TaskName.COMPLETE: CompleteTask(audio, tracks),
            **({} if not tracks else self._of_one_track(audio, tracks[0], start, end)),
        }

    def _of_one_track(self, audio: bytes, track: TrackKind, start: float, end: float) -> Mapping[TaskName, Task]:
        return {
            TaskName.EXTRACT_TRACK: ExtractTrackTask(audio, track),
            TaskName.LEGO: LegoTask(audio, track, start, end),
        }


_FLAGS: Mapping[str, str] = {
    "recording": "--recording",
    "strength": "--strength",
    "variance": "--variance",
    "start_seconds": "--from",
    "end_seconds": "--to",
    "left_seconds": "--before",
    "right_seconds": "--after",
    "new_prompt": "--new-prompt",
    "new_lyrics": "--new-lyrics",
    "edit_start": "--keep",
    "tracks": "--track",
}
_OPTIONS: Mapping[str, Collection[TaskName]] = {
    "recording": tuple(task for task in TaskName if task is not TaskName.RETAKE),
    "strength": (TaskName.AUDIO_TO_AUDIO,),
    "variance": (TaskName.RETAKE, TaskName.REPAINT),
    "start_seconds": (TaskName.REPAINT, TaskName.LEGO),
    "end_seconds": (TaskName.REPAINT, TaskName.LEGO),
    "left_seconds": (TaskName.EXTEND,),
    "right_seconds": (TaskName.EXTEND,),
    "new_prompt": (TaskName.EDIT,),
    "new_lyrics": (TaskName.EDIT,),
    "edit_start": (TaskName.EDIT,),
    "tracks": (TaskName.EXTRACT_TRACK, TaskName.LEGO, TaskName.COMPLETE),
}

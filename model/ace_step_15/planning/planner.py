"""Plans a song: checks the request, and chooses what it left open. The module is free of torch."""

import math
from collections.abc import Iterator
from typing import assert_never

from tokenizers import Tokenizer

from model.ace_step_15.languages import UNKNOWN, detect, language_of
from model.ace_step_15.loading.folders import Facts
from model.ace_step_15.networks.config import Variant
from model.ace_step_15.planning.lyrics import normalised, seconds_of
from model.ace_step_15.planning.prompt import LYRIC_TOKENS, TEXT_TOKENS, Metadata, lyrics_of, text_of
from model.ace_step_15.planning.spec import GenerationSpec
from model.ace_step_15.tasks import Cover, ModelTask, RepaintWindow, TextToMusic
from model.shared.controls import check_controls
from model.shared.recordings import RecordingReader
from model.shared.tasks import skipped_steps, task_field
from model.song import (
    AudioToAudio,
    Control,
    Edit,
    Extend,
    InvalidParams,
    LyricLine,
    Repaint,
    Retake,
    SectionKind,
    SectionPlan,
    SongParams,
    SongPlan,
    Violation,
)

NAME = "ace_step_15"
MIN_SECONDS, MAX_SECONDS = 10.0, 240.0

_UNABLE = frozenset({Control.ANCHOR, Control.STEMS, Control.VOCAL_LEVEL, Control.EDIT})
"""Controls that no variant has."""

_DISTILLED = frozenset({Control.GUIDANCE_SCALE})
"""Controls that a turbo model, which needs no guidance, lacks."""

_STEPS = {Variant.TURBO: 8, Variant.SFT: 50, Variant.BASE: 50}
_SHIFT = {Variant.TURBO: 3.0, Variant.SFT: 1.0, Variant.BASE: 1.0}
_GUIDANCE = {Variant.TURBO: 1.0, Variant.SFT: 7.0, Variant.BASE: 7.0}


class Planner:
    """Makes plans. Pure, except that it reads the header of a recording."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.recordings = RecordingReader(facts.codec.sample_rate, MAX_SECONDS)

    @property
    def controls(self) -> frozenset[Control]:
        """The controls that a request may use."""
        lacking = _UNABLE | (_DISTILLED if self._facts.variant is Variant.TURBO else frozenset())
        return frozenset(Control) - lacking - (frozenset() if self._facts.covers else {Control.AUDIO_TO_AUDIO})

    @property
    def default_steps(self) -> int:
        """Denoising steps of a song, unless asked for others."""
        return _STEPS[self._facts.variant]

    @property
    def default_guidance(self) -> float:
        """Guidance of a song, unless asked for another; 1 is none."""
        return _GUIDANCE[self._facts.variant]

    def plan(self, params: SongParams) -> SongPlan:
        """See `model.engine.Engine.plan`."""
        check_controls(params, NAME, self.controls)
        if params.options is not None:
            raise TypeError(f"engine {NAME!r} has no options of its own")
        text, sung, notes = normalised(params.lyrics)
        language = self._language(params, text, sung=bool(sung))
        frames, left, task = self._frames(params, text, len(sung))
        spec = self._spec(params, lyrics_of(language, text), frames, left, task)
        seconds = frames / self._facts.codec.frames_per_second
        lines = tuple(LyricLine(line, ()) for line in sung)
        return SongPlan(
            engine=NAME,
            seed=params.seed,
            steps=spec.steps - spec.skipped,
            guidance_scale=spec.guidance,
            duration_seconds=seconds,
            sections=(SectionPlan(0, SectionKind.SONG, "song", 0.0, seconds, lines=lines),),
            key=params.key,
            tempo_bpm=params.tempo_bpm,
            notes=(*notes, *_remarks(params, language)),
            voice=params.voice,
            engine_samples=frames * self._facts.codec.hop,
            detail=spec,
        )

    def _spec(self, params: SongParams, lyrics: str, frames: int, left: int, task: ModelTask) -> GenerationSpec:
        steps = self.default_steps if params.steps is None else params.steps
        metadata = Metadata(
            frames / self._facts.codec.frames_per_second,
            None if params.tempo_bpm is None else round(params.tempo_bpm),
            params.key or "",
        )
        text = text_of(task.instruction, _caption(params), metadata)
        self._check_length(text, TEXT_TOKENS, "prompt")
        self._check_length(lyrics, LYRIC_TOKENS, "lyrics")
        return GenerationSpec(
            text=text,
            plain_text=text_of(TextToMusic().instruction, _caption(params), metadata),
            lyrics=lyrics,
            frames=frames,
            seed=params.seed,
            steps=steps,
            shift=_SHIFT[self._facts.variant],
            guidance=self.default_guidance if params.guidance_scale is None else params.guidance_scale,
            model_task=task,
            task=params.task,
            left=left,
            skipped=skipped_steps(steps, params.task.variance) if isinstance(params.task, Repaint) else 0,
        )

    def _frames(self, params: SongParams, text: str, sung: int) -> tuple[int, int, ModelTask]:
        """Latent frames of the song, those before the recording that it extends, and the task of the model."""
        task = params.task
        if task is None or isinstance(task, Retake):
            wished = params.duration_seconds or min(MAX_SECONDS, max(MIN_SECONDS, seconds_of(text, sung)))
            return math.ceil(wished * self._facts.codec.frames_per_second), 0, TextToMusic()
        if params.duration_seconds is not None:
            raise _refused("duration_seconds", "must be unset for this task, whose length is that of the recording")
        return self._of_recording(task)

    def _of_recording(self, task: AudioToAudio | Repaint | Extend | Edit) -> tuple[int, int, ModelTask]:
        field, rate = task_field(task), self._facts.codec.frames_per_second
        seconds, samples = self.recordings.inspect(task.audio, f"{field}.audio")
        frames = math.ceil(samples / self._facts.codec.hop)
        match task:
            case AudioToAudio():
                return frames, 0, Cover(task.strength)
            case Repaint():
                start, end = int(task.start_seconds * rate), int(task.end_seconds * rate)
                if not 0 <= start < end <= frames:
                    raise _refused(
                        f"{field}.end_seconds", f"must lie after the start and within the recording of {seconds:g} s"
                    )
                return frames, 0, RepaintWindow(start, end)
            case Extend():
                left, right = int(task.left_seconds * rate), int(task.right_seconds * rate)
                whole = left + frames + right
                if whole > math.ceil(MAX_SECONDS * rate):
                    raise _refused(
                        f"{field}.right_seconds",
                        f"makes the song longer than {MAX_SECONDS:g} s ({whole / rate:.0f} s)",
                    )
                return whole, left, RepaintWindow(0, whole)
            case Edit():
                raise AssertionError("a control that is not supported")
        assert_never(task)

    def _language(self, params: SongParams, text: str, *, sung: bool) -> str:
        if params.language is None:
            return detect(text) if sung else UNKNOWN
        try:
            return language_of(params.language)
        except ValueError as error:
            raise _refused("language", str(error)) from error

    def _check_length(self, text: str, most: int, field: str) -> None:
        if (tokens := len(_ids(self._facts.tokenizer, text))) > most:
            raise _refused(field, f"makes a text of {tokens} tokens; the model reads {most}, so shorten it")


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.encode(text).ids)


def _caption(params: SongParams) -> str:
    """The prompt, with the caller's voice added in words."""
    voice = None if params.voice is None else f"{params.voice} vocal"
    return ", ".join(filter(None, [params.prompt.strip().rstrip(","), voice]))


def _remarks(params: SongParams, language: str) -> Iterator[str]:
    tempo = None if params.tempo_bpm is None else f"{round(params.tempo_bpm)} BPM"
    voice = None if params.voice is None else f"{params.voice} vocal"
    if told := ", ".join(filter(None, [tempo, params.key, voice])):
        yield f"{told}: added to the text prompt; the model may not follow them exactly."
    if params.lyrics.strip() and params.language is None and language == UNKNOWN:
        yield "language: not given; the model recognises it from the lyrics, and may be wrong."


def _refused(field: str, description: str) -> InvalidParams:
    return InvalidParams(Violation(field, description))

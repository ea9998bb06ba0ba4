"""Plans a song: checks the request, chooses values that it leaves open, and divides the song into sections."""

from collections.abc import Iterable, Sequence

from model.ace_step.frames import SAMPLES_PER_FRAME, frames_of
from model.ace_step.lyrics.languages import language_of
from model.ace_step.lyrics.tags import normalised
from model.ace_step.lyrics.tokenizer import LyricTokenizer
from model.ace_step.options import AceStepOptions, Sampler
from model.ace_step.planning.form import (
    MAX_SECONDS,
    Part,
    labels,
    merged,
    parts_of,
    seconds_of,
    shares,
    song_seconds,
)
from model.ace_step.planning.recording import inspect
from model.ace_step.sampling.generation_spec import (
    RELEASED_OMEGA,
    GenerationSpec,
    GuidanceParams,
    Words,
    edit_range,
)
from model.ace_step.settings import AceStepSettings
from model.shared.controls import check_controls
from model.shared.generation_mode import GenerationMode
from model.shared.planning import options_of
from model.shared.tasks import task_field
from model.song import Control, InvalidParams, LyricLine, SectionKind, SectionPlan, SongParams, SongPlan, Violation
from model.tasks import Edit, Extend, Repaint, Retake

NAME = "ace_step"
MAX_LYRIC_TOKENS = 4096
"""Largest number of lyric tokens, that with which the model was trained."""

DEFAULT_GUIDANCE = 15.0

CONTROLS = frozenset(Control) - {
    Control.ANCHOR, Control.STEMS, Control.VOCAL_LEVEL, Control.EXTRACT_TRACK, Control.LEGO, Control.COMPLETE,
    Control.NEGATIVE_PROMPT, Control.TIME_SIGNATURE, Control.REFERENCE_AUDIO,
}  # fmt: skip
"""The controls that a request may use; ACE-Step v1 can neither follow a melody note by note nor generate single
tracks.
"""


class Planner:
    """Plans songs for ACE-Step v1. A plan depends only on the request; a recording in the request is opened to read its
    length.
    """

    def __init__(self, settings: AceStepSettings, tokenizer: LyricTokenizer, loras: Iterable[str]) -> None:
        self._settings = settings
        self._tokenizer = tokenizer
        self._loras = frozenset(loras)

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song; see `model.engine.Engine.plan`."""
        check_controls(params, NAME, CONTROLS)
        options = options_of(params, AceStepOptions, NAME)
        mode = options.mode or self._settings.default_mode
        self._check(params, options)
        lyrics, notes = normalised(params.lyrics)
        parts = parts_of(lyrics)
        frames, source_frames = _frames(params, parts)
        if params.task is None and mode is GenerationMode.SECTIONED:
            parts = merged(parts, seconds_of(frames))
        else:
            parts = [_whole(lyrics)]
        spec = self._spec(params, options, parts, frames, source_frames)
        sections = tuple(_sections(parts, spec.frames))
        return SongPlan(
            engine=NAME,
            seed=params.seed,
            steps=spec.steps,
            guidance_scale=spec.guidance.scale,
            duration_seconds=seconds_of(sum(spec.frames)),
            sections=sections,
            notes=(*notes, *_remarks(params)),
            voice=params.voice,
            engine_samples=sum(spec.frames) * SAMPLES_PER_FRAME,
            detail=spec,
        )

    def _check(self, params: SongParams, options: AceStepOptions) -> None:
        found = []
        if options.lora is not None and options.lora not in self._loras:
            found.append(
                Violation(
                    "ace_step.lora",
                    "must be one of the LoRA adapters of this server: "
                    f"{', '.join(sorted(self._loras)) or 'it has none, so leave the field out'}",
                )
            )
        if params.task is not None and options.mode is GenerationMode.SECTIONED:
            found.append(
                Violation(
                    "ace_step.mode",
                    f'must be "whole" for the task {task_field(params.task)}: set this value, or leave it out',
                )
            )
        if params.task is not None and not isinstance(params.task, Retake) and params.duration_seconds is not None:
            found.append(
                Violation("duration_seconds", "must be unset for this task, whose recording determines the length")
            )
        if found:
            raise InvalidParams(*found)

    def _spec(
        self, params: SongParams, options: AceStepOptions, parts: Sequence[Part], frames: int, source_frames: int
    ) -> GenerationSpec:
        task = params.task
        steps = self._settings.default_steps if params.steps is None else params.steps
        scale = DEFAULT_GUIDANCE if params.guidance_scale is None else params.guidance_scale
        if isinstance(task, Edit) and edit_range(task, steps)[0] >= steps:
            raise InvalidParams(
                Violation("edit.start", f"leaves none of the {steps} steps for the change: use a smaller value")
            )
        target = normalised(task.lyrics, "edit.lyrics")[0] if isinstance(task, Edit) else ""
        return GenerationSpec(
            prompt=_prompt(params),
            words=tuple(self._words(part.lyrics, params.language, "lyrics") for part in parts),
            frames=tuple(shares(parts, frames)),
            seed=params.seed,
            steps=steps,
            guidance=GuidanceParams(scale=scale),
            sampler=options.sampler or Sampler.EULER,
            omega=RELEASED_OMEGA if options.omega is None else options.omega,
            lora=options.lora,
            lora_weight=options.lora_weight,
            task=task,
            target_words=self._words(target, params.language, "edit.lyrics"),
            source_frames=source_frames,
        )

    def _words(self, lyrics: str, language: str | None, field: str) -> Words:
        if not lyrics.strip():
            return ()
        own = _language(language)
        try:
            ids = self._tokenizer.encode(lyrics, own)
        except ValueError as error:
            raise InvalidParams(Violation(field, str(error))) from error
        if len(ids) > MAX_LYRIC_TOKENS:
            raise InvalidParams(
                Violation(field, f"are {len(ids)} tokens long; at most {MAX_LYRIC_TOKENS} can be sung: shorten them")
            )
        return tuple(ids)


def _language(asked: str | None) -> str | None:
    if asked is None:
        return None
    try:
        return language_of(asked)
    except ValueError as error:
        raise InvalidParams(Violation("language", str(error))) from error


def _frames(params: SongParams, parts: Sequence[Part]) -> tuple[int, int]:
    """Return the number of latent frames of the song, and the number of latent frames of the recording that the song
    starts from (0 without one).
    """
    task = params.task
    if task is None or isinstance(task, Retake):
        return frames_of(params.duration_seconds or song_seconds(parts)), 0
    field = task_field(task)
    source = inspect(task.audio, f"{field}.audio")
    if (
        isinstance(task, Repaint)
        and not 0 <= frames_of(task.start_seconds) < frames_of(task.end_seconds) <= source.frames
    ):
        raise InvalidParams(
            Violation(
                f"{field}.end_seconds", f"must lie after the start and within the recording of {source.seconds:g} s"
            )
        )
    if not isinstance(task, Extend):
        return source.frames, source.frames
    frames = source.frames + frames_of(task.left_seconds) + frames_of(task.right_seconds)
    if frames > frames_of(MAX_SECONDS) + 1:
        raise InvalidParams(
            Violation(
                f"{field}.right_seconds",
                f"makes the song longer than {MAX_SECONDS:g} s ({seconds_of(frames):.0f} s): use a smaller value",
            )
        )
    return frames, source.frames


def _whole(lyrics: str) -> Part:
    """Return one section that joins all sections of the lyrics; an instrumental song gets the tag "inst", as in the
    training data.
    """
    if not lyrics.strip():
        return Part("inst")
    return Part("", lyrics.splitlines())


def _sections(parts: Sequence[Part], frames: Sequence[int]) -> Iterable[SectionPlan]:
    names, start = labels(parts), 0
    for index, (part, count) in enumerate(zip(parts, frames, strict=True)):
        whole = len(parts) == 1
        yield SectionPlan(
            index=index,
            kind=SectionKind.SONG if whole else part.kind,
            label="song" if whole else names[index],
            start_seconds=seconds_of(start),
            duration_seconds=seconds_of(count),
            lines=tuple(LyricLine(line.strip(), ()) for line in part.lines if _is_sung(line)),
        )
        start += count


def _is_sung(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("[")


def _hints(params: SongParams) -> list[str]:
    hints = [] if params.tempo_bpm is None else [f"{params.tempo_bpm:g} BPM"]
    hints += [] if params.key is None else [params.key]
    return hints + ([] if params.voice is None else [f"{params.voice} vocal"])


def _prompt(params: SongParams) -> str:
    """Return the prompt with the requested tempo, key and voice added, in the wording of the training data."""
    return ", ".join(filter(None, [params.prompt.strip().rstrip(","), *_hints(params)]))


def _remarks(params: SongParams) -> Iterable[str]:
    if hints := _hints(params):
        yield f"{', '.join(hints)}: added to the text prompt; the model may not follow them exactly."

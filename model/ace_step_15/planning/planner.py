"""Plans a song: checks the request, and chooses the values that the request leaves open. The module does not import
torch.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from model.ace_step_15.languages import UNKNOWN, detect, language_of
from model.ace_step_15.loading.folders import Facts
from model.ace_step_15.networks.config import Variant
from model.ace_step_15.options import AceStep15Options
from model.ace_step_15.planning.checks import NAME, TIME_SIGNATURES, check, controls_of
from model.ace_step_15.planning.lengths import Length, Lengths, refused
from model.ace_step_15.planning.lyrics import SECTION_SECONDS, Part, joined, parts_of, read, seconds_of
from model.ace_step_15.planning.prompt import LYRIC_TOKENS, TEXT_TOKENS, Metadata, lyrics_of, text_of
from model.ace_step_15.planning.spec import AdapterSpec, GenerationSpec, GuidanceSpec, SectionSpec, surroundings
from model.ace_step_15.settings import AceStep15Settings
from model.ace_step_15.tasks import Cover, ModelTask, RepaintWindow, TextToMusic
from model.shared import division
from model.shared.controls import check_controls
from model.shared.generation_mode import GenerationMode
from model.shared.planning import options_of
from model.shared.tasks import skipped_steps
from model.song import Control, LyricLine, SectionKind, SectionPlan, SongParams, SongPlan
from model.tasks import Repaint

_STEPS = {Variant.TURBO: 8, Variant.SFT: 50, Variant.BASE: 50}
_SHIFT = {Variant.TURBO: 3.0, Variant.SFT: 1.0, Variant.BASE: 1.0}
_GUIDANCE = {Variant.TURBO: 1.0, Variant.SFT: 7.0, Variant.BASE: 7.0}


class Planner:
    """Plans songs for ACE-Step 1.5. A plan depends only on the request; a recording in the request is opened to read
    its length.
    """

    def __init__(self, facts: Facts, settings: AceStep15Settings, loras: Collection[str] = ()) -> None:
        """Set up the planner; `loras` are the names of the adapters that a request may choose."""
        self._facts = facts
        self._settings = settings
        self._loras = frozenset(loras)
        self._lengths = Lengths(facts.codec)
        self.recordings = self._lengths.recordings

    @property
    def controls(self) -> frozenset[Control]:
        """The controls (optional request fields) that a request may use."""
        return controls_of(self._facts.variant, covers=self._facts.covers)

    @property
    def default_steps(self) -> int:
        """Number of denoising steps of a song whose request does not choose it."""
        return _STEPS[self._facts.variant]

    @property
    def default_guidance(self) -> float:
        """Guidance scale of a song whose request does not choose it; 1 for no guidance."""
        return _GUIDANCE[self._facts.variant]

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song; see `model.engine.Engine.plan`."""
        check_controls(params, NAME, self.controls)
        options = options_of(params, AceStep15Options, NAME)
        guidance = self._guidance(params, options)
        check(params, options, self._loras, guided=guidance.on)
        if params.reference_audio:
            self.recordings.inspect(params.reference_audio, "reference_audio.audio")
        song, notes = read(params.lyrics)
        language = self._language(params, song)
        length = self._lengths.of(params, seconds_of(song))
        parts = self._parts(params, options, song, length.frames)
        frames = division.shares([part.seconds for part in parts], length.frames, self._frames_of(SECTION_SECONDS))
        spec = self._spec(params, options, guidance, length, self._sections(params, parts, frames, language, length))
        return SongPlan(
            engine=NAME,
            seed=params.seed,
            steps=spec.steps - spec.skipped,
            guidance_scale=guidance.scale,
            duration_seconds=self._seconds_of(length.frames),
            sections=tuple(self._section_plans(parts, frames)),
            key=params.key,
            tempo_bpm=params.tempo_bpm,
            notes=(*notes, *_remarks(params, language)),
            voice=params.voice,
            engine_samples=length.frames * self._facts.codec.hop,
            detail=spec,
        )

    def _guidance(self, params: SongParams, options: AceStep15Options) -> GuidanceSpec:
        scale = self.default_guidance if params.guidance_scale is None else params.guidance_scale
        start = 0.0 if options.guidance_start is None else options.guidance_start
        return GuidanceSpec(scale, start, 1.0 if options.guidance_end is None else options.guidance_end)

    def _parts(self, params: SongParams, options: AceStep15Options, song: Part, frames: int) -> list[Part]:
        mode = options.mode or self._settings.default_mode
        if params.task is not None or mode is GenerationMode.WHOLE:
            return [song]
        most = max(1, int(self._seconds_of(frames) / SECTION_SECONDS))
        return division.merged(parts_of(song), most, lambda part: part.seconds, joined)

    def _sections(
        self, params: SongParams, parts: Sequence[Part], frames: Sequence[int], language: str, length: Length
    ) -> tuple[SectionSpec, ...]:
        around = surroundings(frames, self._facts.codec.context)
        tasks: list[ModelTask] = [length.task, *[RepaintWindow(0, 0)] * (len(parts) - 1)]
        words = [lyrics_of(language, part.text) for part in parts]
        return tuple(
            self._section(params, SectionSpec("", lyrics, own, before, beyond), task)
            for lyrics, own, (before, beyond), task in zip(words, frames, around, tasks, strict=True)
        )

    def _section(self, params: SongParams, section: SectionSpec, task: ModelTask) -> SectionSpec:
        """Return `section` with the texts for the encoders added. The duration in these texts covers all frames that
        are denoised with the section.
        """
        metadata = Metadata(
            self._seconds_of(section.window),
            None if params.tempo_bpm is None else round(params.tempo_bpm),
            params.key or "",
            TIME_SIGNATURES[params.time_signature] if params.time_signature else "",
        )
        caption, negative = _caption(params), params.negative_prompt
        made = replace(
            section,
            text=text_of(task.instruction, caption, metadata),
            plain_text=text_of(TextToMusic().instruction, caption, metadata) if isinstance(task, Cover) else "",
            negative_text=text_of(task.instruction, negative, metadata) if negative else "",
        )
        self._check_length(made.text, TEXT_TOKENS, "prompt")
        self._check_length(made.negative_text, TEXT_TOKENS, "negative_prompt")
        self._check_length(made.lyrics, LYRIC_TOKENS, "lyrics")
        return made

    def _spec(
        self, params: SongParams, options: AceStep15Options, guidance: GuidanceSpec, length: Length,
        sections: tuple[SectionSpec, ...],
    ) -> GenerationSpec:  # fmt: skip
        steps = self.default_steps if params.steps is None else params.steps
        return GenerationSpec(
            sections=sections,
            seed=params.seed,
            steps=steps,
            shift=_SHIFT[self._facts.variant] if options.shift is None else options.shift,
            guidance=guidance,
            model_task=length.task,
            task=params.task,
            left=length.left,
            skipped=skipped_steps(steps, params.task.variance) if isinstance(params.task, Repaint) else 0,
            adapter=AdapterSpec(options.lora, options.lora_weight) if options.lora else None,
            reference=params.reference_audio,
            settled=self._facts.codec.context,
        )

    def _section_plans(self, parts: Sequence[Part], frames: Sequence[int]) -> Iterator[SectionPlan]:
        names = division.labels([part.kind for part in parts]) if len(parts) > 1 else ["song"]
        start = 0
        for index, (part, own) in enumerate(zip(parts, frames, strict=True)):
            yield SectionPlan(
                index=index,
                kind=part.kind if len(parts) > 1 else SectionKind.SONG,
                label=names[index],
                start_seconds=self._seconds_of(start),
                duration_seconds=self._seconds_of(own),
                lines=tuple(LyricLine(line, ()) for line in part.sung),
            )
            start += own

    def _language(self, params: SongParams, song: Part) -> str:
        if params.language is None:
            return detect(song.text) if song.sung else UNKNOWN
        try:
            return language_of(params.language)
        except ValueError as error:
            raise refused("language", str(error)) from error

    def _check_length(self, text: str, most: int, field: str) -> None:
        if (tokens := len(self._facts.tokenizer.encode(text).ids)) > most:
            raise refused(field, f"makes a text of {tokens} tokens, but the model reads at most {most}: shorten it")

    def _frames_of(self, seconds: float) -> int:
        return int(seconds * self._facts.codec.frames_per_second)

    def _seconds_of(self, frames: int) -> float:
        return frames / self._facts.codec.frames_per_second


def _caption(params: SongParams) -> str:
    """Return the prompt, with the requested voice added in words."""
    voice = None if params.voice is None else f"{params.voice} vocal"
    return ", ".join(filter(None, [params.prompt.strip().rstrip(","), voice]))


def _remarks(params: SongParams, language: str) -> Iterator[str]:
    tempo = None if params.tempo_bpm is None else f"{round(params.tempo_bpm)} BPM"
    voice = None if params.voice is None else f"{params.voice} vocal"
    if added := ", ".join(filter(None, [tempo, params.key, params.time_signature, voice])):
        yield f"{added}: added to the text prompt; the model may not follow them exactly."
    if params.lyrics.strip() and params.language is None and language == UNKNOWN:
        yield "language: not given; the model recognises it from the lyrics, and may be wrong."

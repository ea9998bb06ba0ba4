"""Plans a song: checks the request, and chooses the values that the request leaves open. The module does not import
torch.
"""

import math
import re
from collections.abc import Iterator

from model.musicgen.loading.folders import Facts
from model.musicgen.options import MusicGenOptions
from model.musicgen.planning.sections import WINDOW_SECONDS, Divider
from model.musicgen.planning.spec import GenerationSpec
from model.musicgen.settings import MusicGenSettings
from model.shared.controls import check_controls
from model.shared.planning import options_of
from model.shared.recordings import RecordingReader
from model.shared.tasks import second_seed, task_field
from model.song import Control, InvalidParams, SectionKind, SectionPlan, SongParams, SongPlan, Violation
from model.tasks import AudioToAudio, Extend

NAME = "musicgen"
MIN_SECONDS, MAX_SECONDS = 3.0, 240.0
DEFAULT_GUIDANCE, DEFAULT_TOP_K, DEFAULT_TEMPERATURE = 3.0, 250, 1.0
TEXT_TOKENS = 256
"""Largest number of tokens in a prompt."""

_CONTROLS = frozenset({Control.GUIDANCE_SCALE, Control.KEY, Control.TEMPO, Control.EXTEND})
_MELODY_CONTROLS = frozenset({Control.ANCHOR, Control.AUDIO_TO_AUDIO})
_USUAL_SECONDS, _USUAL_TEMPO = 30.0, 120.0
_FOREIGN = re.compile(r"[^\W\d_a-zA-ZÀ-ɏ]")


class Planner:
    """Plans songs for MusicGen. A plan depends only on the request; a recording in the request is opened to read its
    length.
    """

    def __init__(self, facts: Facts, settings: MusicGenSettings) -> None:
        self._facts, self._codec = facts, facts.config.codec
        self._divider = Divider(facts.config, settings.section_seconds, settings.step_frames)
        self.recordings = RecordingReader(self._codec.sample_rate, MAX_SECONDS)

    @property
    def controls(self) -> frozenset[Control]:
        """The controls (optional request fields) that a request may use."""
        return _CONTROLS if self._facts.config.chroma is None else _CONTROLS | _MELODY_CONTROLS

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song; see `model.engine.Engine.plan`."""
        check_controls(params, NAME, self.controls)
        _check_words(params)
        spec = self._spec(params)
        samples = spec.before + spec.frames * self._codec.hop
        return SongPlan(
            engine=NAME,
            seed=params.seed,
            steps=None,
            guidance_scale=spec.guidance,
            duration_seconds=samples / self._codec.sample_rate,
            sections=tuple(self._sections(spec)),
            key=params.key,
            tempo_bpm=spec.tempo_bpm if spec.notes else params.tempo_bpm,
            notes=(*params.anchor_remarks, *self._remarks(params, spec)),
            engine_samples=samples,
            detail=spec,
        )

    def _spec(self, params: SongParams) -> GenerationSpec:
        given, before, frames = self._lengths(params)
        task, options = params.task, options_of(params, MusicGenOptions, NAME)
        assert isinstance(task, AudioToAudio | Extend | None)
        text = _text(params)
        if (tokens := self._facts.tokens(text)) > TEXT_TOKENS:
            raise _refused(
                "prompt", f"makes a text of {tokens} tokens, but the model reads at most {TEXT_TOKENS}: shorten it"
            )
        return GenerationSpec(
            text=text,
            frames=frames,
            given=given,
            before=before,
            sections=self._divider.sections(given, frames),
            seed=second_seed(params.seed, task) if isinstance(task, Extend) else params.seed,
            guidance=DEFAULT_GUIDANCE if params.guidance_scale is None else params.guidance_scale,
            top_k=options.top_k or DEFAULT_TOP_K,
            temperature=DEFAULT_TEMPERATURE if options.temperature is None else options.temperature,
            notes=params.anchor,
            tempo_bpm=params.tempo_bpm or params.anchor_tempo_bpm or _USUAL_TEMPO,
            task=task,
        )

    def _lengths(self, params: SongParams) -> tuple[int, int, int]:
        """Return three lengths for a song that may continue a recording: the frames at the recording's end that the
        model reads, the samples before these frames, and the frames of the song.
        """
        task, rate, hop = params.task, self._codec.frames_per_second, self._codec.hop
        if task is None:
            return 0, 0, _whole((params.duration_seconds or _USUAL_SECONDS) * rate)
        assert isinstance(task, AudioToAudio | Extend)
        if params.duration_seconds is not None:
            raise _refused("duration_seconds", "must be unset for this task, whose recording determines the length")
        if params.anchor:
            raise _refused("anchor", "must be unset for this task, which starts from a recording")
        _, samples = self.recordings.inspect(task.audio, f"{task_field(task)}.audio")
        if isinstance(task, AudioToAudio):
            return 0, 0, math.ceil(samples / hop)
        if task.left_seconds > 0:
            raise _refused("extend.left_seconds", f"must be 0: engine {NAME!r} only continues a recording at its end")
        new = _whole(task.right_seconds * rate)
        if new * hop + samples > MAX_SECONDS * self._codec.sample_rate:
            seconds = (new * hop + samples) / self._codec.sample_rate
            raise _refused(
                "extend.right_seconds",
                f"makes the song longer than {MAX_SECONDS:g} s ({seconds:.0f} s): use a smaller value",
            )
        given = min(samples // hop, self._divider.most_given)
        return given, samples - given * hop, given + new

    def _sections(self, spec: GenerationSpec) -> Iterator[SectionPlan]:
        rate, start = self._codec.sample_rate, 0.0
        alone = len(spec.sections) == 1
        for index, section in enumerate(spec.sections):
            end = (spec.before + section.end * self._codec.hop) / rate
            kind, label = (SectionKind.SONG, "song") if alone else (SectionKind.INST, f"part {index + 1}")
            yield SectionPlan(index, kind, label, start, end - start)
            start = end

    def _remarks(self, params: SongParams, spec: GenerationSpec) -> Iterator[str]:
        tempo = None if params.tempo_bpm is None else f"{round(params.tempo_bpm)} BPM"
        if added := ", ".join(filter(None, [tempo, params.key])):
            yield f"{added}: added to the text prompt; the model may not follow them exactly."
        if params.anchor:
            yield (
                f"anchor: the model follows its notes without their octaves, at {spec.tempo_bpm:g} BPM, and repeats it "
                "to the end of the song."
            )
        if spec.given and self._facts.config.decoder.channels == 1:
            yield "extend: the model is mono, so the recording becomes mono, too."
        if _FOREIGN.search(params.prompt):
            yield "prompt: the model was trained on English descriptions and may not understand others."
        slid = next((section for section in spec.sections if section.window > 0), None)
        if slid is not None:
            rate = self._codec.frames_per_second
            yield (
                f"length: the model reads music of at most {WINDOW_SECONDS:g} s at once. Later parts of the song "
                f"depend only on the prompt and the {(self._divider.window - slid.ticks) / rate:.0f} s before them, so "
                "that a long song may lose its form."
            )


def _check_words(params: SongParams) -> None:
    if params.lyrics.strip():
        raise _refused("lyrics", f"must be empty: engine {NAME!r} makes instrumental music and sings no words")


def _whole(frames: float) -> int:
    """Return a number of frames rounded up to an integer, at least 1. A floating-point error just above an integer does
    not add a frame.
    """
    return max(1, math.ceil(frames - 1e-6))


def _text(params: SongParams) -> str:
    """Return the prompt with tempo and key added, in the wording of the training data."""
    tempo = None if params.tempo_bpm is None else f"bpm: {round(params.tempo_bpm)}"
    key = None if params.key is None else f"key: {params.key}"
    return ". ".join(filter(None, [params.prompt.strip().rstrip("."), tempo, key]))


def _refused(field: str, description: str) -> InvalidParams:
    return InvalidParams(Violation(field, description))

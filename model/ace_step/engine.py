"""The engine for ACE-Step v1: plans, denoises and decodes songs with a diffusion transformer."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch.nn import functional as F

from model.ace_step import saving
from model.ace_step.encoding import Encoder
from model.ace_step.frames import SAMPLE_RATE
from model.ace_step.loading import hub
from model.ace_step.loading.networks import Networks, load
from model.ace_step.lyrics.languages import LANGUAGES
from model.ace_step.lyrics.tokenizer import LyricTokenizer
from model.ace_step.memory import section_bytes
from model.ace_step.planning.form import MAX_SECONDS, MIN_SECONDS
from model.ace_step.planning.planner import CONTROLS, DEFAULT_GUIDANCE, NAME, Planner
from model.ace_step.planning.recording import read
from model.ace_step.rendering import Renderer
from model.ace_step.sampling import starts
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.generation_spec import GenerationSpec
from model.ace_step.sampling.noise import Noise
from model.ace_step.sampling.states import (
    CONTEXT_FRAMES,
    LOOKAHEAD_FRAMES,
    Conditions,
    Context,
    State,
)
from model.ace_step.sampling.trajectories import FinishedTrajectory
from model.ace_step.settings import RELEASED, AceStepSettings
from model.engine import EngineInfo, EngineUnavailable, Option, SectionConditions, SectionContext, SectionState
from model.shared.checkpoints import lora
from model.shared.device import Device, shares_steps
from model.shared.licences import Licence, expression_of, spdx, urls_of
from model.shared.saved_tensors import latents_bytes, latents_of
from model.shared.tasks import task_field
from model.shared.warm_up import timed_warm_up
from model.song import SectionScore, SongParams, SongPlan, Voice, Window
from model.tasks import Edit, Retake

MODEL = "ACE-Step v1"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The loaded parts of the engine: networks, lyric tokenizer, and LoRA adapters by name."""

    networks: Networks
    tokenizer: LyricTokenizer
    adapters: Mapping[str, lora.Adapter]


class AceStepEngine:
    """The engine ACE-Step v1 on one device; the methods are described in `model.engine.Engine`."""

    def __init__(self, parts: _Parts, device: Device, settings: AceStepSettings) -> None:
        self._networks = parts.networks
        self._adapters = parts.adapters
        self._device = device
        self._settings = settings
        self._planner = Planner(settings, parts.tokenizer, parts.adapters)
        self._renderer = Renderer(parts.networks.codec, device)
        self._encoder = Encoder(parts.networks.transformer, parts.networks.text_encoder)
        self._forward = BatchedForward(
            parts.networks.transformer, slack=settings.padding, compiled=settings.compile, graphs=settings.cuda_graphs
        )
        self._shares_steps = shares_steps(settings.shared_steps, device.torch, device.dtype)
        self._numbers = itertools.count()

    @classmethod
    def load(cls, device: str, **options: object) -> "AceStepEngine":
        """Load the engine onto `device` ("cpu", "cuda:0"); `options` are fields of `AceStepSettings`.

        Raises:
            EngineUnavailable: a file, a package or the device is missing; the text says what to do.
            ValidationError: an option is unknown or out of range.
        """
        settings = AceStepSettings.model_validate(options)
        opened = Device(device, settings.dtype)
        tokenizer = LyricTokenizer.open(Path(settings.lyric_vocab) if settings.lyric_vocab else None)
        folder = hub.folder_of(settings)
        networks = load(folder, opened.torch, opened.dtype)
        if opened.on_cuda:
            networks.codec.autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        parts = _Parts(networks, tokenizer, _adapters(settings, networks))
        engine = cls(parts, opened, settings)
        engine._warm_up()
        _log.info(
            "the engine ACE-Step is loaded on %s and computes in %s", device, str(opened.dtype).removeprefix("torch.")
        )
        return engine

    def info(self) -> EngineInfo:
        """Return the properties, limits and defaults of ACE-Step v1; see `Engine.info`."""
        return EngineInfo(
            name=NAME,
            description="ACE-Step v1 3.5B: makes a whole song by latent diffusion, from style keywords and lyrics; "
            "needs a GPU.",
            languages=LANGUAGES,
            license=expression_of(licences_of(self._settings)),
            license_urls=urls_of(licences_of(self._settings)),
            commercial_use_allowed=False,
            attribution="",
            sample_rate_hertz=SAMPLE_RATE,
            channels=2,
            duration_seconds=(MIN_SECONDS, MAX_SECONDS),
            steps=(1, 200),
            default_steps=self._settings.default_steps,
            guidance_scale=(1.0, 30.0),
            default_guidance_scale=DEFAULT_GUIDANCE,
            controls=CONTROLS,
            stems=frozenset(),
            voices=frozenset(Voice),
            loras=tuple(sorted(self._adapters)),
        )

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song: its sections and all parameters; see `Engine.plan`."""
        return self._planner.plan(params)

    @torch.no_grad()
    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Encode the prompt, the lyrics and, for a task that has one, the recording of a section as its conditions; see
        `Engine.prepare`.
        """
        spec = _spec(plan)
        with self._device.preparing(), lora.active(*self._adapter(spec)):
            contexts = self._encoder.contexts(spec.prompt, spec.words[index], spec.guidance)
            target = None
            if isinstance(spec.task, Edit):
                contexts = self._encoder.edit_contexts(spec.prompt, spec.words[index])
                target = self._encoder.edit_contexts(spec.task.prompt, spec.target_words)
            source = self._source(spec)
            ready = self._device.mark()
        caches = [*contexts.all, *(target.all if target else ())]
        length = spec.frames[index] + _frames_around(spec, index)
        cost = length * len(caches)
        words = max(len(spec.words[index]), len(spec.target_words))
        memory = section_bytes(self._networks, caches, cost, length, words, spec.source_frames)
        return Conditions(
            contexts,
            cost,
            length,
            starts.evaluation_count(spec, index),
            memory,
            self._group(spec),
            target,
            source,
            ready,
        )

    @torch.no_grad()
    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """Return the initial state of a section, with its random noise; see `Engine.begin`."""
        spec, given, before = _spec(plan), cast(Conditions, conditions), cast(Context | None, context)
        self._device.use(*given.tensors, after=given.ready)
        if before is not None:
            self._device.use(before.tail, before.beyond)
            trajectory = starts.next_section(spec, index, given, before, self._noise)
            return State(spec, index, trajectory, before.tail.shape[-1], before.overlap, given.group)
        start = starts.first_section if len(spec.frames) > 1 else starts.whole
        return State(spec, index, start(spec, given, self._noise), 0, None, given.group)

    @torch.no_grad()
    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance the states of several sections by one denoising step; see `Engine.denoise`.

        If songs do not share steps (setting `shared_steps`), each section has forward passes of its own.
        """
        given = [cast(State, state) for state in states]
        for together in [given] if self._shares_steps else [[state] for state in given]:
            self._advance(together)
        self._device.settle()

    def _advance(self, states: Sequence[State]) -> None:
        asked = [state.trajectory.rows() for state in states]
        with lora.active(*self._adapter(states[0].spec)):
            velocities = iter(self._forward([row for rows in asked for row in rows]))
        for state, rows in zip(states, asked, strict=True):
            state.advance([next(velocities) for _ in rows])

    def context(self, state: SectionState) -> SectionContext:
        """Return the last latents of a finished section, from which the next section continues; see
        `Engine.context`.
        """
        done = cast(State, state)
        latents = done.trajectory.latents
        tail = latents[..., max(0, done.last - CONTEXT_FRAMES) : done.last]
        return Context(tail, latents[..., done.last :], done.overlap)

    def score(self, state: SectionState) -> SectionScore:
        """Return an empty score, because the model does not give the times of syllables; see `Engine.score`."""
        return SectionScore()

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the sound of a finished section, window by window; see `Engine.render`."""
        return self._renderer.render(cast(State, state))

    def save(self, state: SectionState) -> bytes:
        """Serialize the context that a rendered section passes to the next one; see `Engine.save`."""
        return saving.context_bytes(cast(Context, self.context(state)), self._device)

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """Return the context of a rendered section from the bytes of `save`; see `Engine.restore`."""
        return saving.context_of(saved, self._device)

    def save_section(self, state: SectionState) -> bytes:
        """Serialize the latents of a finished section; see `Engine.save_section`."""
        done = cast(State, state)
        assert done.step == done.steps
        return latents_bytes(done.trajectory.latents, self._device)

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """Return a finished section from the bytes of `save_section`; see `Engine.restore_section`."""
        spec, before = _spec(plan), cast(Context | None, context)
        trajectory = FinishedTrajectory(latents_of(saved, self._device), starts.evaluation_count(spec, index))
        if before is None:
            return State(spec, index, trajectory, 0, None)
        return State(spec, index, trajectory, before.tail.shape[-1], before.overlap)

    def check(self) -> None:
        """Run a small computation on the device; raises an error if the device is broken; see `Engine.check`."""
        self._device.check()

    def _noise(self, seed: int) -> Noise:
        return Noise(seed, self._device.torch)

    def _group(self, spec: GenerationSpec) -> str:
        """Return the batching group of a section. Songs with different LoRA adapters have different groups; if songs do
        not share steps (setting `shared_steps`), each section has its own group.
        """
        if not self._shares_steps:
            return str(next(self._numbers))
        return f"{spec.lora} {spec.lora_weight:g}" if spec.lora else ""

    def _warm_up(self) -> None:
        self._forward.warm()
        if self._settings.warm_up and self._device.on_cuda:
            timed_warm_up(self, self._device.torch, "ACE-Step")

    def _adapter(self, spec: GenerationSpec) -> tuple[lora.Adapter | None, float]:
        return (self._adapters[spec.lora] if spec.lora else None), spec.lora_weight

    def _source(self, spec: GenerationSpec) -> torch.Tensor | None:
        task = spec.task
        if task is None or isinstance(task, Retake):
            return None
        sound = torch.from_numpy(read(task.audio, f"{task_field(task)}.audio"))
        latents = self._networks.codec.encode(sound)
        return F.pad(latents, (0, spec.source_frames - latents.shape[-1]))


def _adapters(settings: AceStepSettings, networks: Networks) -> dict[str, lora.Adapter]:
    if settings.loras and (settings.compile or settings.cuda_graphs):
        raise EngineUnavailable(
            "LoRA adapters cannot be used with a compiled network or CUDA graphs: leave ",
            Option("loras"),
            " empty, or leave ",
            Option("compile"),
            " and ",
            Option("cuda_graphs", short=True),
            " empty",
        )
    adapters = {name: lora.load(Path(folder), networks.transformer, MODEL) for name, folder in settings.loras.items()}
    if adapters:
        lora.attach(networks.transformer)
    return adapters


def licences_of(settings: AceStepSettings) -> tuple[Licence, ...]:
    """Return the licences of the checkpoint, the lyric vocabulary and the adapters that the settings name;
    THIRD_PARTY.md explains licence names that SPDX does not list.
    """
    checkpoint = spdx("Apache-2.0") if settings.checkpoint == RELEASED else Licence("LicenseRef-other-checkpoint")
    vocabulary = Licence("LicenseRef-ACE-Step-lyric-vocabulary", "https://github.com/ace-step/ACE-Step")
    return (checkpoint, vocabulary, *([Licence("LicenseRef-adapters")] if settings.loras else []))


def _spec(plan: SongPlan) -> GenerationSpec:
    return cast(GenerationSpec, plan.detail)


def _frames_around(spec: GenerationSpec, index: int) -> int:
    """Return the number of latent frames that are denoised together with section `index`: the context before the
    section, and a few frames after its end.
    """
    before = min(CONTEXT_FRAMES, sum(spec.frames[:index]))
    return before + (LOOKAHEAD_FRAMES if index < len(spec.frames) - 1 else 0)

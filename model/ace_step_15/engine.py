"""The engine for ACE-Step 1.5: plans, denoises and decodes songs with a diffusion transformer."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import safetensors.torch as safetensors
import torch

from model.ace_step_15.contexts import contexts_of
from model.ace_step_15.encoding import Encoder
from model.ace_step_15.languages import LANGUAGES
from model.ace_step_15.loading import hub, names
from model.ace_step_15.loading.configs import MODEL
from model.ace_step_15.loading.folders import Facts, facts_of
from model.ace_step_15.loading.networks import Networks, load
from model.ace_step_15.memory import song_bytes
from model.ace_step_15.planning.checks import NAME
from model.ace_step_15.planning.lengths import MAX_SECONDS, MIN_SECONDS
from model.ace_step_15.planning.planner import Planner
from model.ace_step_15.planning.spec import GenerationSpec
from model.ace_step_15.sampling.batched_forward import BatchedForward
from model.ace_step_15.sampling.noise import drawn
from model.ace_step_15.sampling.schedule import times
from model.ace_step_15.sampling.trajectories import FinishedTrajectory, Guidance, Trajectory
from model.ace_step_15.settings import RELEASED, AceStep15Settings
from model.ace_step_15.starting import Given, Starter
from model.ace_step_15.states import Conditions, Context, State
from model.engine import EngineInfo, EngineUnavailable, Option, SectionConditions, SectionContext, SectionState
from model.shared.checkpoints import lora
from model.shared.checkpoints.adapter_folders import adapters_in
from model.shared.device import Device, shares_steps
from model.shared.licences import Licence, expression_of, spdx, urls_of
from model.shared.sampling.flow import mixed
from model.shared.saved_tensors import latents_bytes, latents_of, on_device, tensor_bytes
from model.shared.tasks import task_field
from model.shared.warm_up import timed_warm_up
from model.song import SectionScore, SongParams, SongPlan, Voice, Window
from model.tasks import Extend, Repaint, Retake

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The loaded parts of the engine: networks, properties of the checkpoint, and LoRA adapters by name."""

    networks: Networks
    facts: Facts
    adapters: Mapping[str, lora.Adapter]


class AceStep15Engine:
    """The engine ACE-Step 1.5 on one device.

    The methods are described in `model.engine.Engine`.
    """

    def __init__(self, parts: _Parts, device: Device, settings: AceStep15Settings) -> None:
        self._networks = parts.networks
        self._facts = parts.facts
        self._adapters = parts.adapters
        self._device = device
        self._settings = settings
        self._planner = Planner(parts.facts, settings, parts.adapters)
        self._encoder = Encoder(parts.networks)
        self._starter = Starter(parts.networks)
        self._forward = BatchedForward(
            parts.networks.transformer, slack=settings.padding, compiled=settings.compile, graphs=settings.cuda_graphs
        )
        self._shares_steps = shares_steps(settings.shared_steps, device.torch, device.dtype)
        self._numbers = itertools.count()

    @classmethod
    def load(cls, device: str, **options: object) -> "AceStep15Engine":
        """Load the engine onto `device` ("cpu", "cuda:0"); `options` are fields of `AceStep15Settings`.

        Raises:
            EngineUnavailable: a file, a package or the device is missing; the text says what to do.
            ValidationError: an option is unknown or out of range.
        """
        settings = AceStep15Settings.model_validate(options)
        opened = Device(device, settings.dtype)
        folders = hub.folders_of(settings)
        networks = load(folders, opened.torch, opened.dtype)
        facts = facts_of(folders)
        _log.info(
            "the engine ACE-Step 1.5 (%s) is loaded on %s and computes in %s",
            facts.variant, device, str(opened.dtype).removeprefix("torch."),
        )  # fmt: skip
        engine = cls(_Parts(networks, facts, _adapters(settings, networks)), opened, settings)
        engine._forward.warm()
        if settings.warm_up and opened.on_cuda:
            timed_warm_up(engine, opened.torch, MODEL)
        return engine

    def info(self) -> EngineInfo:
        """Return the properties, limits and defaults of the engine; see `Engine.info`."""
        codec, released = self._facts.codec, self._settings.checkpoint == RELEASED
        licences = _licences(self._settings)
        return EngineInfo(
            name=NAME,
            description=f"ACE-Step 1.5 ({self._facts.variant}): makes a whole song by latent diffusion, from a "
            "description and lyrics; needs a GPU.",
            languages=LANGUAGES,
            license=expression_of(licences),
            license_urls=urls_of(licences),
            commercial_use_allowed=released and not self._adapters,
            attribution="",
            sample_rate_hertz=codec.sample_rate,
            channels=codec.sound_channels,
            duration_seconds=(MIN_SECONDS, MAX_SECONDS),
            steps=(1, 200),
            default_steps=self._planner.default_steps,
            guidance_scale=(1.0, 30.0),
            default_guidance_scale=self._planner.default_guidance,
            controls=self._planner.controls,
            stems=frozenset(),
            voices=frozenset(Voice),
            loras=tuple(sorted(self._adapters)),
        )

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song: its sections and all parameters; see `Engine.plan`."""
        return self._planner.plan(params)

    @torch.no_grad()
    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Encode the texts and, for a task that has one, the recording of a section as its conditions; see
        `Engine.prepare`.
        """
        spec = _spec(plan)
        section = spec.sections[index]
        with self._device.preparing(), lora.active(*self._adapter(spec)):
            contexts = contexts_of(self._encoder, section, spec.guidance, self._timbre(spec))
            given = self._given(spec) if index == 0 else None
            ready = self._device.mark()
        length = -(-section.window // self._networks.transformer.config.patch)
        cost = length * len(contexts.all)
        memory = song_bytes(self._networks, contexts, cost)
        return Conditions(contexts, given, cost, length, spec.steps - spec.skipped, memory, self._group(spec), ready)

    @torch.no_grad()
    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """Return the initial state of a section, with its random noise; see `Engine.begin`."""
        spec, made = _spec(plan), cast(Conditions, conditions)
        self._device.use(*made.tensors, after=made.ready)
        given = made.given or self._continued(spec, index, cast(Context, context))
        chosen = spec.guidance
        guidance = Guidance(made.contexts, chosen.scale, chosen.start, chosen.end, spec.strength)
        levels = times(spec.steps, spec.shift)[spec.skipped :]
        trajectory = Trajectory(self._noise(spec, index, given), given.latents, levels, guidance, given.kept)
        return State(spec, index, trajectory, made.group)

    @torch.no_grad()
    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance the states of several sections by one denoising step; see `Engine.denoise`. If songs do not share
        steps (setting `shared_steps`), each section has forward passes of its own.
        """
        given = [cast(State, state) for state in states]
        for together in [given] if self._shares_steps else [[state] for state in given]:
            self._advance(together)
        self._device.settle()

    def context(self, state: SectionState) -> SectionContext:
        """Return the last latents of a finished section, from which the next section continues; see
        `Engine.context`.
        """
        return cast(State, state).context()

    def score(self, state: SectionState) -> SectionScore:
        """Return an empty score, because the model does not give the times of syllables; see `Engine.score`."""
        return SectionScore()

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the sound of a finished section, window by window; see `Engine.render`."""
        done = cast(State, state)
        latents = done.trajectory.latents
        with self._device.decoding():
            self._device.use(latents)
        windows = self._networks.codec.windows(latents, done.first, done.last)
        while True:
            with torch.no_grad(), self._device.decoding():
                window = next(windows, None)
                if window is None:
                    return
                sound = self._device.window(window)
            yield sound

    def save(self, state: SectionState) -> bytes:
        """Serialize the context that a rendered section passes to the next one; see `Engine.save`."""
        context = cast(State, state).context()
        return tensor_bytes(self._device, tail=context.tail, beyond=context.beyond)

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """Return the context of a rendered section from the bytes of `save`; see `Engine.restore`."""
        kept = safetensors.load(saved)
        return Context(*on_device(self._device, kept["tail"], kept["beyond"]))

    def save_section(self, state: SectionState) -> bytes:
        """Serialize the latents of a finished section; see `Engine.save_section`."""
        done = cast(State, state)
        assert done.step == done.steps
        return latents_bytes(done.trajectory.latents, self._device)

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """Return a finished section from the bytes of `save_section`; see `Engine.restore_section`."""
        spec = _spec(plan)
        return State(spec, index, FinishedTrajectory(latents_of(saved, self._device), spec.steps - spec.skipped))

    def check(self) -> None:
        """Run a small computation on the device; raises an error if the device is broken; see `Engine.check`."""
        self._device.check()

    def _advance(self, states: Sequence[State]) -> None:
        asked = [state.trajectory.rows() for state in states]
        with lora.active(*self._adapter(states[0].spec)):
            velocities = iter(self._forward([row for rows in asked for row in rows]))
        for state, rows in zip(states, asked, strict=True):
            state.advance([next(velocities) for _ in rows])

    def _group(self, spec: GenerationSpec) -> str:
        """Return the batching group of a section; songs with different LoRA adapters have different groups and share no
        step. If songs do not share steps (setting `shared_steps`), each section has its own group.

        Separate forward passes cost little, because the time of a pass over long rows is that of its arithmetic.
        Adapter weights per row would add kernel launches to every layer.
        """
        if not self._shares_steps:
            return str(next(self._numbers))
        return f"{spec.adapter.name} {spec.adapter.weight:g}" if spec.adapter else ""

    def _adapter(self, spec: GenerationSpec) -> tuple[lora.Adapter | None, float]:
        return (self._adapters[spec.adapter.name], spec.adapter.weight) if spec.adapter else (None, 1.0)

    def _timbre(self, spec: GenerationSpec) -> torch.Tensor:
        if not spec.reference:
            return self._encoder.timbre(None)
        sound = self._planner.recordings.read(spec.reference, "reference_audio.audio")
        return self._encoder.timbre(torch.from_numpy(sound))

    def _continued(self, spec: GenerationSpec, index: int, before: Context) -> Given:
        self._device.use(before.tail, before.beyond)
        return self._starter.continued(before.tail, before.beyond, spec.sections[index].window)

    def _given(self, spec: GenerationSpec) -> Given:
        task = spec.task
        if task is None or isinstance(task, Retake):
            return self._starter.given(spec.model_task, spec.sections[0].window)
        sound = self._planner.recordings.read(task.audio, f"{task_field(task)}.audio")
        source = self._networks.codec.encode(torch.from_numpy(sound))
        if isinstance(task, Extend):
            return self._starter.extended(source, spec.left, spec.sections[0].window)
        return self._starter.given(spec.model_task, spec.sections[0].window, source)

    def _noise(self, spec: GenerationSpec, index: int, given: Given) -> torch.Tensor:
        """Return the noise [frames, channels] of a section. For the tasks retake, repaint and extend, noise of a second
        seed is mixed in.
        """
        channels, device = self._networks.transformer.config.channels, self._device.torch
        frames = spec.sections[index].window
        noise = drawn(spec.section_seed(index), frames, channels, device)
        task = spec.task
        if not isinstance(task, Retake | Repaint | Extend):
            return noise
        other = drawn(spec.second_seed, frames, channels, device)
        if isinstance(task, Retake):
            return mixed(noise, other, task.variance)
        assert given.kept is not None
        share = 1.0 if isinstance(task, Extend) else task.variance
        return torch.where(given.kept.inside > 0, mixed(noise, other, share), noise)


def _adapters(settings: AceStep15Settings, networks: Networks) -> dict[str, lora.Adapter]:
    folders = adapters_in(settings.loras, "loras")
    if folders and (settings.compile or settings.cuda_graphs):
        raise EngineUnavailable(
            "LoRA adapters cannot be used with a compiled network or CUDA graphs: leave ", Option("loras"),
            " empty, or leave ", Option("compile"), " and ", Option("cuda_graphs", short=True), " empty",
        )  # fmt: skip
    if folders:
        lora.attach(networks.transformer)
    return {name: lora.load(folder, networks.transformer, MODEL, names.adapter) for name, folder in folders.items()}


def _licences(settings: AceStep15Settings) -> list[Licence]:
    checkpoint = spdx("MIT") if settings.checkpoint == RELEASED else Licence("LicenseRef-other-checkpoint")
    return [checkpoint, *([Licence("LicenseRef-adapters")] if settings.loras else [])]


def _spec(plan: SongPlan) -> GenerationSpec:
    return cast(GenerationSpec, plan.detail)

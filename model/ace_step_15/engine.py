"""The engine that serves ACE-Step 1.5."""

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch

from model.ace_step_15.encoding import Encoder
from model.ace_step_15.languages import LANGUAGES
from model.ace_step_15.loading import hub
from model.ace_step_15.loading.folders import Facts, facts_of
from model.ace_step_15.loading.networks import Networks, load
from model.ace_step_15.memory import song_bytes
from model.ace_step_15.planning.planner import MAX_SECONDS, MIN_SECONDS, NAME, Planner
from model.ace_step_15.planning.spec import GenerationSpec
from model.ace_step_15.sampling.batched_forward import BatchedForward
from model.ace_step_15.sampling.noise import drawn
from model.ace_step_15.sampling.schedule import times
from model.ace_step_15.sampling.trajectories import Contexts, FinishedTrajectory, Guidance, Trajectory
from model.ace_step_15.settings import RELEASED, AceStep15Settings
from model.ace_step_15.starting import Given, Starter
from model.ace_step_15.states import Conditions, Context, State
from model.ace_step_15.tasks import Cover
from model.engine import EngineInfo, SectionConditions, SectionContext, SectionState
from model.shared.device import Device, shares_steps
from model.shared.licences import Licence, spdx, urls_of
from model.shared.sampling.flow import mixed
from model.shared.saved_tensors import latents_bytes, latents_of
from model.shared.tasks import task_field
from model.song import Extend, Repaint, Retake, SectionScore, SongParams, SongPlan, Voice, Window

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of the engine."""

    networks: Networks
    facts: Facts


class AceStep15Engine:
    """The engine ACE-Step 1.5 on one device. A song is one section.

    The methods are described in `model.engine.Engine`.
    """

    def __init__(self, parts: _Parts, device: Device, settings: AceStep15Settings) -> None:
        self._networks = parts.networks
        self._facts = parts.facts
        self._device = device
        self._settings = settings
        self._planner = Planner(parts.facts)
        self._encoder = Encoder(parts.networks)
        self._starter = Starter(parts.networks)
        self._forward = BatchedForward(parts.networks.transformer, slack=settings.padding)
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
        return cls(_Parts(networks, facts), opened, settings)

    def info(self) -> EngineInfo:
        """See `Engine.info`."""
        codec, released = self._facts.codec, self._settings.checkpoint == RELEASED
        licence = spdx("MIT") if released else Licence("LicenseRef-other-checkpoint")
        return EngineInfo(
            name=NAME,
            description=f"ACE-Step 1.5 ({self._facts.variant}): makes a whole song by latent diffusion, from a "
            "description and lyrics; needs a GPU.",
            languages=LANGUAGES,
            license=licence.name,
            license_urls=urls_of([licence]),
            commercial_use_allowed=released,
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
        )

    def plan(self, params: SongParams) -> SongPlan:
        """See `Engine.plan`."""
        return self._planner.plan(params)

    @torch.no_grad()
    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """See `Engine.prepare`."""
        spec = _spec(plan)
        with self._device.preparing():
            contexts, given = self._contexts(spec), self._given(spec)
            ready = self._device.mark()
        length = -(-spec.frames // self._networks.transformer.config.patch)
        cost = length * len(contexts.all)
        memory = song_bytes(self._networks, contexts, cost)
        group = "" if self._shares_steps else str(next(self._numbers))
        return Conditions(contexts, given, cost, length, spec.steps - spec.skipped, memory, group, ready)

    @torch.no_grad()
    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """See `Engine.begin`."""
        spec, made = _spec(plan), cast(Conditions, conditions)
        self._device.use(*made.tensors, after=made.ready)
        strength = spec.model_task.strength if isinstance(spec.model_task, Cover) else 1.0
        guidance = Guidance(made.contexts, spec.guidance, strength=strength)
        levels = times(spec.steps, spec.shift)[spec.skipped :]
        trajectory = Trajectory(self._noise(spec, made.given), made.given.latents, levels, guidance, made.given.kept)
        return State(spec, trajectory, made.group)

    @torch.no_grad()
    def denoise(self, states: Sequence[SectionState]) -> None:
        """See `Engine.denoise`. If songs share no steps, each has passes of its own."""
        given = [cast(State, state) for state in states]
        for together in [given] if self._shares_steps else [[state] for state in given]:
            self._advance(together)
        self._device.settle()

    def context(self, state: SectionState) -> SectionContext:
        """See `Engine.context`."""
        return Context()

    def score(self, state: SectionState) -> SectionScore:
        """See `Engine.score`. The model gives no times of syllables."""
        return SectionScore()

    def render(self, state: SectionState) -> Iterator[Window]:
        """See `Engine.render`."""
        latents = cast(State, state).trajectory.latents
        with self._device.decoding():
            self._device.use(latents)
        windows = self._networks.codec.windows(latents)
        while True:
            with torch.no_grad(), self._device.decoding():
                window = next(windows, None)
                if window is None:
                    return
                sound = self._device.window(window)
            yield sound

    def save(self, state: SectionState) -> bytes:
        """See `Engine.save`."""
        return b""

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> SectionContext:
        """See `Engine.restore`."""
        return Context()

    def save_section(self, state: SectionState) -> bytes:
        """See `Engine.save_section`."""
        done = cast(State, state)
        assert done.step == done.steps
        return latents_bytes(done.trajectory.latents, self._device)

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """See `Engine.restore_section`."""
        spec = _spec(plan)
        return State(spec, FinishedTrajectory(latents_of(saved, self._device), spec.steps - spec.skipped))

    def check(self) -> None:
        """See `Engine.check`."""
        self._device.check()

    def _advance(self, states: Sequence[State]) -> None:
        asked = [state.trajectory.rows() for state in states]
        velocities = iter(self._forward([row for rows in asked for row in rows]))
        for state, rows in zip(states, asked, strict=True):
            state.advance([next(velocities) for _ in rows])

    def _contexts(self, spec: GenerationSpec) -> Contexts:
        encoder = self._encoder
        timbre = encoder.timbre(None)
        conditional = encoder.cached(encoder.context(spec.text, spec.lyrics, timbre))
        unconditional = encoder.unconditional() if spec.guidance > 1.0 else None
        plain = None
        if isinstance(spec.model_task, Cover) and spec.model_task.strength < 1.0:
            plain = encoder.cached(encoder.context(spec.plain_text, spec.lyrics, timbre))
        return Contexts(conditional, unconditional, plain)

    def _given(self, spec: GenerationSpec) -> Given:
        task = spec.task
        if task is None or isinstance(task, Retake):
            return self._starter.given(spec.model_task, spec.frames)
        sound = self._planner.recordings.read(task.audio, f"{task_field(task)}.audio")
        source = self._networks.codec.encode(torch.from_numpy(sound))
        if isinstance(task, Extend):
            return self._starter.extended(source, spec.left, spec.frames)
        return self._starter.given(spec.model_task, spec.frames, source)

    def _noise(self, spec: GenerationSpec, given: Given) -> torch.Tensor:
        """The song's noise: its own, mixed with that of a second seed where a task asks for it."""
        channels, device = self._networks.transformer.config.channels, self._device.torch
        noise = drawn(spec.seed, spec.frames, channels, device)
        task = spec.task
        if not isinstance(task, Retake | Repaint | Extend):
            return noise
        other = drawn(spec.second_seed, spec.frames, channels, device)
        if isinstance(task, Retake):
            return mixed(noise, other, task.variance)
        assert given.kept is not None
        share = 1.0 if isinstance(task, Extend) else task.variance
        return torch.where(given.kept.inside > 0, mixed(noise, other, share), noise)


def _spec(plan: SongPlan) -> GenerationSpec:
    return cast(GenerationSpec, plan.detail)

"""The engine for MusicGen: generates instrumental music with a language model over audio tokens."""

import logging
from collections.abc import Iterator, Sequence
from typing import cast

import torch

from model.engine import EngineInfo, SectionConditions, SectionContext, SectionState
from model.musicgen import saving
from model.musicgen.encoding import Encoder
from model.musicgen.grid import first_column, given_of, known_of
from model.musicgen.loading import check, hub
from model.musicgen.loading.folders import facts_of
from model.musicgen.loading.networks import Networks, load
from model.musicgen.memory import section_bytes
from model.musicgen.planning.planner import DEFAULT_GUIDANCE, MAX_SECONDS, MIN_SECONDS, NAME, TEXT_TOKENS, Planner
from model.musicgen.planning.sections import Divider
from model.musicgen.planning.spec import GenerationSpec
from model.musicgen.settings import MusicGenSettings, licence_of
from model.musicgen.sound import Renderer
from model.musicgen.states import Conditions, Context, State, Tail
from model.shared.device import Device
from model.shared.licences import urls_of
from model.shared.tokens.core import Advance, Layout, TokenCore
from model.shared.tokens.sampling import Sampling, noise
from model.shared.tokens.sequences import TokenSequence
from model.song import SectionScore, SongParams, SongPlan, Window
from model.tasks import Extend

_log = logging.getLogger(__name__)

_ALIGNMENT = 64
"""Multiple to which the tokens of a buffer's rows are rounded up, so that rows are aligned for fast kernels."""


class MusicGenEngine:
    """The engine MusicGen on one device. Several songs advance together, column by column of audio tokens.

    The methods are described in `model.engine.Engine`.
    """

    def __init__(self, networks: Networks, planner: Planner, device: Device, settings: MusicGenSettings) -> None:
        self._networks, self._planner, self._device, self._settings = networks, planner, device, settings
        self._encoder = Encoder(networks, planner.recordings)
        self._renderer = Renderer(networks.config, networks.codec, device)
        self._layout = _layout(networks, settings)
        self._core = TokenCore(networks.decoder, self._layout)
        self._core.shared = _shares(settings.shared_steps, self._core, device)

    @classmethod
    def load(cls, device: str, **options: object) -> "MusicGenEngine":
        """Load the engine onto `device` ("cpu", "cuda:0"); `options` are fields of `MusicGenSettings`.

        Raises:
            EngineUnavailable: a file, a package or the device is missing, or the licence is not accepted; the text says
            what to do.
            ValidationError: an option is unknown or out of range.
        """
        settings = MusicGenSettings.model_validate(options)
        opened = Device(device, settings.dtype)
        folder = hub.folder_of(settings)
        networks = load(folder, opened.torch, opened.dtype)
        engine = cls(networks, Planner(facts_of(folder), settings), opened, settings)
        _log.info(
            "the engine MusicGen (%s) is loaded on %s and computes in %s",
            check.described(networks.config), device, str(opened.dtype).removeprefix("torch."),
        )  # fmt: skip
        return engine

    def info(self) -> EngineInfo:
        """Return the properties, limits and defaults of the engine; see `Engine.info`."""
        config, licence = self._networks.config, licence_of(self._settings)
        sound = "stereo" if config.decoder.channels > 1 else "mono"
        return EngineInfo(
            name=NAME,
            description=f"MusicGen ({sound}): makes instrumental music from an English description, token by token; "
            "needs a GPU.",
            languages=(),
            license=licence.name,
            license_urls=urls_of([licence]),
            commercial_use_allowed=False,
            attribution="",
            sample_rate_hertz=config.codec.sample_rate,
            channels=config.decoder.channels,
            duration_seconds=(MIN_SECONDS, MAX_SECONDS),
            steps=None,
            default_steps=None,
            guidance_scale=(1.0, 30.0),
            default_guidance_scale=DEFAULT_GUIDANCE,
            controls=self._planner.controls,
            stems=frozenset(),
        )

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song: its sections and all parameters; see `Engine.plan`."""
        return self._planner.plan(params)

    @torch.no_grad()
    def prepare(self, plan: SongPlan, index: int) -> SectionConditions:
        """Encode the prompt, the melody and the recording of a section as its conditions; see `Engine.prepare`."""
        spec, config = _spec(plan), self._networks.config
        section = spec.sections[index]
        rows = Sampling(spec.guidance, spec.strength).rows
        kept = self._kept(spec, index)
        with self._device.preparing():
            states, prefix = self._encoder.text(spec.text), None
            if config.chroma is not None:
                start = section.window / config.codec.frames_per_second
                prefix = self._encoder.prefix(states, self._encoder.melody(spec), start, rows)
            texts = self._encoder.texts(states, rows)
            given = self._encoder.given(spec, kept)
            ready = self._device.mark()
        ticks = section.ticks_before(1)
        shapes = [self._networks.decoder.cache_shape(length) for length in (self._layout.length, states.shape[1])]
        memory = section_bytes(config, shapes[0], shapes[1] if texts else None, rows, ticks, self._device.dtype)
        return Conditions(texts, prefix, given, kept, ticks * rows, ticks, section.steps, memory, ready)

    @torch.no_grad()
    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> SectionState:
        """Return the initial state of a section, before its first token; see `Engine.begin`."""
        spec, made, before = _spec(plan), cast(Conditions, conditions), cast(Context | None, context)
        self._device.use(*made.tensors, after=made.ready)
        config = self._networks.config.decoder
        known = made.given if before is None else before.known
        given = given_of(config, spec, spec.sections[index], known, list(made.texts), made.prefix)
        column = first_column(config, spec, index)
        tail = Tail() if before is None else before.tail
        return State(spec, index, tail, made.kept, TokenSequence(given, column), column)

    @torch.no_grad()
    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance several sections by one step, in which the model generates some columns of audio tokens for each
        section; see `Engine.denoise`.
        """
        given = [cast(State, state) for state in states]
        self._core.advance([self._advance(state) for state in given])
        for state in given:
            if state.sequence is not None and state.step == state.steps:
                tokens = self._core.tokens(state.sequence)
                state.finish(self._core, known_of(self._networks.config.decoder, state.spec, state.section, tokens))
        self._device.settle()

    def context(self, state: SectionState) -> SectionContext:
        """Return the audio codes and the decoder state of a finished section, from which the next section continues;
        see `Engine.context`.
        """
        done = cast(State, state)
        assert done.known is not None
        return Context(done.known, done.after)

    def score(self, state: SectionState) -> SectionScore:
        """Return an empty score, because the music is instrumental; see `Engine.score`."""
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
        """Serialize the audio codes of a finished section; see `Engine.save_section`."""
        done = cast(State, state)
        assert done.known is not None
        return saving.known_bytes(done.known)

    def restore_section(self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None) -> SectionState:
        """Return a finished section from the bytes of `save_section`; see `Engine.restore_section`."""
        spec = _spec(plan)
        tail = Tail() if context is None else cast(Context, context).tail
        return State(spec, index, tail, self._kept(spec, index), known=saving.known_of(saved))

    def check(self) -> None:
        """Run a small computation on the device; raises an error if the device is broken; see `Engine.check`."""
        self._device.check()

    def _kept(self, spec: GenerationSpec, index: int) -> Window | None:
        """Return the sound [channels, samples] of the recording that a song continues; `None` for later sections than
        the first, and for a song without a recording.
        """
        return self._encoder.recording(spec.task) if index == 0 and isinstance(spec.task, Extend) else None

    def _advance(self, state: State) -> Advance:
        assert state.sequence is not None
        config, step = self._networks.config.decoder, state.step
        ticks = state.section.ticks_before(step + 1) - state.section.ticks_before(step)
        seed = _step_seed(state.spec.seed, state.index, step)
        return Advance(state.sequence, noise(seed, ticks, (config.codebooks, config.vocabulary)))


def _step_seed(seed: int, index: int, step: int) -> int:
    """Return the random seed of step `step` of section `index`, in a song with the seed `seed`. Every step of every
    section has its own seed, so that a failed step can be repeated with the same noise.
    """
    return seed << 24 | index << 12 | step


def _layout(networks: Networks, settings: MusicGenSettings) -> Layout:
    """Return the sizes of the token buffers that songs share, large enough for the longest text and the longest
    section.
    """
    config = networks.config
    divider = Divider(config, settings.section_seconds, settings.step_frames)
    prefix = 0 if config.chroma is None else config.chroma.length + TEXT_TOKENS
    length = prefix + divider.window + config.decoder.delay + 1
    rows = 2 if config.chroma is None else 4
    text = TEXT_TOKENS if config.decoder.attends_text else 0
    return Layout(settings.songs, rows, -(-length // _ALIGNMENT) * _ALIGNMENT, text)


def _shares(chosen: str, core: TokenCore, device: Device) -> bool:
    """Return True if songs are to share forward passes. `chosen` is the setting `shared_steps`; for "auto" the result
    is that of a test of the device by `TokenCore.alike_everywhere`.
    """
    if chosen != "auto":
        return chosen == "on"
    alike = core.alike_everywhere()
    device.settle()
    if not alike:
        text = "the device %s gives other results in other rows of a pass, so songs of MusicGen do not share passes"
        _log.warning(text, device.torch)
    return alike


def _spec(plan: SongPlan) -> GenerationSpec:
    return cast(GenerationSpec, plan.detail)

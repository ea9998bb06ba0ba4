"""The studio engine: plans, composes, arranges, sings and renders a song on a CPU."""

from collections.abc import Iterator, Sequence
from functools import partial

from model.engine import EngineInfo, EngineUnavailable, Option, SectionConditions, SectionContext, SectionState
from model.song import SectionScore, SongParams, SongPlan, Window
from model.studio import saving
from model.studio.arrange.arranger import ArrangerState
from model.studio.arrange.duet import whole_tune
from model.studio.composing.denoiser import Memory, ScoreDenoiser
from model.studio.composing.score_state import ScoreState, rows
from model.studio.composing.section_layout import padded_length
from model.studio.info import INFO, SAMPLE_RATE_HERTZ
from model.studio.lyrics.chinese import mandarin
from model.studio.notation.chords import chord_spans, named_chords
from model.studio.notation.midi import section_midi
from model.studio.planning.plan import plan_song, samples_of
from model.studio.planning.section_spec import section_seed, section_spec
from model.studio.planning.studio_detail import detail_of
from model.studio.section import (
    ComposedSection,
    DraftState,
    FinishedState,
    StudioConditions,
    StudioContext,
    StudioState,
)
from model.studio.sound.bank import InstrumentBank
from model.studio.sound.mixer import Mixer
from model.studio.style import Instrument, Way
from model.studio.voice import english, repertoire
from model.studio.voice.bank import VoiceBank
from model.studio.voice.performance.manner import manner_of
from model.studio.voice.timings import syllable_timings
from model.studio.voice.vocalist import Singer, Vocalist, choir

# The listener waits for the first window, so it is short; later windows are long, because every call has a cost.
FIRST_WINDOW_SAMPLES = SAMPLE_RATE_HERTZ // 2
WINDOW_SAMPLES = SAMPLE_RATE_HERTZ
_STATE_BYTES = 4 << 20


class StudioEngine:
    """The studio engine: composes scores by discrete diffusion and plays them with sampled instruments and a sampled
    voice.
    """

    def __init__(self, denoiser: ScoreDenoiser, bank: InstrumentBank, voices: VoiceBank) -> None:
        self._denoiser = denoiser
        self._bank = bank
        self._voices = voices

    @classmethod
    def load(cls, device: str) -> "StudioEngine":
        """Load the shipped weights and voice, and decode the instruments, so that no song has to wait for these files
        to be read.

        Raises:
            EngineUnavailable: a shipped file is missing or damaged, or `device` is not the CPU.
        """
        if device != "cpu":
            raise EngineUnavailable(
                f"studio runs on the device 'cpu', not on {device!r}; set ", Option("device"), " to cpu"
            )
        bank = InstrumentBank.load()
        bank.warm(Instrument)
        english.load()
        mandarin.load()
        repertoire.load()
        return cls(ScoreDenoiser.load(), bank, VoiceBank.load())

    def info(self) -> EngineInfo:
        """Return limits and defaults of the studio engine, such as ranges of duration and tempo."""
        return INFO

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song: its sections with their bars and lines, its key, tempo and style; see
        `Engine.plan`.
        """
        return plan_song(params, INFO)

    def prepare(self, plan: SongPlan, index: int) -> StudioConditions:
        """Return the conditions of section `index` of a song: the specification and the number of denoising steps that
        its composition needs; see `Engine.prepare`.
        """
        wanted = section_spec(plan, index)
        length = padded_length(wanted, follows=index > 0)
        return StudioConditions(
            spec=wanted,
            steps=plan.denoising_steps,
            cost=rows(plan.guidance_scale) * length,
            length=length,
            memory_bytes=_STATE_BYTES,
            mixer=self._mixer(plan) if index == 0 else None,
        )

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> DraftState:
        """Return the initial state of section `index` of a song, with random noise to be denoised; see
        `Engine.begin`.
        """
        assert isinstance(conditions, StudioConditions)
        memory, arranger, mixer = _opening(conditions, context)
        draft = self._denoiser.begin(
            conditions.spec,
            memory,
            seed=section_seed(plan.seed, index),
            steps=plan.denoising_steps,
            guidance_scale=plan.guidance_scale,
        )
        return DraftState(plan, index, draft, arranger, mixer, self._denoiser)

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance the states of several sections by one denoising step; see `Engine.denoise`."""
        self._denoiser.denoise([_draft(state) for state in states])

    def save_section(self, state: SectionState) -> bytes:
        """Serialize a composed section (score, arrangement, sung notes) to bytes; see `Engine.save_section`."""
        return saving.save(_own(state).composed, self._bank, ())

    def restore_section(
        self, plan: SongPlan, index: int, saved: bytes, context: SectionContext | None
    ) -> FinishedState:
        """Restore a section that was composed and serialized earlier, to be rendered after the section of `context`;
        see `Engine.restore_section`.
        """
        composed = saving.load(saved, self._bank, ())
        assert isinstance(composed, ComposedSection)
        assert context is None or isinstance(context, StudioContext)
        return FinishedState(plan, index, composed, context.mixer if context else self._mixer(plan))

    def context(self, state: SectionState) -> StudioContext:
        """Return the state that a finished section hands on to the next one: melodies, arranger state and mixer."""
        own = _own(state)
        return StudioContext(own.composed.memory, own.composed.arranger, own.mixer)

    def score(self, state: SectionState) -> SectionScore:
        """Return the score of a finished section: the times of its sung syllables, its chords, and a MIDI file."""
        own = _own(state)
        assert own.plan.tempo_bpm is not None
        syllables = tuple(syllable.text for line in own.section.lines for syllable in line.syllables)
        chords = named_chords(own.composed.score.chords, detail_of(own.plan).section_key(own.index))
        midi = section_midi(own.composed.score, own.composed.arrangement, syllables, own.plan.tempo_bpm, chords)
        return SectionScore(
            syllable_timings(own.section, whole_tune(own.composed.vocals)),
            midi,
            chord_spans(chords, own.section, own.plan.tempo_bpm),
        )

    def render(self, state: SectionState) -> Iterator[Window]:
        """Yield the stereo sound of a finished section in windows (blocks of samples); see `Engine.render`."""
        own = _own(state)
        assert own.plan.tempo_bpm is not None
        detail = detail_of(own.plan)
        bars_before = sum(section.bars for section in detail.sections[: own.index])
        samples = partial(samples_of, tempo_bpm=own.plan.tempo_bpm, beats_per_bar=detail.style.beats_per_bar)
        return own.mixer.render(
            own.composed.arrangement,
            samples(bars_before),
            samples(bars_before + own.composed.score.bars),
            vocals=own.composed.vocals,
            first_window=FIRST_WINDOW_SAMPLES if own.index == 0 else WINDOW_SAMPLES,
            window=WINDOW_SAMPLES,
            final=own.final,
        )

    def save(self, state: SectionState) -> bytes:
        """Serialize the state that a section hands on to the next one: melodies, arranger state and mixer; see
        `Engine.save`.
        """
        context = self.context(state)
        return saving.save(context, self._bank, context.mixer.shared())

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> StudioContext:
        """Restore the state that one section hands on to the next, from the bytes that `save` returned; see
        `Engine.restore`.
        """
        context = saving.load(saved, self._bank, self._mixer(plan).shared())
        assert isinstance(context, StudioContext)
        return context

    def check(self) -> None:
        """Do nothing, because a CPU needs no check; see `Engine.check`."""

    def _mixer(self, plan: SongPlan) -> Mixer:
        assert plan.tempo_bpm is not None
        detail = detail_of(plan)
        return Mixer(
            self._bank,
            detail.style,
            tempo_bpm=plan.tempo_bpm,
            singers=self._singers(plan) if plan.voice else None,
            vocal_level_db=detail.vocal_level_db,
            stems=detail.stems,
            seed=plan.seed,
        )

    def _singers(self, plan: SongPlan) -> dict[Singer, Vocalist]:
        assert plan.voice is not None
        style = detail_of(plan).style
        return choir(
            self._voices,
            plan.voice,
            plan.seed,
            manner=manner_of(style.genre),
            duet=_is_duet(plan),
            whispered=Way.WHISPERED in style.ways,
        )


def _is_duet(plan: SongPlan) -> bool:
    return any(line.voices not in {(), (plan.voice,)} for section in plan.sections for line in section.lines)


def _opening(
    conditions: StudioConditions, context: SectionContext | None
) -> tuple[Memory, ArrangerState | None, Mixer]:
    if context is None:
        assert conditions.mixer is not None
        return Memory(), None, conditions.mixer
    assert isinstance(context, StudioContext)
    return context.memory, context.arranger, context.mixer


def _own(state: SectionState) -> StudioState:
    if not isinstance(state, StudioState):
        raise TypeError("the section state was not made by the studio engine. This is a bug: please report it")
    return state


def _draft(state: SectionState) -> ScoreState:
    if not isinstance(state, DraftState):
        raise TypeError("the section is finished and cannot be denoised. This is a bug: please report it")
    return state.draft

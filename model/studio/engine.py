"""The studio engine: plan, denoise, arrange, sing and play a song on a CPU."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model.engine import EngineInfo, EngineUnavailable, SectionConditions, SectionContext, SectionState
from model.song import (
    ALL_STEMS,
    AnchorNote,
    Control,
    SectionKind,
    SectionPlan,
    SectionScore,
    SongParams,
    SongPlan,
    SyllableTiming,
    Voice,
    Window,
)
from model.studio import saving
from model.studio.arrange.arranger import Hand, arrange
from model.studio.arrange.vocals import Words, vocal_parts
from model.studio.composing.denoiser import Memory, ScoreDenoiser, ScoreState, SectionBrief, rows
from model.studio.composing.motif import Motif, motif_of
from model.studio.composing.token_layout import padded_length
from model.studio.lyrics import mandarin
from model.studio.notation.arrangement import Arrangement
from model.studio.notation.chords import chord_spans, named_chords
from model.studio.notation.midi import section_midi
from model.studio.notation.score import STEPS_PER_BAR, STEPS_PER_BEAT, Note, Score
from model.studio.planning.hook import quotation
from model.studio.planning.plan import StudioDetail, plan_song
from model.studio.sound.bank import InstrumentBank
from model.studio.sound.mixer import Mixer
from model.studio.style import Instrument
from model.studio.voice import english
from model.studio.voice.bank import VoiceBank
from model.studio.voice.phrasing import SungNote
from model.studio.voice.vocalist import SEMITONES, Singer, choir

SAMPLE_RATE_HERTZ = 48_000
# The listener waits for the first window, so it is short; later ones are long because a call costs a little.
FIRST_WINDOW_SAMPLES = SAMPLE_RATE_HERTZ // 2
WINDOW_SAMPLES = SAMPLE_RATE_HERTZ
_STATE_BYTES = 4 << 20

INFO = EngineInfo(
    name="studio",
    description="Symbolic score diffusion, sung by a recorded voice and played by sampled instruments; runs on a CPU.",
    languages=("zh", "en"),
    sample_rate_hertz=SAMPLE_RATE_HERTZ,
    duration_seconds=(10.0, 240.0),
    steps=(10, 100),
    default_steps=12,
    guidance_scale=(1.0, 4.0),
    default_guidance_scale=1.5,
    controls=frozenset(Control),
    stems=ALL_STEMS,
    voices=frozenset(Voice),
)


@dataclass(frozen=True, slots=True)
class StudioContext:
    """What a section leaves behind: the tunes so far, the players' hands, and the mixer with all that still rings."""

    memory: Memory
    hand: Hand
    mixer: Mixer


@dataclass(frozen=True, slots=True)
class Written:
    """A finished section on paper."""

    score: Score
    arrangement: Arrangement
    vocals: Mapping[Singer, tuple[SungNote, ...]]
    memory: Memory
    hand: Hand


@dataclass(frozen=True, slots=True)
class StudioConditions:
    """What a section is written under. The first one brings the song's mixer along."""

    brief: SectionBrief
    steps: int
    cost: int
    length: int
    memory_bytes: int
    mixer: Mixer | None
    group: str = ""


class StudioState:
    """One section on its way from noise to paper."""

    def __init__(
        self, plan: SongPlan, index: int, draft: ScoreState, hand: Hand | None, mixer: Mixer, denoiser: ScoreDenoiser
    ) -> None:
        self.plan = plan
        self.index = index
        self.draft = draft
        self.mixer = mixer
        self._hand = hand
        self._denoiser = denoiser

    @property
    def step(self) -> int:
        """Steps already done."""
        return self.draft.step

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.draft.steps

    @property
    def section(self) -> SectionPlan:
        """The plan of this section."""
        return self.plan.sections[self.index]

    @property
    def final(self) -> bool:
        """Whether the song ends with this section."""
        return self.index == len(self.plan.sections) - 1

    @cached_property
    def written(self) -> Written:
        """The section on paper; only after its last step."""
        score, memory = self._denoiser.finish(self.draft)
        detail = _detail(self.plan)
        following = None if self.final else self.plan.sections[self.index + 1].kind
        arrangement, hand = arrange(
            score,
            self.section.kind,
            detail.style,
            previous=self._hand,
            following=following,
            seed=section_seed(self.plan.seed, self.index),
            sung=bool(self.section.lines),
        )
        sounding = score.transposed(SEMITONES[self.plan.voice]) if self.plan.voice and self.section.lines else score
        words = Words(self.section.kind, tuple(s for line in self.section.lines for s in line.syllables))
        vocals = vocal_parts(words, sounding, detail.style, tonic=detail.key.tonic)
        return Written(sounding, arrangement, vocals, memory, hand)


class StudioEngine:
    """Symbolic score diffusion, sung and played, behind `model.engine.Engine`."""

    def __init__(self, denoiser: ScoreDenoiser, bank: InstrumentBank, voices: VoiceBank) -> None:
        self._denoiser = denoiser
        self._bank = bank
        self._voices = voices

    @classmethod
    def load(cls, device: str) -> "StudioEngine":
        """Load the shipped weights and voice, and decode the instruments, so that no listener waits for it.

        Raises:
            EngineUnavailable: a shipped file is missing or damaged, or `device` is not the CPU.
        """
        if device != "cpu":
            raise EngineUnavailable(f"studio runs on the device 'cpu', not on {device!r}; set MELISMA_DEVICES to cpu")
        bank = InstrumentBank.load()
        bank.warm(Instrument)
        english.load()
        mandarin.load()
        return cls(ScoreDenoiser.load(), bank, VoiceBank.load())

    def info(self) -> EngineInfo:
        """Limits and defaults of the studio engine."""
        return INFO

    def plan(self, params: SongParams) -> SongPlan:
        """Lay out the song in bars; see `Engine.plan`."""
        return plan_song(params, INFO)

    def prepare(self, plan: SongPlan, index: int) -> StudioConditions:
        """What a section is written under; see `Engine.prepare`."""
        wanted = brief(plan, index)
        length = padded_length(wanted, follows=index > 0)
        return StudioConditions(
            brief=wanted,
            steps=plan.steps,
            cost=rows(plan.guidance_scale) * length,
            length=length,
            memory_bytes=_STATE_BYTES,
            mixer=self._mixer(plan) if index == 0 else None,
        )

    def begin(
        self, plan: SongPlan, index: int, conditions: SectionConditions, context: SectionContext | None
    ) -> StudioState:
        """Open a section; see `Engine.begin`."""
        assert isinstance(conditions, StudioConditions)
        memory, hand, mixer = _opening(conditions, context)
        draft = self._denoiser.begin(
            conditions.brief,
            memory,
            seed=section_seed(plan.seed, index),
            steps=plan.steps,
            guidance_scale=plan.guidance_scale,
        )
        return StudioState(plan, index, draft, hand, mixer, self._denoiser)

    def denoise(self, states: Sequence[SectionState]) -> None:
        """Advance all states by one step; see `Engine.denoise`."""
        self._denoiser.denoise([_own(state).draft for state in states])

    def context(self, state: SectionState) -> StudioContext:
        """Tunes, hands and mixer after a finished section."""
        own = _own(state)
        return StudioContext(own.written.memory, own.written.hand, own.mixer)

    def score(self, state: SectionState) -> SectionScore:
        """Syllable times and MIDI of a finished section."""
        own = _own(state)
        assert own.plan.tempo_bpm is not None
        syllables = tuple(syllable.text for line in own.section.lines for syllable in line.syllables)
        chords = named_chords(own.written.score.chords, _detail(own.plan).key)
        midi = section_midi(own.written.score, own.written.arrangement, syllables, own.plan.tempo_bpm, chords)
        return SectionScore(
            syllable_timings(own.section, own.written.vocals.get(Singer.LEAD, ())),
            midi,
            chord_spans(chords, own.section, own.plan.tempo_bpm),
        )

    def render(self, state: SectionState) -> Iterator[Window]:
        """Play a finished section; see `Engine.render`."""
        own = _own(state)
        bars_before = sum(section.bars for section in _detail(own.plan).sections[: own.index])
        return own.mixer.render(
            own.written.arrangement,
            _sample(own.plan, bars_before),
            _sample(own.plan, bars_before + own.written.score.bars),
            vocals=own.written.vocals,
            first_window=FIRST_WINDOW_SAMPLES if own.index == 0 else WINDOW_SAMPLES,
            window=WINDOW_SAMPLES,
            final=own.final,
        )

    def save(self, state: SectionState) -> bytes:
        """Tunes, hands and mixer as bytes; see `Engine.save`."""
        context = self.context(state)
        return saving.save(context, self._bank, context.mixer.shared())

    def restore(self, plan: SongPlan, index: int, saved: bytes) -> StudioContext:
        """Tunes, hands and mixer from bytes; see `Engine.restore`."""
        context = saving.load(saved, self._bank, self._mixer(plan).shared())
        assert isinstance(context, StudioContext)
        return context

    def _mixer(self, plan: SongPlan) -> Mixer:
        assert plan.tempo_bpm is not None
        detail = _detail(plan)
        return Mixer(
            self._bank,
            detail.style,
            tempo_bpm=plan.tempo_bpm,
            singers=choir(self._voices, plan.voice, plan.seed) if plan.voice else None,
            vocal_level_db=detail.vocal_level_db,
            stems=detail.stems,
            seed=plan.seed,
        )


def _opening(conditions: StudioConditions, context: SectionContext | None) -> tuple[Memory, Hand | None, Mixer]:
    if context is None:
        assert conditions.mixer is not None
        return Memory(), None, conditions.mixer
    assert isinstance(context, StudioContext)
    return context.memory, context.hand, context.mixer


def brief(plan: SongPlan, index: int) -> SectionBrief:
    """What the denoiser has to know about section `index`."""
    detail, section = _detail(plan), plan.sections[index]
    assert plan.tempo_bpm is not None
    quoted = quotation(plan, detail, index)
    lines = tuple(tuple(syllable.tone for syllable in line.syllables) for line in section.lines)
    return SectionBrief(
        kind=SectionKind.CHORUS if quoted else section.kind,
        bars=detail.sections[index].bars,
        lines=quoted.lines if quoted else lines,
        line_bars=quoted.line_bars if quoted else detail.sections[index].line_bars,
        motif=_motif(detail, index),
        played=quoted is not None,
        minor=detail.minor,
        transpose=detail.transpose,
        tempo_bpm=plan.tempo_bpm,
        density=detail.style.density,
        anchor=_anchor_notes(detail.sections[index].anchor),
        final=index == len(plan.sections) - 1,
        pentatonic=detail.style.pentatonic,
        chord_pace=detail.style.chord_pace,
    )


def _motif(detail: StudioDetail, index: int) -> Motif | None:
    """How the caller's melody begins, from the section on that has it."""
    anchors = (section.anchor for section in detail.sections[: index + 1] if section.anchor)
    first = next(anchors, None)
    return motif_of(_anchor_notes(first)) if first else None


def _anchor_notes(anchor: Sequence[AnchorNote]) -> tuple[Note, ...]:
    notes, start = [], 0.0
    for given in anchor:
        end = start + given.length_beats
        first, after = round(start * STEPS_PER_BEAT), round(end * STEPS_PER_BEAT)
        if given.pitch is not None and after > first:
            notes.append(Note(first, after - first, given.pitch))
        start = end
    return tuple(notes)


def section_seed(song_seed: int, index: int) -> int:
    """The section's own seed, unrelated to those of its neighbours and of other songs."""
    return int(np.random.SeedSequence((song_seed, index)).generate_state(1)[0])


def syllable_timings(section: SectionPlan, sung: Sequence[SungNote]) -> tuple[SyllableTiming, ...]:
    """When the vowel of each syllable of the section begins, and when the syllable ends, its melisma included."""
    places = [
        (i, j, syllable.text) for i, line in enumerate(section.lines) for j, syllable in enumerate(line.syllables)
    ]
    return tuple(
        SyllableTiming(line, syllable, text, section.start_seconds + start, section.start_seconds + end)
        for (line, syllable, text), (start, end) in zip(places, _spans(sung), strict=True)
    )


def _spans(sung: Sequence[SungNote]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for note in sung:
        if note.utterance is None:
            spans[-1] = (spans[-1][0], note.end)
        else:
            spans.append((note.start, note.end))
    return spans


def _sample(plan: SongPlan, bars: int) -> int:
    assert plan.tempo_bpm is not None
    return round(bars * STEPS_PER_BAR * SAMPLE_RATE_HERTZ * 60.0 / plan.tempo_bpm / STEPS_PER_BEAT)


def _detail(plan: SongPlan) -> StudioDetail:
    if not isinstance(plan.detail, StudioDetail):
        raise TypeError("this plan was not made by the studio engine. This is a bug.")
    return plan.detail


def _own(state: SectionState) -> StudioState:
    if not isinstance(state, StudioState):
        raise TypeError("this state was not begun by the studio engine. This is a bug.")
    return state

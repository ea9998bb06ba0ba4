"""Defines one section of a song in the studio engine: its conditions, its state while it is composed, and its
result.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from model.song import SectionPlan, SongPlan, Voice
from model.studio.arrange.arranger import ArrangerState, arrange
from model.studio.arrange.context import Turn
from model.studio.arrange.duet import Share, as_sung, other_semitones, share_of
from model.studio.arrange.vocals import Words, vocal_parts
from model.studio.composing.denoiser import Memory, ScoreDenoiser, SectionSpec
from model.studio.composing.score_state import ScoreState
from model.studio.lyrics.stress import stresses
from model.studio.notation.arrangement import Arrangement
from model.studio.notation.score import Score
from model.studio.planning.plan import CONTINUED
from model.studio.planning.section_spec import section_seed
from model.studio.planning.studio_detail import detail_of
from model.studio.sound.mixer import Mixer
from model.studio.voice.performance.expression import Accent
from model.studio.voice.phrasing import SungNote
from model.studio.voice.vocalist import SEMITONES, Singer


@dataclass(frozen=True, slots=True)
class StudioContext:
    """State that a section takes over from the previous one: the melodies so far, the state of the arranger, and the
    mixer with its decaying notes.
    """

    memory: Memory
    arranger: ArrangerState
    mixer: Mixer


@dataclass(frozen=True, slots=True)
class ComposedSection:
    """The result of composing a section: its score, its arrangement and its sung notes."""

    score: Score
    arrangement: Arrangement
    vocals: Mapping[Singer, tuple[SungNote, ...]]
    memory: Memory
    arranger: ArrangerState


@dataclass(frozen=True, slots=True)
class StudioConditions:
    """The input for composing one section: its specification, its number of denoising steps, and the work that it
    needs. `cost` is the number of tokens that one denoising step computes (twice as many with classifier-free
    guidance), `length` the number of tokens of the section after padding. `mixer` is the mixer of the song, only for
    the first section.
    """

    spec: SectionSpec
    steps: int
    cost: int
    length: int
    memory_bytes: int
    mixer: Mixer | None
    group: str = ""


class StudioState(ABC):
    """The state of one section while it is denoised and rendered, with the mixer that renders its voices and
    instruments to sound.
    """

    def __init__(self, plan: SongPlan, index: int, mixer: Mixer) -> None:
        self.plan = plan
        self.index = index
        self.mixer = mixer

    @property
    @abstractmethod
    def step(self) -> int:
        """Number of denoising steps of this section that are done."""

    @property
    def steps(self) -> int:
        """Total number of denoising steps of the section."""
        return self.plan.denoising_steps

    @property
    def group(self) -> str:
        """Name of the batching group; empty, because all sections of this engine may be denoised in one batch."""
        return ""

    @property
    def ends_song(self) -> bool:
        """True if the song ends with this section before the end of its plan; always False, because songs of this
        engine end with the last planned section.
        """
        return False

    @property
    @abstractmethod
    def composed(self) -> ComposedSection:
        """The composed section (score, arrangement, sung notes); available only after the last denoising step."""

    @property
    def section(self) -> SectionPlan:
        """The plan of the section that this state belongs to."""
        return self.plan.sections[self.index]

    @property
    def final(self) -> bool:
        """True if this section is the last one of the song."""
        return self.index == len(self.plan.sections) - 1


class DraftState(StudioState):
    """The state of a section that this process denoises, from noise to the composed section."""

    def __init__(
        self,
        plan: SongPlan,
        index: int,
        draft: ScoreState,
        arranger: ArrangerState | None,
        mixer: Mixer,
        denoiser: ScoreDenoiser,
    ) -> None:
        """Set up the state of section `index`. `draft` is the score to be denoised by `denoiser`; `arranger` is the
        state of the arranger after the previous section, `None` for the first section.
        """
        super().__init__(plan, index, mixer)
        self.draft = draft
        self._arranger = arranger
        self._denoiser = denoiser

    @property
    def step(self) -> int:
        """Number of denoising steps of this section that are done."""
        return self.draft.step

    @property
    def composed(self) -> ComposedSection:
        """The composed section (score, arrangement, sung notes); available only after the last denoising step."""
        return self._composed

    @cached_property
    def _composed(self) -> ComposedSection:
        score, memory = self._denoiser.finish(self.draft)
        detail = detail_of(self.plan)
        following = None if self.final else self.plan.sections[self.index + 1].kind
        turn = _turn(self.plan, self.index)
        arrangement, arranger = arrange(
            score,
            self.section.kind,
            detail.style,
            previous=self._arranger,
            following=following,
            seed=section_seed(self.plan.seed, self.index),
            sung=bool(self.section.lines),
            turn=turn,
            lifted=_lifted(self.plan, self.index),
        )
        sounding = score.transposed(SEMITONES[self.plan.voice]) if self.plan.voice and self.section.lines else score
        words = replace(_words(self.section, self.plan.voice), turn=turn)
        tonic = detail.section_key(self.index).tonic
        seed = section_seed(self.plan.seed, self.index)
        vocals = vocal_parts(words, sounding, detail.style, tonic=tonic, seed=seed)
        if words.shares:
            sounding = as_sung(sounding, words.shares, words.other_semitones)
        return ComposedSection(sounding, arrangement, vocals, memory, arranger)


def _turn(plan: SongPlan, index: int) -> Turn:
    """Return the position of section `index` among the sections of its kind in the song. A section and the sections
    that continue it count as one.
    """
    starts = [section.index for section in plan.sections if section.kind is plan.sections[index].kind]
    starts = [start for start in starts if not plan.sections[start].label.endswith(CONTINUED)]
    return Turn(sum(start <= index for start in starts) - 1, len(starts))


def _lifted(plan: SongPlan, index: int) -> int:
    """Return the number of semitones by which the key of section `index` lies above that of the previous section."""
    sections = detail_of(plan).sections
    return sections[index].lift - sections[max(index - 1, 0)].lift


def _words(section: SectionPlan, own: Voice | None) -> Words:
    """Return the sung syllables of a section with their accents. In a section in which the second voice of a duet
    sings, too, each syllable also has the voice that sings it. `own` is the lead voice of the song; `None` for a song
    that nobody sings.
    """
    syllables = tuple(syllable for line in section.lines for syllable in line.syllables)
    accents = tuple(
        Accent(number, min(float(stress), 1.0))
        for number, line in enumerate(section.lines)
        for stress in stresses(line)
    )
    if own is None or all(share_of(line, own) is Share.OWN for line in section.lines):
        return Words(section.kind, syllables, accents)
    shares = tuple(share_of(line, own) for line in section.lines for _ in line.syllables)
    return Words(section.kind, syllables, accents, shares, other_semitones(own))


class FinishedState(StudioState):
    """The state of a section that was composed earlier, by this or another process, and restored from bytes."""

    def __init__(self, plan: SongPlan, index: int, composed: ComposedSection, mixer: Mixer) -> None:
        super().__init__(plan, index, mixer)
        self._composed = composed

    @property
    def step(self) -> int:
        """Number of denoising steps of this section that are done: all of them."""
        return self.steps

    @property
    def composed(self) -> ComposedSection:
        """The composed section (score, arrangement, sung notes), as restored from bytes."""
        return self._composed

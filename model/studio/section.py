"""One section of a song while the studio engine makes it: its conditions, its state, and its result."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from model.song import SectionPlan, SongPlan, Voice
from model.studio.arrange.arranger import Hand, arrange
from model.studio.arrange.duet import Share, as_sung, other_semitones, share_of
from model.studio.arrange.vocals import Words, vocal_parts
from model.studio.composing.denoiser import Memory, ScoreDenoiser, ScoreState, SectionBrief
from model.studio.notation.arrangement import Arrangement
from model.studio.notation.score import Score
from model.studio.planning.plan import detail_of
from model.studio.planning.section_brief import section_seed
from model.studio.sound.mixer import Mixer
from model.studio.voice.phrasing import SungNote
from model.studio.voice.vocalist import SEMITONES, Singer


@dataclass(frozen=True, slots=True)
class StudioContext:
    """Context for the next section: tunes so far, state of the arranger, and the mixer with sounds that still decay."""

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
    """Conditions of a section. Those of the first section hold the song's mixer."""

    brief: SectionBrief
    steps: int
    cost: int
    length: int
    memory_bytes: int
    mixer: Mixer | None
    group: str = ""


class StudioState(ABC):
    """One section of a song, and the desk that it is played on."""

    def __init__(self, plan: SongPlan, index: int, mixer: Mixer) -> None:
        self.plan = plan
        self.index = index
        self.mixer = mixer

    @property
    @abstractmethod
    def step(self) -> int:
        """Steps already done."""

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.plan.steps

    @property
    @abstractmethod
    def written(self) -> Written:
        """The section on paper; only after its last step."""

    @property
    def section(self) -> SectionPlan:
        """The plan of this section."""
        return self.plan.sections[self.index]

    @property
    def final(self) -> bool:
        """True where the song ends with this section."""
        return self.index == len(self.plan.sections) - 1


class DraftState(StudioState):
    """One section on its way from noise to paper."""

    def __init__(
        self, plan: SongPlan, index: int, draft: ScoreState, hand: Hand | None, mixer: Mixer, denoiser: ScoreDenoiser
    ) -> None:
        """`hand` is how the players ended the section before, if there was one."""
        super().__init__(plan, index, mixer)
        self.draft = draft
        self._hand = hand
        self._denoiser = denoiser

    @property
    def step(self) -> int:
        """Steps already done."""
        return self.draft.step

    @property
    def written(self) -> Written:
        """The section on paper; only after its last step."""
        return self._written

    @cached_property
    def _written(self) -> Written:
        score, memory = self._denoiser.finish(self.draft)
        detail = detail_of(self.plan)
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
        words = _words(self.section, self.plan.voice)
        vocals = vocal_parts(words, sounding, detail.style, tonic=detail.key.tonic)
        if words.shares:
            sounding = as_sung(sounding, words.shares, words.other_semitones)
        return Written(sounding, arrangement, vocals, memory, hand)


def _words(section: SectionPlan, own: Voice | None) -> Words:
    """The words of a section, and their singers where these are not the song's own voice alone."""
    syllables = tuple(syllable for line in section.lines for syllable in line.syllables)
    if own is None or all(share_of(line, own) is Share.OWN for line in section.lines):
        return Words(section.kind, syllables)
    shares = tuple(share_of(line, own) for line in section.lines for _ in line.syllables)
    return Words(section.kind, syllables, shares, other_semitones(own))


class FinishedState(StudioState):
    """One section that another process has put on paper."""

    def __init__(self, plan: SongPlan, index: int, written: Written, mixer: Mixer) -> None:
        super().__init__(plan, index, mixer)
        self._written = written

    @property
    def step(self) -> int:
        """All steps."""
        return self.steps

    @property
    def written(self) -> Written:
        """The section on paper."""
        return self._written

"""Specification of a song: all parameters of a request, with nothing left open. The module is free of torch."""

from dataclasses import dataclass

from model.song import AnchorNote, AudioToAudio, Extend


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """A section in frames of the song.

    Its tokens are made up to frame `known`, from those from frame `window` on; its sound ends before frame `end`. The
    frames between have to be known before, since the codec sees them. `ticks` tokens are made one after the other, in
    `steps` steps.
    """

    window: int
    known: int
    end: int
    ticks: int
    steps: int

    def ticks_before(self, step: int) -> int:
        """Return the number of ticks done before step `step`; the ticks are divided about evenly among the steps."""
        return self.ticks * step // self.steps


@dataclass(frozen=True, slots=True)
class GenerationSpec:
    """A song's plan as the engine keeps it.

    Of `frames` frames the first `given` are those of the end of a recording that is extended; `before` samples of the
    recording precede them. The song follows the melody of `notes` at `tempo_bpm`, or that of a recording that it is
    made from.
    """

    text: str
    frames: int
    given: int
    before: int
    sections: tuple[SectionSpec, ...]
    seed: int
    guidance: float
    top_k: int
    temperature: float
    notes: tuple[AnchorNote, ...]
    tempo_bpm: float
    task: AudioToAudio | Extend | None

    @property
    def strength(self) -> float:
        """The influence of a melody, 0 to 1."""
        return self.task.strength if isinstance(self.task, AudioToAudio) else 1.0

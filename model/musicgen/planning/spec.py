"""Specification of a song: all parameters of a request, with every default filled in. The module does not import
torch.
"""

from dataclasses import dataclass

from model.song import AnchorNote
from model.tasks import AudioToAudio, Extend


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """Specification of a section; frames are counted from the start of the song.

    The model attends to the tokens from frame `window` on, and generates tokens up to frame `known`: afterwards the
    codes of all earlier frames are known. The sound of the section ends before frame `end`; the codec needs the later
    frames to decode the end of the section. `ticks` columns of tokens are generated one after the other, in `steps`
    steps.
    """

    window: int
    known: int
    end: int
    ticks: int
    steps: int

    def ticks_before(self, step: int) -> int:
        """Return the number of token columns generated before step `step`; the columns are divided about evenly among
        the steps.
        """
        return self.ticks * step // self.steps


@dataclass(frozen=True, slots=True)
class GenerationSpec:
    """All parameters of a song, with every default filled in.

    The first `given` of the `frames` frames are the end of a recording that the song continues; `before` is the number
    of samples in the recording before these frames. The song follows the melody of `notes` at `tempo_bpm`, or the
    melody of a source recording.
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
        """The influence of the melody on the song, 0 to 1."""
        return self.task.strength if isinstance(self.task, AudioToAudio) else 1.0

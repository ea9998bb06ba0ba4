"""Defines the token layout of a section: the token sequence of the score network, in which known tokens are written."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.studio.composing.conditions import Conditions, Hint, Style, tempo_index
from model.studio.composing.network.condition_encoder import Known
from model.studio.composing.section_spec import SectionSpec
from model.studio.composing.tokens import HOLD, REST, Classes
from model.studio.notation.score import BEATS_PER_BAR, STEPS_PER_BEAT


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """The token sequence of one section with the music before it: token classes, conditions and a mask of the known
    classes, padded to one of a few lengths.

    `melody` [beats, 4], `chords` [beats], `mask` [beats, 5], `hint` [beats, 4] and `per_beat` [beats, 5] (bar, left,
    kind, density, register) have one row per beat: `prefix` beats of the music before, the section's beats, then
    padding. The network's bars always have four beats; in a waltz (`beats_per_bar` 3) the fourth prolongs the third.
    """

    prefix: int
    beats: int
    melody: Classes
    chords: Classes
    mask: Classes
    hint: Classes
    per_beat: Classes
    beats_per_bar: int = BEATS_PER_BAR

    @property
    def section(self) -> slice | Classes:
        """Indices of the section's own beats: all of them, or in a waltz the first three of each of the network's
        bars.
        """
        if self.beats_per_bar == BEATS_PER_BAR:
            return slice(self.prefix, self.beats)
        beats = np.arange(self.prefix, self.beats)
        return beats[beats % BEATS_PER_BAR < self.beats_per_bar]

    @property
    def left_out(self) -> Classes:
        """Indices of the beats that only the network's four-beat bars have: the fourth beat of each bar in a waltz."""
        beats = np.arange(self.beats)
        return beats[beats % BEATS_PER_BAR >= self.beats_per_bar]

    def section_of(self, values: Tensor) -> Tensor:
        """Return the part of a network output [beats, ...] that belongs to the section."""
        section = self.section
        return values[section] if isinstance(section, slice) else values[torch.from_numpy(section)]

    def section_melody(self) -> Classes:
        """Return a copy of the section's melody classes, [steps]."""
        return self.melody[self.section].reshape(-1).copy()

    def section_known(self) -> Classes:
        """Return a copy of the mask [steps] of the section's melody: 1 where the melody class is known."""
        return self.mask[self.section, :STEPS_PER_BEAT].reshape(-1).copy()

    def valid(self) -> Tensor:
        """Return the padding mask [1, tokens] of the token sequence: 1 for beats, 0 for padding."""
        return (torch.arange(len(self.chords)) < self.beats).float()[None]

    def conditions(self, spec: SectionSpec) -> Conditions:
        """Return the conditioning inputs of the network for this section, as a batch of one."""
        bar, left, kind, density, register = torch.from_numpy(self.per_beat)[None].unbind(-1)
        beat = torch.arange(len(self.chords)).remainder(BEATS_PER_BAR)[None]
        mode, tempo = torch.tensor([int(spec.minor)]), torch.tensor([tempo_index(spec.tempo_bpm)])
        hint, style = torch.from_numpy(self.hint)[None], torch.tensor([int(Style.POP)])
        return Conditions(beat, bar, left, kind, density, register, hint, mode, tempo, style)

    def known(self) -> Known:
        """Return the known token classes of the section and their mask, as a batch of one."""
        melody, chords, mask = map(torch.from_numpy, (self.melody, self.chords, self.mask))
        return Known(melody[None], chords[None], mask[None].float())

    def give_melody(self, melody: Classes, known: Classes) -> None:
        """Write the section's melody classes and the mask of its known steps, [steps] each, into the layout, and set
        the rhythm hints of known steps.
        """
        self.melody[self.section] = melody.reshape(-1, STEPS_PER_BEAT)
        self.mask[self.section, :STEPS_PER_BEAT] = known.reshape(-1, STEPS_PER_BEAT)
        given = self.mask[:, :STEPS_PER_BEAT] == 1
        self.hint[given] = hints_of(self.melody)[given]
        self.prolong()

    def give_chords(self, beats: slice, chords: Classes | int) -> None:
        """Write chord classes into beats of the section and mark them as known."""
        places = np.arange(len(self.chords))[self.section][beats]
        self.chords[places] = chords
        self.mask[places, STEPS_PER_BEAT] = 1
        self.prolong()

    def give_rhythm(self, hint: Classes) -> None:
        """Write the rhythm hints [steps] of the section into the layout."""
        self.hint[self.section] = hint.reshape(-1, STEPS_PER_BEAT)
        self.prolong()

    def prolong(self) -> None:
        """In a waltz, repeat the chord and hold the note of each bar's third beat on the fourth beat of the network's
        bar.
        """
        for beat in self.left_out.tolist():
            self.chords[beat] = self.chords[beat - 1]
            self.mask[beat, :STEPS_PER_BEAT] = self.mask[beat - 1, STEPS_PER_BEAT - 1]
            self.mask[beat, STEPS_PER_BEAT] = self.mask[beat - 1, STEPS_PER_BEAT]
            self.melody[beat] = min(int(self.melody[beat - 1, -1]), HOLD)
            self.hint[beat] = min(int(self.hint[beat - 1, -1]), Hint.HOLD)


def hints_of(melody: Classes) -> Classes:
    """Return the rhythm hint (rest, hold or onset) for each melody class, in the same shape."""
    return np.where(melody == REST, Hint.REST, np.where(melody == HOLD, Hint.HOLD, Hint.ONSET)).astype(np.int64)

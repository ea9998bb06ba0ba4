"""Sings a whole song with one voice: renders the notes of one section after another as continuous sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model.song import Voice
from model.studio.voice.bank import VoiceBank
from model.studio.voice.performance.manner import PLAIN, Manner
from model.studio.voice.phrasing import SungNote
from model.studio.voice.singer import Timbre, sing
from model.studio.voice.synthesis import Throat, VoiceSound


class Singer(StrEnum):
    """The role of a voice in a song: the lead, a harmony below the lead, a double of the lead, or the second singer of
    a duet.
    """

    LEAD = "lead voice"
    BACKING = "backing voice"
    DOUBLE = "double voice"
    SECOND = "second voice"


TIMBRES: Mapping[Voice, Timbre] = MappingProxyType(
    {
        Voice.FEMALE: Timbre(),
        Voice.MALE: Timbre(formants=0.86, breathiness=0.8, brightness_db=0.5, level_db=2.5),
    }
)
"""Timbre of each voice. The recorded voice is female; the male voice is derived from it with a longer vocal tract."""

SEMITONES: Mapping[Voice, int] = MappingProxyType({Voice.FEMALE: 0, Voice.MALE: -12})
"""Transposition of each voice in semitones, from the written melody to the sung one."""


_OTHER_THROAT, _OTHER_BREATH = 0.96, 1.3


_WHISPERED_BREATHINESS = 1000.0
"""Breathiness of a whisper, the largest that the recordings allow; its pitch stays audible."""


class Vocalist:
    """One singing voice of a song; renders the sung notes of the sections in order to mono sound."""

    def __init__(self, bank: VoiceBank, timbre: Timbre, seed: Sequence[int], manner: Manner = PLAIN) -> None:
        """Set up a singer; `seed` varies breaths, vibrato and pitch drift."""
        self._bank = bank
        self._timbre = timbre
        self._manner = manner
        self._throat = _throat(timbre.formants)
        self._seed = seed
        self._sounds: list[tuple[int, VoiceSound | Remainder]] = []
        self._position = 0

    @property
    def is_silent(self) -> bool:
        """True if all notes of this voice have ended."""
        return not self._sounds

    def prepare(self, notes: Sequence[SungNote], start: int) -> None:
        """Add the notes that this voice sings in a section, which begins at sample `start` of the song.

        Raises:
            ValueError: the first note has no utterance.
            KeyError: the bank does not have a recording that an utterance names.
        """
        if notes:
            seed = (*self._seed, start)
            frames = sing(notes, self._bank, self._timbre, notes[-1].end, seed, self._manner)
            self._sounds.append((start, VoiceSound(self._throat, frames, seed)))

    def render(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the sound of the samples [start, stop) of the song, mono; blocks must be rendered in order."""
        block = np.zeros(stop - start, np.float32)
        for first, sound in self._sounds:
            begin, end = max(start, first), min(stop, first + sound.samples)
            if begin < end:
                block[begin - start : end - start] += sound.render(begin - first, end - first)
        self._sounds = [(first, sound) for first, sound in self._sounds if first + sound.samples > stop]
        self._position = stop
        return block

    def shared(self) -> tuple[object, ...]:
        """Return the constant objects that several singers share, in a fixed order, so that a saved singer can refer to
        them.
        """
        return (self._bank, self._throat)

    def __getstate__(self) -> dict[str, object]:
        """Return the state to be pickled between two sections; the rest of the sound of the last notes is rendered and
        becomes part of the state.
        """
        sounds = [(self._position, _remainder(sound, self._position - first)) for first, sound in self._sounds]
        return {**self.__dict__, "_sounds": sounds}


@dataclass(frozen=True, slots=True)
class Remainder:
    """The rest of the sound of a section's singing, rendered in advance; in a saved state it replaces the voice
    frames.
    """

    sound: NDArray[np.float32]

    @property
    def samples(self) -> int:
        """Number of samples of the sound."""
        return len(self.sound)

    def render(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the samples [start, stop) of the sound."""
        return self.sound[start:stop]


@cache
def _throat(formants: float) -> Throat:
    """Return the vocal tract filter for a formant factor; all singers with the same factor share it."""
    return Throat(formants)


def _remainder(sound: VoiceSound | Remainder, start: int) -> Remainder:
    return Remainder(sound.render(start, sound.samples))


def _whispered(timbre: Timbre) -> Timbre:
    return replace(timbre, breathiness=_WHISPERED_BREATHINESS)


def choir(
    bank: VoiceBank,
    voice: Voice,
    seed: int,
    *,
    manner: Manner = PLAIN,
    duet: bool = False,
    whispered: bool = False,
) -> dict[Singer, Vocalist]:
    """Return the voices of a song by role: the lead singer, the backing singers and, in a `duet`, the second singer.

    `voice` is the voice of the lead singer. If `whispered` is True, all voices get as large a share of noise as a
    whisper.
    """
    own = TIMBRES[voice]
    behind = replace(own, formants=own.formants * _OTHER_THROAT, breathiness=own.breathiness * _OTHER_BREATH)
    timbres = {Singer.LEAD: own, Singer.BACKING: behind, Singer.DOUBLE: behind}
    if duet:
        timbres[Singer.SECOND] = next(timbre for other, timbre in TIMBRES.items() if other is not voice)
    if whispered:
        timbres = {singer: _whispered(timbre) for singer, timbre in timbres.items()}
    return {
        singer: Vocalist(bank, timbre, (seed, index), manner) for index, (singer, timbre) in enumerate(timbres.items())
    }

"""Effects on the singing voices before they are mixed with the accompaniment: equaliser, compressor, de-esser."""

from collections.abc import Sequence
from typing import Protocol

from model.studio.sound.effects import Compressor, DeEsser
from model.studio.sound.equaliser import Equaliser, bell, high_shelf, highpass, low_shelf
from model.studio.sound.reverb_send import ReverbSend
from model.studio.sound.tones import Samples
from model.studio.voice.phrasing import SungNote
from model.studio.voice.vocalist import Singer, Vocalist

_HIGHPASS_HERTZ = 90.0
_BODY_HERTZ, _BODY_DB = 600.0, -3.0
_PRESENCE_HERTZ, _PRESENCE_DB, _PRESENCE_QUALITY = 3200.0, 2.5, 0.8
_AIR_HERTZ, _AIR_DB = 2600.0, 6.5
_THRESHOLD_DB, _RATIO, _SECONDS = -24.0, 3.0, 0.02
_HISS_HERTZ, _HISS_THRESHOLD_DB, _HISS_RATIO, _HISS_SECONDS = 4500.0, -34.0, 4.0, 0.004

_BEHIND_HIGHPASS_HERTZ = 160.0
_BEHIND_HERTZ, _BEHIND_DB = 5000.0, -6.0

_BEHIND = frozenset({Singer.BACKING, Singer.DOUBLE})


class Stage(Protocol):
    """Protocol of a mono audio effect."""

    @property
    def is_silent(self) -> bool:
        """True if silent input would give silent output."""

    def run(self, sound: Samples) -> Samples:
        """Return the next block of sound with the effect applied."""


class Channel:
    """A singer with the chain of effects for a lead voice or a backing voice.

    For the lead voice the effects lower the low middle frequencies of the recordings and raise the high ones, and make
    the level and the sibilants even. The effects of backing voices soften their consonants, which would blur the
    consonants of the lead voice.
    """

    def __init__(self, who: Singer, singer: Vocalist, send_db: float) -> None:
        """Set up the chain of a singer in the role `who`; `send_db` is the level sent to the reverb within lines."""
        self.singer = singer
        self._stages = _behind() if who in _BEHIND else _lead()
        self.send = ReverbSend(send_db)

    @property
    def is_silent(self) -> bool:
        """True if the singer sings nothing and all earlier sound has decayed."""
        return self.singer.is_silent and all(stage.is_silent for stage in self._stages)

    def prepare(self, notes: Sequence[SungNote], start: int) -> None:
        """Add the notes that the singer sings in a section, which begins at sample `start` of the song.

        Raises:
            ValueError: the first note has no utterance.
            KeyError: the singer's voice does not have a recording that an utterance names.
        """
        self.singer.prepare(notes, start)
        self.send.expect(notes, start)

    def run(self, start: int, stop: int) -> Samples:
        """Return the samples [start, stop) of the song in mono: the singer's voice with the effects applied."""
        sound = self.singer.render(start, stop)
        for stage in self._stages:
            sound = stage.run(sound)
        return sound


def _lead() -> Sequence[Stage]:
    equaliser = Equaliser(
        highpass(_HIGHPASS_HERTZ),
        low_shelf(_BODY_HERTZ, _BODY_DB),
        bell(_PRESENCE_HERTZ, _PRESENCE_DB, _PRESENCE_QUALITY),
        high_shelf(_AIR_HERTZ, _AIR_DB),
        channels=1,
    )
    return (
        equaliser,
        Compressor(_THRESHOLD_DB, _RATIO, _SECONDS),
        DeEsser(_HISS_HERTZ, _HISS_THRESHOLD_DB, _HISS_RATIO, _HISS_SECONDS),
    )


def _behind() -> Sequence[Stage]:
    return (Equaliser(highpass(_BEHIND_HIGHPASS_HERTZ), high_shelf(_BEHIND_HERTZ, _BEHIND_DB), channels=1),)

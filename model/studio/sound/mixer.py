"""Mixes one song: renders all tracks, balances their levels and adds reverb, one window (block of samples) at a
time.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.song import ALL_STEMS, Stem, Window
from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.score import STEPS_PER_BEAT
from model.studio.sound.bank import InstrumentBank
from model.studio.sound.decibels import amplitude_of
from model.studio.sound.ducking import Presence, RoomForWords, level
from model.studio.sound.effects import Ensemble
from model.studio.sound.equaliser import Equaliser, bell, high_shelf, highpass, low_shelf
from model.studio.sound.reverb import Reverb, Room, impulse_response
from model.studio.sound.sampler import SampledNote, Sampler
from model.studio.sound.tones import Samples
from model.studio.sound.vocal_chain import Channel
from model.studio.sound.zones import SAMPLE_RATE_HERTZ
from model.studio.style import Style, Track
from model.studio.voice.phrasing import SungNote
from model.studio.voice.vocalist import Singer, Vocalist

_HIGHPASS_HERTZ = 80.0
_SEND_HIGHPASS_HERTZ = 220.0
_SHELF_HERTZ = 3500.0
_SHELF_RANGE_DB = 7.0
_WIDE_HERTZ, _WIDTH_DB = 150.0, 5.5
_TONE_HERTZ = (100.0, 600.0, 2600.0, 6000.0)
_TONE_QUALITY = 0.7
_FADE_SECONDS = 1.0
_DRIEST_DB = -12.0
_WETNESS_RANGE_DB = 9.0


@dataclass(frozen=True, slots=True)
class Strip:
    """Mix settings (channel strip) of a track or singer: its stem, its level in dB, its pan (-1 left to 1 right) and
    the level in dB that it sends to the reverb, of a singer within lines. `keeps_lows` is True for bass and drums,
    whose low frequencies are kept in the mix.
    """

    stem: Stem
    level_db: float
    pan: float
    send_db: float
    keeps_lows: bool = False


STRIPS: Mapping[Track | Singer, Strip] = {
    Singer.LEAD: Strip(Stem.VOCAL, 6.0, 0.0, -30.0),
    Singer.BACKING: Strip(Stem.VOCAL, -3.5, -0.55, -28.0),
    Singer.DOUBLE: Strip(Stem.VOCAL, -6.5, 0.55, -28.0),
    Singer.SECOND: Strip(Stem.VOCAL, 6.0, 0.0, -30.0),
    Track.LEAD: Strip(Stem.VOCAL, 3.0, 0.0, -8.0),
    Track.KEYS: Strip(Stem.HARMONY, -5.0, -0.2, -8.0),
    Track.GUITAR: Strip(Stem.HARMONY, -5.0, 0.45, -9.0),
    Track.PAD: Strip(Stem.HARMONY, -6.5, 0.0, -6.0),
    Track.BASS: Strip(Stem.BASS, 1.0, 0.0, -24.0, keeps_lows=True),
    Track.ARPEGGIO: Strip(Stem.ORNAMENTS, -2.0, -0.5, -6.0),
    Track.ORNAMENT: Strip(Stem.ORNAMENTS, -2.0, 0.5, -5.0),
    Track.DRUMS: Strip(Stem.DRUMS, -4.5, 0.0, -14.0, keeps_lows=True),
}
"""The mix settings of every song, before the changes by style and request; all instruments are equally loud before the
mix.
"""


_NOTHING_SUNG: Mapping[Singer, Sequence[SungNote]] = {}


class Mixer:
    """Renders the sections of one song in order to mixed stereo sound; decaying notes and reverb continue from one
    section into the next.
    """

    def __init__(
        self,
        bank: InstrumentBank,
        style: Style,
        *,
        tempo_bpm: float,
        singers: Mapping[Singer, Vocalist] | None = None,
        vocal_level_db: float = 0.0,
        stems: frozenset[Stem] = ALL_STEMS,
        seed: int = 0,
    ) -> None:
        """Set up the mixer of a song; only the tracks of the `stems` are audible. `seed` varies the reverb and the
        chorus effect.

        If there are `singers`, they form the vocal stem, and the lead instrument belongs to the stem of the ornaments;
        otherwise the lead instrument is the vocal stem. `vocal_level_db` is added to the level of the vocal stem.
        """
        strips = _strips(style, singers is not None, vocal_level_db)
        audible = {track for track, strip in strips.items() if strip.stem in stems}
        self._bank = bank
        self._samples_per_step = SAMPLE_RATE_HERTZ * 60.0 / tempo_bpm / STEPS_PER_BEAT
        self._samplers = {
            track: Sampler(bank, instrument) for track, instrument in style.instruments if track in audible
        }
        self._singers = _channels(singers or {}, strips, audible)
        self._gains = {track: _side_gains(strips[track]) for track in audible}
        self._sends = {track: np.float32(amplitude_of(strips[track].send_db)) for track in self._samplers}
        self._ensemble = Ensemble(phase=(seed % 997) / 997.0)
        self._reverb = Reverb(impulse_response(Room.of(style.reverb), seed))
        self._wet = np.float32(amplitude_of(_DRIEST_DB + _WETNESS_RANGE_DB * style.reverb))
        self._middle = Equaliser(highpass(_HIGHPASS_HERTZ), channels=1)
        width_db = _WIDTH_DB + style.width_db
        self._side = Equaliser(highpass(_HIGHPASS_HERTZ), low_shelf(_WIDE_HERTZ, -width_db), channels=1)
        self._width = np.float32(amplitude_of(width_db))
        self._presence, self._room_for_words = Presence(), RoomForWords()
        self._interlude_db = style.interlude_db if singers else 0.0
        self._send_highpass = Equaliser(highpass(_SEND_HIGHPASS_HERTZ), channels=1)
        self._tone = _tone(style)
        self._level = np.float32(amplitude_of(style.mix_db))
        self._position: int | None = None

    def shared(self) -> tuple[object, ...]:
        """Return the constant objects that all mixers of one song share, in a fixed order, so that a saved mixer can
        refer to them.
        """
        return (
            self._bank,
            *self._reverb.filters,
            *(part for c in self._singers.values() for part in c.singer.shared()),
        )

    def render(
        self,
        arrangement: Arrangement,
        start_sample: int,
        end_sample: int,
        *,
        vocals: Mapping[Singer, Sequence[SungNote]] = _NOTHING_SUNG,
        first_window: int,
        window: int,
        final: bool,
    ) -> Iterator[Window]:
        """Yield the samples [start_sample, end_sample) of the song window by window, float32 [2, samples] at 48 kHz;
        each window is computed when it is needed.

        `vocals` are the notes of the singers, in seconds from `start_sample`. Step s of the arrangement sounds s
        sixteenth notes after `start_sample`; notes before the start of the section are moved to it. The first window
        has `first_window` samples, each further one `window`, and the last one the samples that are left. A `final`
        section fades to zero over its last second. There is no limiter: samples may exceed 1.

        Raises:
            ValueError: the section does not begin where the last one ended, or a window is empty.
        """
        if self._position not in (None, start_sample) or min(first_window, window) < 1:
            raise ValueError(
                f"the section begins at sample {start_sample} instead of {self._position}, or a window is empty "
                f"({first_window}, {window} samples). This is a bug: please report it"
            )
        waiting = {track: self._scheduled(arrangement, track, start_sample) for track in self._samplers}
        for singer, channel in self._singers.items():
            channel.prepare(vocals.get(singer, ()), start_sample)
        self._presence.expect((note for notes in vocals.values() for note in notes), start_sample)
        position, size = start_sample, first_window
        while position < end_sample:
            stop = min(position + size, end_sample)
            mixed = self._window(waiting, position, stop) * self._level
            if final:
                mixed *= _fade(position, stop, end_sample)
            self._position = position = stop
            size = window
            yield mixed

    def _scheduled(self, arrangement: Arrangement, track: Track, start_sample: int) -> list[SampledNote]:
        """Return the notes of a track, with their times in samples of the song, sorted from the latest to the
        earliest.
        """
        notes = [self._sampled(note, start_sample) for note in arrangement.tracks.get(track, ())]
        return sorted(notes, key=lambda note: note.start, reverse=True)

    def _sampled(self, note: TrackNote, start_sample: int) -> SampledNote:
        start = start_sample + round(max(note.start, 0.0) * self._samples_per_step)
        stop = start_sample + round((note.start + note.length) * self._samples_per_step)
        return SampledNote(start, stop, note.pitch, note.velocity)

    def _window(self, waiting: Mapping[Track, list[SampledNote]], start: int, stop: int) -> Window:
        highs, lows = np.zeros((2, stop - start), np.float32), np.zeros((2, stop - start), np.float32)
        send = np.zeros(stop - start, np.float32)
        for track, sampler in self._samplers.items():
            sampler.start(_due(waiting[track], stop))
            if sampler.is_silent and track is not Track.PAD:
                continue
            sound = sampler.render(start, stop)
            if track is Track.PAD:
                sound = self._ensemble.run(sound, start)
            sound *= self._gains[track]
            send += self._sends[track] * (sound[0] + sound[1])
            bus = lows if STRIPS[track].keeps_lows else highs
            bus += sound
        present = self._presence.at(start, stop)
        mixed, back = self._band(highs, lows, present), level(present, self._interlude_db)
        mixed *= back
        send *= back
        for singer, channel in self._singers.items():
            if channel.is_silent:
                continue
            voice = channel.run(start, stop) * self._gains[singer]
            send += channel.send.gain(start, stop) * (voice[0] + voice[1])
            mixed += voice
        return self._tone.run(mixed + self._wet * self._reverb.run(self._send_highpass.run(send)))

    def _band(self, highs: Window, lows: Window, present: Samples) -> Window:
        """Return the mix of the accompaniment: the side signal louder and without low frequencies, the mid signal
        lowered while somebody sings. `highs` is the sum of the tracks whose low frequencies are removed, `lows` that of
        bass and drums; `present` is the envelope of the singing, from `Presence.at`.
        """
        middle = self._middle.run(highs[0] + highs[1]) + (lows[0] + lows[1])
        side = self._width * self._side.run((highs[0] - highs[1]) + (lows[0] - lows[1]))
        middle = self._room_for_words.run(middle, present)
        return np.stack([middle + side, middle - side]) * np.float32(0.5)


def _tone(style: Style) -> Equaliser:
    """Return the equaliser of the whole mix for a style's genre and brightness."""
    lows, low_middle, high_middle, highs = zip(_TONE_HERTZ, style.tone_db, strict=True)
    return Equaliser(
        low_shelf(*lows),
        bell(*low_middle, _TONE_QUALITY),
        bell(*high_middle, _TONE_QUALITY),
        high_shelf(*highs),
        high_shelf(_SHELF_HERTZ, (style.brightness - 0.5) * _SHELF_RANGE_DB),
        channels=2,
    )


def _strips(style: Style, sung: bool, vocal_level_db: float) -> dict[Track | Singer, Strip]:
    """Return the mix settings of each track and singer, with the level changes of the style and of the vocal stem
    (`vocal_level_db`) added. If the song is `sung`, the lead instrument belongs to the ornaments.
    """
    strips = dict(STRIPS)
    for track, added_db in style.levels_db:
        strips[track] = replace(strips[track], level_db=strips[track].level_db + added_db)
    for singer in Singer:
        strips[singer] = replace(strips[singer], level_db=strips[singer].level_db + style.vocal_db)
    if sung:
        strips[Track.LEAD] = replace(strips[Track.LEAD], stem=Stem.ORNAMENTS)
    return {
        track: replace(strip, level_db=strip.level_db + vocal_level_db) if strip.stem is Stem.VOCAL else strip
        for track, strip in strips.items()
    }


def _channels(
    singers: Mapping[Singer, Vocalist], strips: Mapping[Track | Singer, Strip], audible: Set[Track | Singer]
) -> dict[Singer, Channel]:
    """Return the channels of the audible singers, with the reverb sends of their strips."""
    return {who: Channel(who, singers[who], strips[who].send_db) for who in singers if who in audible}


def _due(waiting: list[SampledNote], stop: int) -> Sequence[SampledNote]:
    due = []
    while waiting and waiting[-1].start < stop:
        due.append(waiting.pop())
    return due


def _side_gains(strip: Strip) -> NDArray[np.float32]:
    """Return the gains of the left and right channels for a pan, shape [2, 1]; the louder channel keeps its level."""
    level = amplitude_of(strip.level_db)
    return np.array([[level * min(1.0, 1.0 - strip.pan)], [level * min(1.0, 1.0 + strip.pan)]], np.float32)


def _fade(start: int, stop: int, end: int) -> NDArray[np.float32]:
    """Return the gain of a fade-out for the samples [start, stop) of the song: half a cosine that reaches zero at
    sample `end`.
    """
    left = (end - 1 - np.arange(start, stop)) / (_FADE_SECONDS * SAMPLE_RATE_HERTZ)
    return (0.5 - 0.5 * np.cos(np.pi * np.clip(left, 0.0, 1.0))).astype(np.float32)

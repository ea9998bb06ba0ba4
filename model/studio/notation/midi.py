"""Writes a section as a standard MIDI file (type 1): tempo and chords, melody with lyrics, and a track for each
instrument.
"""

import io
from collections.abc import Iterator, Sequence

import mido

from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.chords import NamedChord
from model.studio.notation.score import STEPS_PER_BEAT, Note, Score
from model.studio.style import Track

TICKS_PER_BEAT = 480
_TICKS_PER_STEP = TICKS_PER_BEAT // STEPS_PER_BEAT
_DRUM_CHANNEL = 9
_DRUM_HIT_STEPS = 1.0

# At the same tick a note must end before the next one starts, and a syllable must come before its note.
_ORDER = {"note_off": 0, "lyrics": 1, "note_on": 2}


def section_midi(
    score: Score,
    arrangement: Arrangement,
    syllables: tuple[str, ...],
    tempo_bpm: float,
    chords: Sequence[NamedChord] = (),
) -> bytes:
    """Return the bytes of a MIDI file of one section, with the melody first and then one track per instrument.

    `syllables` are the section's syllables in singing order; `Note.syllable` indexes them. `chords` are written as MIDI
    markers.
    """
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    file.tracks.append(_conductor_track(score.beats_per_bar, tempo_bpm, chords))
    file.tracks.append(_melody_track(score.melody, syllables))
    for channel, (track, notes) in zip(_channels(), sorted(arrangement.tracks.items()), strict=False):
        file.tracks.append(_player_track(track, notes, channel))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _channels() -> list[int]:
    return [channel for channel in range(1, 16) if channel != _DRUM_CHANNEL]


def _conductor_track(beats_per_bar: int, tempo_bpm: float, chords: Sequence[NamedChord]) -> mido.MidiTrack:
    events: list[tuple[int, mido.MetaMessage]] = [
        (0, mido.MetaMessage("time_signature", numerator=beats_per_bar, denominator=4)),
        (0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm))),
    ]
    events += [(chord.start_beat * TICKS_PER_BEAT, mido.MetaMessage("marker", text=chord.symbol)) for chord in chords]
    return mido.MidiTrack(_timed(events))


def _melody_track(melody: tuple[Note, ...], syllables: tuple[str, ...]) -> mido.MidiTrack:
    events: list[tuple[int, mido.Message | mido.MetaMessage]] = []
    for note in melody:
        start = note.start * _TICKS_PER_STEP
        if note.syllable is not None:
            events.append((start, mido.MetaMessage("lyrics", text=syllables[note.syllable])))
        events += _note(start, note.end * _TICKS_PER_STEP, note.pitch, velocity=96, channel=0)
    return _track("melody", events)


def _player_track(track: Track, notes: tuple[TrackNote, ...], channel: int) -> mido.MidiTrack:
    drums = track is Track.DRUMS
    events: list[tuple[int, mido.Message | mido.MetaMessage]] = []
    for note in notes:
        length = _DRUM_HIT_STEPS if drums else note.length
        start = max(0, round(note.start * _TICKS_PER_STEP))
        end = max(start + 1, round((note.start + length) * _TICKS_PER_STEP))
        events += _note(start, end, note.pitch, note.velocity, _DRUM_CHANNEL if drums else channel)
    return _track(track.value, events)


def _note(start: int, end: int, pitch: int, velocity: int, channel: int) -> list[tuple[int, mido.Message]]:
    on = mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)
    off = mido.Message("note_off", note=pitch, velocity=0, channel=channel)
    return [(start, on), (end, off)]


def _track(name: str, events: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    ordered = sorted(events, key=lambda event: (event[0], _ORDER[event[1].type]))
    return mido.MidiTrack([mido.MetaMessage("track_name", name=name), *_timed(ordered)])


def _timed(events: Sequence[tuple[int, mido.Message | mido.MetaMessage]]) -> Iterator[mido.Message | mido.MetaMessage]:
    now = 0
    for tick, message in events:
        message.time = tick - now
        yield message
        now = tick

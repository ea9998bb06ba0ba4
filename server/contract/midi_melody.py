"""Extracts the melody from a MIDI file that a caller has sent."""

import heapq
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from model.song import AnchorNote, SongParams, Violation
from server.contract.midi_file import MidiFile, NotMidi, Press, Track, read_midi
from server.errors import InvalidRequest
from server.song import SongRequest

MAX_NOTES = 512
MIN_PITCH = 36
MAX_PITCH = 96
MAX_LENGTH_BEATS = 16
GRID_PER_BEAT = 4
PERCUSSION_CHANNEL = 9
BASSES = range(32, 40)
LOWEST_TUNE = 52

FIELD = "anchor.midi"

_TUNE_NAMES = re.compile(
    r"\b(?:melod|vocal|voice|vox|lead|sing|tune|soprano|main)|旋律|主唱|人声|人聲|主音|歌", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MidiMelody:
    """The melody of a MIDI file, the tempo of the file, and remarks for the caller on changes made to the melody."""

    notes: tuple[AnchorNote, ...]
    tempo_bpm: float | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class _Note:
    """One note, from `start` to `end` in sixteenth notes from the beginning of the file."""

    start: int
    end: int
    pitch: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a MIDI file: the notes of one channel of a track, with track name and program (instrument)."""

    notes: list[_Note]
    name: str
    program: int


def anchor_from_midi(data: bytes) -> MidiMelody:
    """Return the melody of a standard MIDI file: the part named "melody" or similar, otherwise the first part that is
    not a bass.

    A part is one channel of a track. Of simultaneous notes the highest is taken. Times are rounded to sixteenth notes;
    percussion is ignored; silence before the first note becomes a rest, silence after the last is dropped. Notes longer
    than 16 beats are shortened, longer rests become several, pitches outside [36, 96] are moved by octaves, and the
    melody ends after 512 notes and rests, more than any engine uses. The time needed is linear in the size of the data.

    Raises:
        InvalidRequest: the bytes are not a MIDI file, or have no note that is not percussion.
    """
    try:
        file = read_midi(data)
    except NotMidi as error:
        raise _refusal(f"{error}") from error
    part = _chosen([part for track in file.tracks for part in _parts(track, file)])
    if part is None:
        raise _refusal("must have a track with notes that are not percussion")
    melody = tuple(itertools.islice(_with_rests(_highest(part.notes)), MAX_NOTES))
    moved = tuple(AnchorNote(_in_range(note.pitch), note.length_beats) for note in melody)
    remarks = (
        ("anchor: notes that are too low or too high for the engine are moved by octaves",) if moved != melody else ()
    )
    return MidiMelody(moved, file.tempo_bpm, remarks)


def with_midi(params: SongParams, data: bytes) -> SongParams:
    """Return the parameters of a song with the melody of a MIDI file as their anchor, the melody that the song must
    have.

    Raises:
        InvalidRequest: the bytes are not a MIDI file, or have no note that is not percussion.
    """
    melody = anchor_from_midi(data)
    return replace(params, anchor=melody.notes, anchor_tempo_bpm=melody.tempo_bpm, anchor_remarks=melody.remarks)


def with_melody(request: SongRequest) -> SongRequest:
    """Return the request with its MIDI file, if any, parsed to the melody of its parameters.

    Raises:
        InvalidRequest: the bytes are not a MIDI file, or have no note that is not percussion.
    """
    return replace(request, params=with_midi(request.params, request.midi), midi=b"") if request.midi else request


def _chosen(parts: list[_Part]) -> _Part | None:
    """Return the part (channel of a track) of a MIDI file that has the melody; `None` if there is none."""
    named = [part for part in parts if _TUNE_NAMES.search(part.name)]
    high = [
        part for part in parts if part.program not in BASSES and max(note.pitch for note in part.notes) >= LOWEST_TUNE
    ]
    return next(iter(named or high or parts), None)


def _parts(track: Track, file: MidiFile) -> Iterator[_Part]:
    """Yield the channels of a MIDI track that have notes, without percussion, in the order of their first notes."""
    channels = dict.fromkeys(press.channel for press in track.presses if press.channel != PERCUSSION_CHANNEL)
    for channel in channels:
        presses = [press for press in track.presses if press.channel == channel]
        if notes := list(_notes(presses, track.end, Fraction(file.ticks_per_beat))):
            yield _Part(notes, track.name, track.programs.get(channel, 0))


def _notes(presses: Iterable[Press], end: int, ticks_per_beat: Fraction) -> Iterator[_Note]:
    pressed: dict[int, int] = {}
    for press in presses:
        if (start := pressed.pop(press.pitch, None)) is not None:
            yield _on_grid(start, press.tick, press.pitch, ticks_per_beat)
        if press.down:
            pressed[press.pitch] = press.tick
    for pitch, start in pressed.items():
        if end > start:
            yield _on_grid(start, end, pitch, ticks_per_beat)


def _on_grid(start_ticks: int, end_ticks: int, pitch: int, ticks_per_beat: Fraction) -> _Note:
    start = _to_grid(start_ticks, ticks_per_beat)
    return _Note(start, max(_to_grid(end_ticks, ticks_per_beat), start + 1), pitch)


def _to_grid(ticks: int, ticks_per_beat: Fraction) -> int:
    return int((2 * ticks * GRID_PER_BEAT + ticks_per_beat) // (2 * ticks_per_beat))


def _highest(notes: list[_Note]) -> list[_Note]:
    """Return the top voice of a part: at every moment the highest sounding note; of equally high notes the one that
    began last.
    """
    waiting = sorted(notes, reverse=True)
    sounding: list[tuple[int, int, _Note]] = []
    voice: list[_Note] = []
    previous: _Note | None = None
    moments = sorted({moment for note in notes for moment in (note.start, note.end)})
    for moment, following in itertools.pairwise(moments):
        while waiting and waiting[-1].start <= moment:
            note = waiting.pop()
            heapq.heappush(sounding, (-note.pitch, -note.start, note))
        while sounding and sounding[0][2].end <= moment:
            heapq.heappop(sounding)
        top = sounding[0][2] if sounding else None
        if top is not None and top is previous:
            voice[-1] = _Note(voice[-1].start, following, top.pitch)
        elif top is not None:
            voice.append(_Note(moment, following, top.pitch))
        previous = top
    return voice


def _with_rests(voice: list[_Note]) -> Iterator[AnchorNote]:
    now, longest = 0, MAX_LENGTH_BEATS * GRID_PER_BEAT
    for note in voice:
        yield from _rests(note.start - now)
        yield AnchorNote(note.pitch, min(note.end - note.start, longest) / GRID_PER_BEAT)
        now = min(note.end, note.start + longest)


def _rests(length: int) -> Iterator[AnchorNote]:
    """Yield rests, each at most 16 beats long, that together last `length` sixteenth notes."""
    longest = MAX_LENGTH_BEATS * GRID_PER_BEAT
    for first in range(0, length, longest):
        yield AnchorNote(None, min(longest, length - first) / GRID_PER_BEAT)


def _in_range(pitch: int | None) -> int | None:
    if pitch is None or MIN_PITCH <= pitch <= MAX_PITCH:
        return pitch
    return MIN_PITCH + (pitch - MIN_PITCH) % 12 if pitch < MIN_PITCH else MAX_PITCH - (MAX_PITCH - pitch) % 12


def _refusal(description: str) -> InvalidRequest:
    return InvalidRequest(Violation(FIELD, description))

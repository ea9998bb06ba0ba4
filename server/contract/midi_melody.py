"""A caller's MIDI file -> the anchor melody."""

import heapq
import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import mido

from model.song import AnchorNote, Violation
from server.errors import InvalidRequest
from server.song import SongRequest

MAX_NOTES = 512
MIN_PITCH = 36
MAX_PITCH = 96
MAX_LENGTH_BEATS = 16.0
GRID_PER_BEAT = 4
PERCUSSION_CHANNEL = 9
MAX_DELTA_TICKS = 0x0FFFFFFF

FIELD = "anchor.midi"


@dataclass(frozen=True, slots=True, order=True)
class _Note:
    """One key held down, from `start` to `end` in sixteenth notes from the beginning of the file."""

    start: int
    end: int
    pitch: int


def anchor_from_midi(data: bytes) -> tuple[AnchorNote, ...]:
    """The melody of a standard MIDI file: its first track with notes, the highest note where several sound.

    Times are rounded to sixteenth notes; percussion is no melody and is passed over; silence before the first note is
    kept as a rest, silence after the last is not. The time this takes grows with the size of the data alone.

    Raises:
        InvalidRequest: the bytes are not a MIDI file, or its melody is not 1 to 512 notes and rests of at most 16
            beats in the range [36, 96].
    """
    melody = tuple(_with_rests(_highest(_first_track(_parse(data)))))
    if not melody:
        raise _refusal("has no track with notes")
    if len(melody) > MAX_NOTES:
        raise _refusal(f"has {len(melody)} notes and rests; at most {MAX_NOTES} are allowed")
    for note in melody:
        _check(note)
    return melody


def with_melody(request: SongRequest) -> SongRequest:
    """The request with its MIDI file read; raises as `anchor_from_midi` does."""
    if not request.midi:
        return request
    return replace(request, params=replace(request.params, anchor=anchor_from_midi(request.midi)), midi=b"")


def _parse(data: bytes) -> mido.MidiFile:
    try:
        file = mido.MidiFile(file=io.BytesIO(data))
    # The parser answers hostile bytes with errors of many unrelated kinds, none of them ours.
    except Exception as error:
        raise _refusal("is not a standard MIDI file") from error
    if file.ticks_per_beat <= 0:
        raise _refusal("counts time in frames; only ticks per beat are understood")
    if any(message.time > MAX_DELTA_TICKS for track in file.tracks for message in track):
        raise _refusal("has a pause longer than the format can write")
    return file


def _first_track(file: mido.MidiFile) -> list[_Note]:
    tracks = (list(_notes(track, file.ticks_per_beat)) for track in file.tracks)
    return next((notes for notes in tracks if notes), [])


def _notes(track: Iterable[mido.Message], ticks_per_beat: int) -> Iterator[_Note]:
    now = 0
    pressed: dict[tuple[int, int], int] = {}
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == PERCUSSION_CHANNEL:
            continue
        key = (message.channel, message.note)
        if (start := pressed.pop(key, None)) is not None:
            yield _on_grid(start, now, message.note, ticks_per_beat)
        if message.type == "note_on" and message.velocity > 0:
            pressed[key] = now
    for (_, pitch), start in pressed.items():
        if now > start:
            yield _on_grid(start, now, pitch, ticks_per_beat)


def _on_grid(start_ticks: int, end_ticks: int, pitch: int, ticks_per_beat: int) -> _Note:
    start = _to_grid(start_ticks, ticks_per_beat)
    return _Note(start, max(_to_grid(end_ticks, ticks_per_beat), start + 1), pitch)


def _to_grid(ticks: int, ticks_per_beat: int) -> int:
    return (2 * ticks * GRID_PER_BEAT + ticks_per_beat) // (2 * ticks_per_beat)


def _highest(notes: list[_Note]) -> list[_Note]:
    """One voice out of many: at every moment the highest note that sounds, the newest of equals."""
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
    now = 0
    for note in voice:
        if note.start > now:
            yield AnchorNote(None, (note.start - now) / GRID_PER_BEAT)
        yield AnchorNote(note.pitch, (note.end - note.start) / GRID_PER_BEAT)
        now = note.end


def _check(note: AnchorNote) -> None:
    if note.pitch is not None and not MIN_PITCH <= note.pitch <= MAX_PITCH:
        raise _refusal(f"has a note of pitch {note.pitch}, outside the range [{MIN_PITCH}, {MAX_PITCH}]")
    if note.length_beats > MAX_LENGTH_BEATS:
        raise _refusal(f"has a note or rest of {note.length_beats:.2f} beats; at most {MAX_LENGTH_BEATS:g} are allowed")


def _refusal(description: str) -> InvalidRequest:
    return InvalidRequest(Violation(FIELD, description))

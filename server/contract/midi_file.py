"""Parses the notes and the tempo of a MIDI file, even of a damaged one.

Everything that a melody does not need is skipped: unknown chunks and events, wrong counts and lengths, bytes before the
header and after the last track. The time grows linearly with the size of the data.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

_HEADER, _TRACK = b"MThd", b"MTrk"
_META, _SYSEX, _SYSEX_END = 0xFF, 0xF0, 0xF7
_TRACK_NAME, _END_OF_TRACK, _SET_TEMPO = 0x03, 0x2F, 0x51
_NOTE_OFF, _NOTE_ON, _PROGRAM, _PRESSURE = 0x8, 0x9, 0xC, 0xD
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_LONGEST_NUMBER = 4
_FRAMES_BEAT_SECONDS = 0.5
_MICROSECONDS_PER_MINUTE = 60e6


class NotMidi(ValueError):
    """Error: the bytes are not a usable MIDI file; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Press:
    """A note-on or note-off event of a MIDI file; `tick` is its time in ticks from the beginning of the track, and
    `down` is True for note-on.
    """

    tick: int
    channel: int
    pitch: int
    down: bool


@dataclass(slots=True)
class Track:
    """The note events, the name and the length (`end`, in ticks) of a MIDI track. `programs` has the first program
    (instrument, 0 to 127) of each channel.
    """

    presses: list[Press] = field(default_factory=list)
    name: str = ""
    end: int = 0
    programs: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MidiFile:
    """The tracks of a MIDI file, the ticks per quarter note, and the first tempo, which is `None` if the file sets no
    tempo.
    """

    ticks_per_beat: float
    tracks: tuple[Track, ...]
    tempo_bpm: float | None


def read_midi(data: bytes) -> MidiFile:
    """Read a standard MIDI file, bare or in a RIFF file.

    If a file counts time in frames, half a second is taken as a beat.

    Raises:
        NotMidi: the file has no header, no track, or no ticks per beat.
    """
    start = data.find(_HEADER)
    if start < 0 or len(data) < start + 14:
        raise NotMidi("must be a standard MIDI file (.mid)")
    length = max(int.from_bytes(data[start + 4 : start + 8], "big"), 6)
    ticks_per_beat, framed = _division(data[start + 12 : start + 14])
    tempi: list[tuple[int, float]] = []
    tracks = tuple(_read_track(body, tempi) for body in _bodies(data, start + 8 + length))
    if not tracks:
        raise NotMidi("must be a MIDI file with at least one track")
    tempo_bpm = 60.0 / _FRAMES_BEAT_SECONDS if framed else min(tempi, default=(0, None))[1]
    return MidiFile(ticks_per_beat, tracks, tempo_bpm)


def _division(data: bytes) -> tuple[float, bool]:
    """Parse the division word of a MIDI header; return the ticks per beat, and True if the file counts time in frames
    (SMPTE).
    """
    number = int.from_bytes(data, "big")
    framed = bool(number & 0x8000)
    ticks = (256 - data[0]) * data[1] * _FRAMES_BEAT_SECONDS if framed else number
    if ticks <= 0:
        raise NotMidi("must be a MIDI file with at least one tick in a beat")
    return ticks, framed


def _bodies(data: bytes, offset: int) -> Iterator[bytes]:
    """Yield the content of each track chunk of a MIDI file, from the byte `offset` on. After a chunk with a wrong
    length the search goes on at the next track header.
    """
    offset = offset if data[offset : offset + 4].isascii() else data.find(_TRACK)
    while 0 <= offset <= len(data) - 8:
        end = offset + 8 + int.from_bytes(data[offset + 4 : offset + 8], "big")
        following = data[end : end + 4]
        if end > len(data) or (following and not _is_chunk(following)):
            found = data.find(_TRACK, offset + 8)
            end = found if found >= 0 else len(data)
        if data[offset : offset + 4] == _TRACK:
            yield data[offset + 8 : end]
        offset = end


def _is_chunk(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= byte < 0x7F for byte in name)


def _read_track(body: bytes, tempi: list[tuple[int, float]]) -> Track:
    """Parse the events of a track until the track ends or becomes unreadable. Tempo changes are appended to `tempi` as
    (tick, beats per minute).
    """
    track, reader, tick, status = Track(), _Bytes(body), 0, 0
    while (delta := reader.number()) is not None and (first := reader.byte()) is not None:
        tick += delta
        if first == _META:
            kind, content = reader.byte(), reader.block()
            if kind == _END_OF_TRACK or content is None:
                break
            if kind == _TRACK_NAME and not track.name:
                track.name = content.decode("utf-8", "replace")
            if kind == _SET_TEMPO and len(content) == 3 and any(content):
                tempi.append((tick, _MICROSECONDS_PER_MINUTE / int.from_bytes(content, "big")))
        elif first in (_SYSEX, _SYSEX_END):
            reader.block()
        elif first >= 0xF0:
            reader.skip(_SYSTEM_BYTES.get(first, 0))
        else:
            status, values = reader.channel_event(first, status)
            _take(track, tick, status, values)
    track.end = tick
    return track


def _take(track: Track, tick: int, status: int, values: bytes) -> None:
    kind, channel = status >> 4, status & 0xF
    if kind == _PROGRAM and values:
        track.programs.setdefault(channel, values[0])
    if kind in (_NOTE_ON, _NOTE_OFF) and len(values) == 2:
        track.presses.append(Press(tick, channel, values[0], kind == _NOTE_ON and values[1] > 0))


@dataclass(slots=True)
class _Bytes:
    """Reader for the bytes of a MIDI track; its methods return `None` after the last byte."""

    data: bytes
    offset: int = 0

    def byte(self) -> int | None:
        """Read the next byte of the track and return it."""
        if self.offset >= len(self.data):
            return None
        self.offset += 1
        return self.data[self.offset - 1]

    def skip(self, count: int) -> None:
        """Skip a number of bytes of the track."""
        self.offset += count

    def number(self) -> int | None:
        """Read the next variable-length number and return it; `None` if it is longer than the format allows."""
        value = 0
        for _ in range(_LONGEST_NUMBER):
            byte = self.byte()
            if byte is None:
                return None
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        return None

    def block(self) -> bytes | None:
        """Read a variable-length number and then this number of bytes, and return these bytes."""
        length = self.number()
        if length is None:
            return None
        self.offset += length
        return self.data[self.offset - length : self.offset]

    def channel_event(self, first: int, status: int) -> tuple[int, bytes]:
        """Read a channel event whose first byte is `first`; return its status byte (`status`, the running status, if it
        has none) and its data bytes.
        """
        if first >= 0x80:
            status, given = first, b""
        else:
            given = bytes([first])
        wanted = (1 if status >> 4 in (_PROGRAM, _PRESSURE) else 2) - len(given)
        values = given + self.data[self.offset : self.offset + wanted]
        self.offset += wanted
        return status, bytes(value & 0x7F for value in values)

import io
import struct
from collections.abc import Iterable

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.song import AnchorNote
from server.contract.midi_melody import MidiMelody
from server.contract.midi_melody import anchor_from_midi as melody_of
from server.errors import InvalidRequest
from tests.support.table import table

TICKS = 480
TimedNote = tuple[float, float, int]


def midi_file(*tracks: Iterable[TimedNote], channel: int = 0) -> bytes:
    """Return a MIDI file with one track for each list of notes, which are given as (start beat, end beat, pitch)."""
    file = mido.MidiFile(ticks_per_beat=TICKS)
    for notes in tracks:
        events = [(start, 1, pitch) for start, _, pitch in notes] + [(end, 0, pitch) for _, end, pitch in notes]
        track, now = mido.MidiTrack(), 0
        for beat, pressed, pitch in sorted(events):
            ticks = round(beat * TICKS)
            kind = "note_on" if pressed else "note_off"
            track.append(mido.Message(kind, note=pitch, velocity=64, time=ticks - now, channel=channel))
            now = ticks
        file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def raw_file(body: bytes, ticks_per_beat: int = TICKS) -> bytes:
    header = b"MThd" + struct.pack(">Ihhh", 6, 0, 1, ticks_per_beat)
    return header + b"MTrk" + struct.pack(">I", len(body)) + body


def anchor_from_midi(data: bytes) -> tuple[AnchorNote, ...]:
    return melody_of(data).notes


def chunk(name: bytes, body: bytes, length: int | None = None) -> bytes:
    return name + struct.pack(">I", len(body) if length is None else length) + body


def header(division: int = TICKS, tracks: int = 1, length: int = 6) -> bytes:
    return b"MThd" + struct.pack(">Ihhh", length, 1, tracks, division) + b"\0" * (length - 6)


NOTE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40"
END = b"\x00\xff\x2f\x00"
MIDDLE_C = (AnchorNote(60, 1.0),)


def test_notes_keep_pitch_and_length() -> None:
    assert anchor_from_midi(midi_file([(0, 1, 60), (1, 1.5, 62)])) == (AnchorNote(60, 1.0), AnchorNote(62, 0.5))


def test_silence_between_notes_is_a_rest() -> None:
    assert anchor_from_midi(midi_file([(1, 2, 60)])) == (AnchorNote(None, 1.0), AnchorNote(60, 1.0))


def test_times_are_rounded_to_sixteenths() -> None:
    assert anchor_from_midi(midi_file([(0.02, 0.97, 60)])) == (AnchorNote(60, 1.0),)


def test_the_shortest_note_lasts_a_sixteenth() -> None:
    assert anchor_from_midi(midi_file([(0, 0.01, 60)])) == (AnchorNote(60, 0.25),)


def test_the_highest_of_several_notes_is_the_melody() -> None:
    assert anchor_from_midi(midi_file([(0, 2, 48), (0, 2, 64), (0, 2, 55)])) == (AnchorNote(64, 2.0),)


def test_a_low_note_is_heard_again_when_the_high_one_ends() -> None:
    melody = anchor_from_midi(midi_file([(0, 3, 60), (1, 2, 72)]))
    assert melody == (AnchorNote(60, 1.0), AnchorNote(72, 1.0), AnchorNote(60, 1.0))


def test_a_repeated_note_stays_two_notes() -> None:
    assert anchor_from_midi(midi_file([(0, 1, 60), (1, 2, 60)])) == (AnchorNote(60, 1.0), AnchorNote(60, 1.0))


def test_the_first_track_with_notes_is_taken() -> None:
    assert anchor_from_midi(midi_file([], [(0, 1, 60)], [(0, 1, 72)])) == (AnchorNote(60, 1.0),)


def test_percussion_is_no_melody() -> None:
    with pytest.raises(InvalidRequest, match=r"anchor\.midi: must have a track with notes"):
        anchor_from_midi(midi_file([(0, 1, 60)], channel=9))


@table(
    ("data", "fault"),
    [
        (b"", "must be a standard MIDI file"),
        (b"not midi", "must be a standard MIDI file"),
        (b"MThd", "must be a standard MIDI file"),
        (header(), "with at least one track"),
        (raw_file(b""), "must have a track with notes"),
        (raw_file(NOTE, ticks_per_beat=0), "at least one tick in a beat"),
        (raw_file(b"\xff" * 60_000 + NOTE), "must have a track with notes"),
    ],
)
def test_what_is_no_anchor_is_refused_by_name(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidRequest, match=fault) as refusal:
        anchor_from_midi(data)
    assert [violation.field for violation in refusal.value.violations] == ["anchor.midi"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(header() + chunk(b"XFIH", b"abcde") + chunk(b"MTrk", NOTE + END), id="foreign chunk"),
        pytest.param(header(tracks=9) + chunk(b"MTrk", NOTE + END), id="wrong count of tracks"),
        pytest.param(header(tracks=0) + chunk(b"MTrk", NOTE + END), id="no tracks counted"),
        pytest.param(header(length=10) + chunk(b"MTrk", NOTE + END), id="longer header"),
        pytest.param(header() + chunk(b"MTrk", NOTE + END, 7000), id="length beyond the end"),
        pytest.param(header() + chunk(b"MTrk", END, 2) + chunk(b"MTrk", NOTE + END), id="length too short"),
        pytest.param(header() + chunk(b"MTrk", NOTE), id="no end of track"),
        pytest.param(header() + chunk(b"MTrk", NOTE + END) + b"\x01\x02garbage" * 9, id="garbage behind"),
        pytest.param(b"\0" * 128 + header() + chunk(b"MTrk", NOTE + END), id="garbage before"),
        pytest.param(b"RIFF\x40\0\0\0RMIDdata\x30\0\0\0" + header() + chunk(b"MTrk", NOTE + END), id="RIFF"),
        pytest.param(header() + chunk(b"MTrk", b"\x00\xff\x59\x02\x0b\x07" + NOTE + END), id="bad key signature"),
        pytest.param(header() + chunk(b"MTrk", b"\x00\xff\x51\x02\x0b\x07" + NOTE + END), id="bad tempo"),
        pytest.param(header() + chunk(b"MTrk", b"\x00\xff\x7e\x03abc" + NOTE + END), id="unknown meta event"),
        pytest.param(header() + chunk(b"MTrk", b"\x00\xf0\x03\x41\x10\xf7" + NOTE + END), id="system exclusive"),
        pytest.param(header() + chunk(b"MTrk", b"\x00\xf2\x00\x00\x00\xf8" + NOTE + END), id="system events"),
        pytest.param(header() + chunk(b"MTrk", b"\x00\x40\x40" + NOTE + END), id="data without a status"),
        pytest.param(header(-6360) + chunk(b"MTrk", NOTE.replace(b"\x83\x60", b"\x83\x74") + END), id="frames"),
        pytest.param(midi_file([(0, 1, 60), (1, 2, 62)])[:-12], id="cut off"),
    ],
)
def test_what_a_melody_does_not_need_is_passed_over(data: bytes) -> None:
    assert anchor_from_midi(data)[:1] == MIDDLE_C


def test_long_notes_end_and_long_rests_are_several() -> None:
    assert anchor_from_midi(midi_file([(20, 60, 60), (61, 62, 64)])) == (
        AnchorNote(None, 16.0),
        AnchorNote(None, 4.0),
        AnchorNote(60, 16.0),
        AnchorNote(None, 16.0),
        AnchorNote(None, 9.0),
        AnchorNote(64, 1.0),
    )


def test_a_melody_of_many_notes_and_a_pause_of_years_are_cut() -> None:
    assert len(anchor_from_midi(midi_file([(n, n + 1, 60) for n in range(700)]))) == 512
    assert len(anchor_from_midi(raw_file(b"\xff\xff\xff\x7f\x90\x3c\x40\x01\x80\x3c\x40", ticks_per_beat=1))) == 512


def test_notes_out_of_range_are_moved_by_octaves_with_a_remark() -> None:
    melody = melody_of(midi_file([(0, 1, 20), (1, 2, 110), (2, 3, 60)]))
    assert [note.pitch for note in melody.notes] == [44, 86, 60]
    assert melody.remarks == ("anchor: notes that are too low or too high for the engine are moved by octaves",)


def test_a_bass_is_no_melody_where_there_is_another() -> None:
    assert anchor_from_midi(midi_file([(0, 1, 40)], [(0, 1, 60)])) == MIDDLE_C
    assert anchor_from_midi(midi_file([(0, 1, 40)])) == (AnchorNote(40, 1.0),)


def test_the_part_that_is_named_as_the_melody_is_taken() -> None:
    file = mido.MidiFile(file=io.BytesIO(midi_file([(0, 1, 72)], [(0, 1, 60)])), charset="utf-8")
    for track, name in zip(file.tracks, ("Piano", "主旋律"), strict=True):
        track.insert(0, mido.MetaMessage("track_name", name=name))
    buffer = io.BytesIO()
    file.charset = "utf-8"
    file.save(file=buffer)
    assert anchor_from_midi(buffer.getvalue()) == MIDDLE_C


def test_channels_of_one_track_are_parts_of_their_own() -> None:
    body = b"\x00\x91\x24\x40\x00\x90\x3c\x40\x00\x92\x48\x40\x83\x60\x81\x24\x40\x00\x80\x3c\x40\x00\x82\x48\x40"
    assert anchor_from_midi(raw_file(body + END)) == MIDDLE_C


@pytest.mark.parametrize(
    ("data", "bpm"),
    [
        (header() + chunk(b"MTrk", b"\x00\xff\x51\x03\x09\x27\xc0" + NOTE + END), 100),
        (header() + chunk(b"MTrk", NOTE + END), None),
        (header(-6360) + chunk(b"MTrk", NOTE + END), 120),
    ],
)
def test_the_tempo_of_the_file_is_told(data: bytes, bpm: float | None) -> None:
    assert melody_of(data) == MidiMelody(melody_of(data).notes, bpm)


def test_a_note_that_is_never_released_ends_with_its_track() -> None:
    body = b"\x00\x90\x3c\x40\x83\x60\xff\x2f\x00"
    assert anchor_from_midi(raw_file(body)) == (AnchorNote(60, 1.0),)


@given(st.data())
def test_damaged_files_are_refused_or_understood(data: st.DataObject) -> None:
    whole = bytearray(midi_file([(0, 1, 60), (1, 2, 64), (2, 4, 67)]))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[position] = data.draw(st.integers(0, 255))
    try:
        melody = anchor_from_midi(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except InvalidRequest:
        return
    assert all(0 < note.length_beats <= 16 for note in melody)

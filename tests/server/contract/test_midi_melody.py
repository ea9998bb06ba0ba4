import io
import struct
from collections.abc import Iterable

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.song import AnchorNote
from server.contract.midi_melody import anchor_from_midi
from server.errors import InvalidRequest

TICKS = 480
TimedNote = tuple[float, float, int]


def midi_file(*tracks: Iterable[TimedNote], channel: int = 0) -> bytes:
    """A MIDI file of notes given as (start beat, end beat, pitch)."""
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
    with pytest.raises(InvalidRequest, match=r"anchor\.midi: has no track with notes"):
        anchor_from_midi(midi_file([(0, 1, 60)], channel=9))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"not midi", "not a standard MIDI file"),
        (midi_file([(0, 1, 60)])[:-6], "not a standard MIDI file"),
        (raw_file(b""), "no track with notes"),
        (raw_file(b"\x00\x90\x3c\x40\x60\x80\x3c\x40", ticks_per_beat=0), "only ticks per beat"),
        (raw_file(b"\x00\x90\x3c\x40\x60\x80\x3c\x40", ticks_per_beat=-6136), "only ticks per beat"),
        (raw_file(b"\xff" * 60_000 + b"\x00\x90\x3c\x40\x60\x80\x3c\x40"), "pause longer"),
        (raw_file(b"\x00\x90\x3c\x40\x8f\xff\xff\x7f\x80\x3c\x40", ticks_per_beat=1), "at most 16 are allowed"),
        (midi_file([(20, 21, 60)]), "rest of 20.00 beats"),
        (midi_file([(0, 1, 20)]), "pitch 20"),
        (midi_file([(n, n + 1, 60) for n in range(513)]), "513 notes"),
    ],
)
def test_what_is_no_anchor_is_refused_by_name(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidRequest, match=fault) as refusal:
        anchor_from_midi(data)
    assert [violation.field for violation in refusal.value.violations] == ["anchor.midi"]


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

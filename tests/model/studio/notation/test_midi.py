import io

import mido

from model.studio.notation.arrangement import Arrangement, TrackNote
from model.studio.notation.chords import NamedChord
from model.studio.notation.midi import TICKS_PER_BEAT, section_midi
from model.studio.notation.score import Chord, Note, Quality, Score
from model.studio.style import Track

SCORE = Score(1, (Note(0, 4, 60, 0), Note(4, 4, 62, 1), Note(8, 8, 64)), (Chord(0, Quality.MAJOR),) * 4)


def written(**tracks: tuple[TrackNote, ...]) -> mido.MidiFile:
    players = {Track(name): notes for name, notes in tracks.items()}
    midi = section_midi(SCORE, Arrangement(1, players), ("春", "天"), 120.0)
    return mido.MidiFile(file=io.BytesIO(midi), charset="utf-8")


def notes_on(track: mido.MidiTrack) -> list[tuple[int, int]]:
    tick, found = 0, []
    for message in track:
        tick += message.time
        if message.type == "note_on":
            found.append((tick, message.note))
    return found


def test_melody_stands_on_its_ticks() -> None:
    assert notes_on(written().tracks[1]) == [(0, 60), (TICKS_PER_BEAT, 62), (2 * TICKS_PER_BEAT, 64)]


def test_syllables_stand_as_lyrics_before_their_notes() -> None:
    assert [message.text for message in written().tracks[1] if message.type == "lyrics"] == ["春", "天"]


def test_chords_stand_as_markers_on_their_beats() -> None:
    chords = (NamedChord("C", 0, 2), NamedChord("Am", 2, 4))
    midi = section_midi(SCORE, Arrangement(1, {}), ("春", "天"), 120.0, chords)
    tick, found = 0, []
    for message in mido.MidiFile(file=io.BytesIO(midi)).tracks[0]:
        tick += message.time
        if message.type == "marker":
            found.append((tick, message.text))
    assert found == [(0, "C"), (2 * TICKS_PER_BEAT, "Am")]


def test_file_lasts_as_long_as_the_section() -> None:
    assert abs(written().length - 2.0) < 0.01


def test_drums_are_on_channel_ten() -> None:
    track = written(drums=(TrackNote(0.0, 1.0, 36, 100),)).tracks[2]
    assert {message.channel for message in track if not message.is_meta} == {9}


def test_an_anticipation_before_the_section_sounds_at_its_start() -> None:
    assert notes_on(written(bass=(TrackNote(-0.2, 2.0, 36, 100),)).tracks[2]) == [(0, 36)]


def test_the_metre_is_told() -> None:
    waltz = Score(1, (), (Chord(0, Quality.MAJOR),) * 3, 3)
    file = mido.MidiFile(file=io.BytesIO(section_midi(waltz, Arrangement(1, {}), (), 120.0)))
    assert [(m.numerator, m.denominator) for m in file.tracks[0] if m.type == "time_signature"] == [(3, 4)]

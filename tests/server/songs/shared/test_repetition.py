"""Tests of a song that is made again and compared with its stored part byte by byte, for any borders of its chunks."""

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from melisma.v1 import music_pb2
from melisma.v1.music_pb2 import AudioChunk, SectionFinished, SongAccepted, SongFinished, SongPlan
from server.songs.recordings.logged_event import LoggedEvent, Message
from server.songs.shared.repetition import Repetition, SoundDiffers

FRAME_BYTES, FRAME_SAMPLES, DELAY_FRAMES, RATE_HERTZ = 4, 1152, 1, 44_100
FRAMES, SECTION_FRAMES = 30, 10
SOUND = bytes(range(FRAMES * FRAME_BYTES))
PLAN = SongPlan(
    sample_rate_hertz=RATE_HERTZ,
    delay_samples=DELAY_FRAMES * FRAME_SAMPLES,
    sections=[
        music_pb2.Section(index=index, start_seconds=index * SECTION_FRAMES * FRAME_SAMPLES / RATE_HERTZ)
        for index in range(3)
    ],
)
SEED = 7


def song(cuts: Sequence[int], sound: bytes = SOUND) -> list[Message]:
    """Return the events of a song: the chunks of `sound`, which is cut at the frame numbers `cuts`, and the end of each
    section after the chunk with the section's last frame.
    """
    events = [Message(accepted=SongAccepted(song_id="song-1")), Message(plan=PLAN)]
    told = 0
    for sequence, (first, end) in enumerate(pairwise([0, *cuts])):
        events.append(Message(chunk=chunk(sequence, first, end, sound)))
        while told < (end - DELAY_FRAMES) // SECTION_FRAMES:
            events.append(Message(section_finished=SectionFinished(section_index=told)))
            told += 1
    events.append(Message(section_finished=SectionFinished(section_index=told)))
    return [*events, Message(finished=SongFinished(size_bytes=len(sound)))]


def chunk(sequence: int, first: int, end: int, sound: bytes) -> AudioChunk:
    start, stop = (max(0, frame - DELAY_FRAMES) * FRAME_SAMPLES / RATE_HERTZ for frame in (first, end))
    return AudioChunk(
        sequence=sequence,
        data=sound[first * FRAME_BYTES : end * FRAME_BYTES],
        section_index=min(2, max(0, first - DELAY_FRAMES) // SECTION_FRAMES),
        start_seconds=start,
        duration_seconds=stop - start,
        byte_offset=first * FRAME_BYTES,
        sample_offset=first * FRAME_SAMPLES,
    )


def continued(stored: Sequence[Message], again: Sequence[Message]) -> list[Message]:
    """Return the events that listeners get of a song whose beginning is stored as `stored`, and that is then made again
    from its start as `again`: `stored`, and the part of `again` that is not stored.
    """
    repetition = Repetition([LoggedEvent.of(message) for message in stored])
    news = [new for message in again if (new := repetition.unstored_part(message)) is not None]
    assert repetition.done
    return [*stored, *news]


def sound_of(events: Sequence[Message]) -> list[AudioChunk]:
    return [event.chunk for event in events if event.HasField("chunk")]


def wrongs(events: Sequence[Message]) -> list[str]:
    """Return descriptions of the errors in the events of a whole song: wrong sound, chunk numbers, chunk positions or
    other events.
    """
    chunks, found = sound_of(events), []
    if b"".join(one.data for one in chunks) != SOUND:
        found.append("other sound")
    if [one.sequence for one in chunks] != list(range(len(chunks))):
        found.append("chunks are not numbered in turn")
    for one in chunks:
        first, end = one.byte_offset // FRAME_BYTES, (one.byte_offset + len(one.data)) // FRAME_BYTES
        right = chunk(one.sequence, first, end, SOUND)
        told = (one.section_index, one.sample_offset, round(one.start_seconds, 6), round(one.duration_seconds, 6))
        if told != (
            right.section_index,
            right.sample_offset,
            round(right.start_seconds, 6),
            round(right.duration_seconds, 6),
        ):
            found.append(f"chunk {one.sequence} of frames {first} to {end} is told as {told}")
    rest = [event for event in events if not event.HasField("chunk")]
    if rest != [event for event in song([FRAMES]) if not event.HasField("chunk")]:
        found.append(f"other events: {[event.WhichOneof('event') for event in events]}")
    return found


def cut(rng: random.Random) -> list[int]:
    return [*sorted(rng.sample(range(DELAY_FRAMES + 1, FRAMES), rng.randrange(8))), FRAMES]


def test_a_song_goes_on_from_any_event_however_its_chunks_were_cut() -> None:
    rng, found = random.Random(SEED), []
    for _ in range(60):
        former, now = cut(rng), cut(rng)
        events = song(former)
        amiss = {count: wrongs(continued(events[:count], song(now))) for count in range(len(events) - 1)}
        found += [f"{former} for {count} events, then {now}: {wrong}" for count, wrong in amiss.items() if wrong]
    assert found == []


def test_the_same_cuts_leave_every_event_as_it_is() -> None:
    events = song([4, 9, 17, FRAMES])
    for count in range(len(events)):
        assert continued(events[:count], events) == events


@pytest.mark.parametrize("byte", [0, 30, 59])
def test_a_byte_that_differs_is_found_in_chunks_of_any_size(byte: int) -> None:
    other = bytes(value ^ (place == byte) for place, value in enumerate(SOUND))
    stored = song([5, 15, FRAMES])[:5]
    assert len(b"".join(one.data for one in sound_of(stored))) == 60
    for cuts in ([5, 15, FRAMES], [FRAMES], [2, 7, 14, 16, FRAMES]):
        with pytest.raises(SoundDiffers):
            continued(stored, song(cuts, other))


def test_sound_that_differs_behind_what_is_stored_is_no_difference() -> None:
    other = bytes(value ^ (place >= 60) for place, value in enumerate(SOUND))
    stored = song([15, FRAMES])[:4]
    whole = continued(stored, song([FRAMES], other))
    assert b"".join(one.data for one in sound_of(whole)) == other


@pytest.mark.parametrize("left_out", ["section_finished", "chunk"])
def test_a_song_that_ends_before_what_is_stored_has_come_again_differs(left_out: str) -> None:
    stored = song([5, 15, FRAMES])[:6]
    with pytest.raises(SoundDiffers):
        continued(stored, [event for event in song([FRAMES]) if event.WhichOneof("event") != left_out])
